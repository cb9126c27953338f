package runtimeapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Each header is within its own bound. Together they are not, and what was
// begun must not fill the daemon's memory.
func TestHeaders_OfManyConnections_AreBoundedTogether(t *testing.T) {
	for name, line := range map[string]string{
		"long lines":  "X-Long: " + strings.Repeat("x", 64<<10) + "\r\n",
		"short lines": "x:\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			f := serve(t)
			const each, connections = 1 << 20, 40
			begun := "GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n" + strings.Repeat(line, each/len(line))
			var held []*wire
			for range connections {
				w := f.dial()
				if _, err := io.WriteString(w, begun); err != nil {
					continue // cut off already
				}
				held = append(held, w)
			}
			left := 0
			for _, w := range held {
				if err := w.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
					t.Fatal(err)
				}
				if got := w.receive(); got.err != nil && strings.Contains(got.err.Error(), "timeout") {
					left++
				}
			}
			if left > 10 {
				t.Errorf("%d of %d connections are kept with 1 MiB of a header each", left, connections)
			}
			for _, w := range held {
				w.Close()
			}
			// What was held is given back: the longest header that a client sends fits.
			var got reply
			for deadline := time.Now().Add(patience); time.Now().Before(deadline) && got.status != http.StatusBadRequest; {
				got = f.post(errorPath("id-1"), "{}", "Lambda-Runtime-Function-XRay-Error-Cause", strings.Repeat("x", 1<<20))
			}
			if got.status != http.StatusBadRequest {
				t.Errorf("afterwards: %+v", got)
			}
		})
	}
}

// A header counts while its request lasts, and no longer.
func TestHeaders_OneAfterTheOther_AreServed(t *testing.T) {
	f := serve(t)
	for range 20 {
		got := f.request(t.Context(), http.MethodGet, "/2018-06-01/ping", nil, "X-Long", strings.Repeat("x", 1<<20))
		if got.status != http.StatusOK {
			t.Fatalf("got %+v", got)
		}
	}
}

// Bodies are no headers, however many lines they have.
func TestBody_OfManyLines_IsTaken(t *testing.T) {
	f := serve(t)
	f.running()
	f.wantAccepted(f.post(responsePath("id-1"), strings.Repeat("\n", 5<<20)))
}
