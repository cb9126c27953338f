package runtimeapi

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"sync/atomic"
)

// Package net/http bounds the header of one request, and parses it before a
// handler sees it. Many connections with such headers, complete or not, are
// what processes could fill the daemon's memory with, so all headers of an
// environment together have a bound, too.
const (
	// maxHeaders is what the headers of all requests in progress may cost: their
	// bytes, and headerLine for each line.
	maxHeaders = 8 << 20
	// headerLine is about what a parsed line takes beyond its text.
	headerLine = 128
)

var errHeaders = errors.New("headers of the environment's requests exceed their limit")

// listener hands out connections that share one bound.
type listener struct {
	net.Listener
	used atomic.Int64 // of maxHeaders
}

// Accept returns a *conn.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // net/http looks at it
	}
	return &conn{Conn: c, used: &l.used}, nil
}

// conn is a connection of the environment's processes. What is read from it
// outside of a handler is taken for headers, and counts until the handler has
// returned.
type conn struct {
	net.Conn
	session protocol      // in which it was accepted; not written after ConnContext
	used    *atomic.Int64 // of the listener

	mu      sync.Mutex
	serving bool  // a handler runs: what is read is a body
	closed  bool  // nothing counts any more
	charged int64 // of used
}

// begin is called when a header has been read, and end when its request is over.
func (c *conn) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serving = true
}

func (c *conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serving = false
	c.refundLocked()
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.charge(p[:n]) {
		return 0, errHeaders
	}
	return n, err //nolint:wrapcheck // net/http looks at it
}

// charge counts what was read, and reports whether there was room for it.
func (c *conn) charge(read []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.serving || c.closed {
		return true
	}
	cost := int64(len(read) + headerLine*bytes.Count(read, []byte{'\n'}))
	c.charged += cost
	return c.used.Add(cost) <= maxHeaders
}

// Close closes the connection.
func (c *conn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.refundLocked()
	c.mu.Unlock()
	return c.Conn.Close() //nolint:wrapcheck // net/http looks at it
}

func (c *conn) refundLocked() {
	c.used.Add(-c.charged)
	c.charged = 0
}
