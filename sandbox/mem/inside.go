package mem

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// port is a TCP port that a program listens on.
type port struct {
	*listener
	process *Process
}

// Listen opens a TCP port that the daemon can dial. It is closed when the
// process ends.
func (p *Proc) Listen(number int) (net.Listener, error) { return p.process.listen(number) }

// Send sends a datagram to a UDP port that the daemon listens on. As on a
// network, one that nobody takes is lost.
func (p *Proc) Send(number int, datagram []byte) error {
	if err := p.process.sandbox.gate.pass(p.process.ctx); err != nil {
		return err
	}
	s := p.process.sandbox
	s.mu.Lock()
	to := s.udp[number]
	s.mu.Unlock()
	if to == nil {
		return fmt.Errorf("send to port %d: %w", number, syscall.ECONNREFUSED)
	}
	select {
	case to.datagrams <- append([]byte(nil), datagram...):
	default:
	}
	return nil
}

func (p *Process) listen(number int) (net.Listener, error) {
	s := p.sandbox
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.ctx.Err() != nil || s.broken { // too late for kill to close it
		return nil, net.ErrClosed
	}
	if s.ports[number] != nil {
		return nil, fmt.Errorf("listen on port %d: %w", number, syscall.EADDRINUSE)
	}
	l := &port{listener: newListener(), process: p}
	s.ports[number] = l
	return l, nil
}

// closePorts ends what a process listens on.
func (s *Sandbox) closePorts(p *Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for number, l := range s.ports {
		if l.process == p {
			_ = l.Close()
			delete(s.ports, number)
		}
	}
}

// Dial connects to a port that a program listens on.
func (s *Sandbox) Dial(ctx context.Context, number int) (net.Conn, error) {
	s.mu.Lock()
	l := s.ports[number]
	s.mu.Unlock()
	refused := fmt.Errorf("dial port %d of sandbox %s: %w", number, s.spec.ID, syscall.ECONNREFUSED)
	if l == nil {
		return nil, refused
	}
	inside, outside, err := l.process.pipe(0)
	if err != nil {
		return nil, refused
	}
	if err := l.offer(ctx, inside); err != nil {
		inside.Close()
		return nil, refused
	}
	return outside, nil
}

// ListenPacket opens a UDP port that programs send to with Proc.Send.
func (s *Sandbox) ListenPacket(_ context.Context, number int) (net.PacketConn, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.udp[number] != nil {
		return nil, "", fmt.Errorf("listen on port %d of sandbox %s: %w", number, s.spec.ID, syscall.EADDRINUSE)
	}
	c := &packet{
		sandbox: s, number: number,
		datagrams: make(chan []byte, backlog), closed: make(chan struct{}),
	}
	s.udp[number] = c
	return c, c.LocalAddr().String(), nil
}

// packet is a UDP port of the daemon's. It only receives.
type packet struct {
	sandbox   *Sandbox
	number    int
	datagrams chan []byte
	closed    chan struct{}
	closing   sync.Once
}

func (c *packet) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-c.datagrams:
		return copy(b, d), addr{}, nil
	case <-c.closed:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo fails: programs have no port of their own.
func (c *packet) WriteTo([]byte, net.Addr) (int, error) { return 0, syscall.EDESTADDRREQ }

func (c *packet) Close() error {
	c.closing.Do(func() {
		close(c.closed)
		c.sandbox.mu.Lock()
		defer c.sandbox.mu.Unlock()
		delete(c.sandbox.udp, c.number)
	})
	return nil
}

func (c *packet) LocalAddr() net.Addr { return portAddr(c.number) }

// Deadlines do not hold: a test's reads end with Close.
func (c *packet) SetDeadline(time.Time) error      { return nil }
func (c *packet) SetReadDeadline(time.Time) error  { return nil }
func (c *packet) SetWriteDeadline(time.Time) error { return nil }

// portAddr is a port of the sandbox.
type portAddr int

func (portAddr) Network() string  { return "mem" }
func (a portAddr) String() string { return "169.254.100.1:" + strconv.Itoa(int(a)) }
