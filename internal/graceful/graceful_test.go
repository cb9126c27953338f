package graceful_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/hearthd/hearth/internal/graceful"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// get sends a request and returns the body of the answer.
func get(ctx context.Context, l net.Listener) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.Addr().String(), nil)
	if err != nil {
		return "", err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func TestServe_Told_LetsRequestsFinish(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	l := listen(t)
	inside, finish := make(chan struct{}), make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(inside)
		<-finish
		_, _ = io.WriteString(w, "done")
	})}
	var log bytes.Buffer
	served := make(chan error, 1)
	go func() { served <- graceful.Serve(ctx, server, l, slog.New(slog.NewTextHandler(&log, nil))) }()
	type answer struct {
		body string
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		body, err := get(t.Context(), l)
		answered <- answer{body, err}
	}()
	<-inside
	stop()
	for { // until nobody is let in any more: the request in progress is the last
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	close(finish)
	if got := <-answered; got.err != nil || got.body != "done" {
		t.Errorf("request in progress: %q, %v", got.body, got.err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if !strings.Contains(log.String(), "stopping") || strings.Contains(log.String(), "cut off") {
		t.Errorf("log:\n%s", &log)
	}
}

func TestServe_ListenerFails_IsAnError(t *testing.T) {
	l := listen(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	err := graceful.Serve(t.Context(), &http.Server{}, l, slog.New(slog.DiscardHandler))
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve: %v", err)
	}
}
