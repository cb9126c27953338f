package subscription

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// sendTimeout is how long a subscriber may take to take a batch.
const sendTimeout = 5 * time.Second

// sender sends batches to a listener in the sandbox. One goroutine uses it.
type sender struct {
	network Network
	client  *http.Client
	conn    net.Conn // of TCP; nil: not connected
	port    int      // of conn
}

func newSender(n Network) *sender {
	s := &sender{network: n}
	s.client = &http.Client{
		// A redirect would lead nowhere but to the same sandbox.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableCompression: true, MaxIdleConnsPerHost: 1, MaxResponseHeaderBytes: 64 << 10,
			DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
				port, err := net.LookupPort("tcp", portIn(address))
				if err != nil {
					return nil, err
				}
				return n.Dial(ctx, port)
			},
		},
	}
	return s
}

func portIn(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	return port
}

// close ends the connections.
func (s *sender) close() {
	s.client.CloseIdleConnections()
	s.hangUp()
}

func (s *sender) hangUp() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}

// batch sends records.
func (s *sender) batch(ctx context.Context, r *request, records [][]byte) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if r.url == "" {
		return s.stream(ctx, r.port, records)
	}
	return s.post(ctx, r.url, records)
}

// post sends a JSON array.
func (s *sender) post(ctx context.Context, url string, records [][]byte) error {
	body := []byte{'['}
	for i, record := range records {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, record[:len(record)-1]...) // without the newline
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(append(body, ']')))
	if err != nil {
		return fmt.Errorf("deliver telemetry: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("deliver telemetry: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("deliver telemetry: the subscriber answered %s", resp.Status)
	}
	return nil
}

// stream writes a line for each record. After an error the whole batch is sent
// again on another connection.
func (s *sender) stream(ctx context.Context, port int, records [][]byte) error {
	if s.conn != nil && s.port != port {
		s.hangUp()
	}
	if s.conn == nil {
		conn, err := s.network.Dial(ctx, port)
		if err != nil {
			return fmt.Errorf("deliver telemetry: %w", err)
		}
		s.conn, s.port = conn, port
	}
	conn := s.conn
	stop := context.AfterFunc(ctx, func() { _ = conn.SetWriteDeadline(time.Unix(1, 0)) })
	_, err := conn.Write(bytes.Join(records, nil))
	if !stop() || err != nil {
		s.hangUp() // it has a deadline in the past, or is broken
	}
	if err != nil {
		return fmt.Errorf("deliver telemetry: %w", err)
	}
	return nil
}
