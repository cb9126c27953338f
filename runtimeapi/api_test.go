package runtimeapi_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi"
	"github.com/hearthd/hearth/runtimeapi/headerlimit"
)

// Bodies for the platform's API are no headers, whose bound all connections of the
// environment share: a function may send as many as it likes on one connection.
func TestAPI_BodiesAreNoHeaders(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := runtimeapi.Serve(l, runtimeapi.Options{
		Function: &hearth.Function{},
		API: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			if n == 0 {
				w.WriteHeader(http.StatusBadRequest)
			}
		}),
	})
	defer s.Close()
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	const body = 4 << 20
	for sent := 0; sent <= 2*headerlimit.Max; sent += body {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+l.Addr().String()+"/2015-03-31/functions/f/invocations", strings.NewReader(strings.Repeat("x", body)))
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatalf("after %d bytes: %v", sent, err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Fatalf("after %d bytes: %d", sent, res.StatusCode)
		}
	}
}
