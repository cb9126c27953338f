// Package headerlimit bounds what the headers of all requests on one listener
// hold of the program's memory together.
//
// Package net/http bounds the header of one request, and parses it before a
// handler sees it. Many connections with such headers, complete or not, are what
// processes could fill the daemon's memory with.
package headerlimit

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"sync/atomic"
)

// Max is what the headers of all requests in progress may cost: their bytes, and
// about what a parsed line takes beyond its text.
const (
	Max        = 8 << 20
	headerLine = 128
)

// ErrExceeded is what reading from a connection fails with that is too much.
var ErrExceeded = errors.New("headers of the environment's requests exceed their limit")

// Listener hands out connections that share one bound.
type Listener struct {
	net.Listener
	used atomic.Int64 // of Max
}

// Listen returns a Listener on l, which it then owns.
func Listen(l net.Listener) *Listener { return &Listener{Listener: l} }

// Accept returns a *Conn.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // net/http looks at it
	}
	return &Conn{Conn: c, used: &l.used}, nil
}

// Conn is a connection. What is read from it outside of a handler is taken for
// headers, and counts until the handler has returned.
type Conn struct {
	net.Conn
	used *atomic.Int64 // of the listener

	mu      sync.Mutex
	serving bool  // a handler runs: what is read is a body
	closed  bool  // nothing counts any more
	charged int64 // of used
}

// Begin is for the handler to call when it has got a request, and End when the
// request is over.
func (c *Conn) Begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serving = true
}

// End lets what is read next count as the next header.
func (c *Conn) End() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serving = false
	c.refundLocked()
}

// Read reads, and fails with ErrExceeded when it read more than there is room for.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.charge(p[:n]) {
		return 0, ErrExceeded
	}
	return n, err //nolint:wrapcheck // net/http looks at it
}

// charge counts what was read, and reports whether there was room for it.
func (c *Conn) charge(read []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.serving || c.closed {
		return true
	}
	cost := int64(len(read) + headerLine*bytes.Count(read, []byte{'\n'}))
	c.charged += cost
	return c.used.Add(cost) <= Max
}

// Close closes the connection.
func (c *Conn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.refundLocked()
	c.mu.Unlock()
	return c.Conn.Close() //nolint:wrapcheck // net/http looks at it
}

func (c *Conn) refundLocked() {
	c.used.Add(-c.charged)
	c.charged = 0
}
