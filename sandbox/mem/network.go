package mem

import (
	"context"
	"net"
	"sync"
)

// backlog is how many connections wait to be accepted.
const backlog = 128

// listener accepts what offer hands in.
type listener struct {
	conns   chan net.Conn
	closed  chan struct{}
	closing sync.Once
}

func newListener() *listener {
	return &listener{conns: make(chan net.Conn, backlog), closed: make(chan struct{})}
}

// offer queues the far end of a connection.
func (l *listener) offer(ctx context.Context, c net.Conn) error {
	select {
	case <-l.closed:
		return net.ErrClosed
	default:
	}
	select {
	case l.conns <- c:
		return nil
	case <-l.closed:
		return net.ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "mem", Addr: l.Addr(), Err: net.ErrClosed}
	default:
	}
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "mem", Addr: l.Addr(), Err: net.ErrClosed}
	}
}

// Close ends Accept. A connection nobody accepted hears of it when its
// process, which Close of the sandbox kills, ends.
func (l *listener) Close() error {
	l.closing.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return addr{} }

type addr struct{}

func (addr) Network() string { return "mem" }
func (addr) String() string  { return runtimeAPI }

// conn is a program's end of a connection. It stops at the gate.
type conn struct {
	net.Conn
	process *Process
	port    int // its own, of a connection to the Runtime API; 0: another connection
}

// Close ends the connection, which is none of the process's any more.
func (c *conn) Close() error {
	c.process.forget(c)
	return c.Conn.Close()
}

// apiConn is the daemon's end of a connection to the Runtime API.
type apiConn struct {
	net.Conn
	port int // the program's
}

// RemoteAddr is where the program connected from.
func (c *apiConn) RemoteAddr() net.Addr { return portAddr(c.port) }

// Read waits at the gate after it has read: what arrives in a frozen process
// is not seen until the thaw.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if gateErr := c.process.sandbox.gate.pass(c.process.ctx); gateErr != nil {
		return 0, gateErr
	}
	return n, err
}

func (c *conn) Write(b []byte) (int, error) {
	if err := c.process.sandbox.gate.pass(c.process.ctx); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// gate is shut while a sandbox is frozen.
type gate struct {
	mu   *sync.Mutex
	free chan struct{} // closed: open
}

func newGate() gate {
	g := gate{mu: new(sync.Mutex), free: make(chan struct{})}
	close(g.free)
	return g
}

func (g *gate) isShut() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.isShutLocked()
}

func (g *gate) isShutLocked() bool {
	select {
	case <-g.free:
		return false
	default:
		return true
	}
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.isShutLocked() {
		g.free = make(chan struct{})
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.isShutLocked() {
		close(g.free)
	}
}

// pass waits until the gate is open.
func (g *gate) pass(ctx context.Context) error {
	g.mu.Lock()
	free := g.free
	g.mu.Unlock()
	select {
	case <-free:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
