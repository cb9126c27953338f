package longpoll

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"time"
)

// parked is the connection of a long poll whose client has shut down its side:
// it will send nothing more, and either it is gone or it still reads. Package
// net/http takes both for the end of the request, and TCP shows the difference
// only to somebody who writes. What can be written without harm at any time is
// an interim response, which every client skips.
//
// It is an http.ResponseWriter for one response that is written in one piece,
// after which the connection is closed.
type parked struct {
	conn   net.Conn
	header http.Header
	probes int
}

// park takes the connection over. It returns nil when it cannot be had, or the
// client is gone.
func park(w http.ResponseWriter) *parked {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil
	}
	p := &parked{conn: conn, header: http.Header{}}
	if !p.alive() {
		p.Close()
		return nil
	}
	return p
}

const (
	// parkedProbe is when a parked connection is looked at again: its client may
	// have shut down its side a moment before it went.
	parkedProbe = 50 * time.Millisecond
	// parkedWrite bounds a write to a client that does not read.
	parkedWrite = 5 * time.Second
)

// probe fires once, when it is time to see that the client is alive still.
func (p *parked) probe() <-chan time.Time {
	if p.probes++; p.probes > 1 {
		return nil
	}
	return time.After(parkedProbe)
}

// alive reports whether the client seems to be there. It writes in two parts:
// the first to a client that is gone succeeds and brings a reset, on the
// loopback at once, that fails the second.
func (p *parked) alive() bool {
	if err := p.conn.SetWriteDeadline(time.Now().Add(parkedWrite)); err != nil {
		return false
	}
	for _, part := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
		if _, err := io.WriteString(p.conn, part); err != nil {
			return false
		}
	}
	return true
}

// Close closes the connection.
func (p *parked) Close() { _ = p.conn.Close() }

// Header returns the header of the response.
func (p *parked) Header() http.Header { return p.header }

// WriteHeader does nothing: a parked poll is answered with 200 only.
func (p *parked) WriteHeader(int) {}

// Write sends the response with the given body, and closes the connection.
func (p *parked) Write(body []byte) (int, error) {
	defer p.Close()
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 200 OK\r\nConnection: close\r\n")
	if err := p.header.Write(&b); err != nil {
		return 0, err
	}
	b.WriteString("\r\n")
	b.Write(body)
	if err := p.conn.SetWriteDeadline(time.Now().Add(parkedWrite)); err != nil {
		return 0, err
	}
	if _, err := p.conn.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(body), nil
}
