// Package slowbody bounds how long an HTTP server waits for the body of a
// request. A server's ReadTimeout would be the same for any size; here it is the
// pause between two pieces that is bounded, so that large bodies may take their
// time. Without it anybody who can connect, with credentials or without, could
// hold connections open with bodies that never come.
package slowbody

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// Handler passes requests on to h. A body of which nothing comes for as long as
// pause ends with os.ErrDeadlineExceeded, for h and for the server, which reads
// what h left over before it answers. The bound ends with the body: h may take
// its time.
func Handler(h http.Handler, pause time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			b := &body{ReadCloser: r.Body, conn: http.NewResponseController(w), pause: pause}
			b.extend()
			r.Body = b
		}
		h.ServeHTTP(w, r)
	})
}

// body is one that is waited for no longer than pause at a time.
type body struct {
	io.ReadCloser
	conn  *http.ResponseController
	pause time.Duration
	ended bool
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if !b.ended {
		b.extend()
	}
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) && !b.ended {
		b.ended = true
		_ = b.conn.SetReadDeadline(time.Time{}) // see extend
	}
	return n, err
}

// extend begins another pause. A connection that knows no deadlines is none of a
// server's.
func (b *body) extend() { _ = b.conn.SetReadDeadline(time.Now().Add(b.pause)) }
