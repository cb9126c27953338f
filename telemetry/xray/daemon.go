package xray

import (
	"errors"
	"net"
	"sync"
	"syscall"
)

// Daemon receives segments on one socket.
type Daemon struct {
	conn net.PacketConn
	keep func(segment []byte)
	wg   sync.WaitGroup
}

// Listen starts to receive; keep is called with each segment, from one
// goroutine, and may retain it. The daemon owns conn. Close it.
func Listen(conn net.PacketConn, keep func(segment []byte)) *Daemon {
	d := &Daemon{conn: conn, keep: keep}
	d.wg.Go(d.run)
	return d
}

// Close closes the socket and waits until nothing is received any more.
func (d *Daemon) Close() error {
	err := d.conn.Close()
	d.wg.Wait()
	return err
}

// run receives until the socket is closed.
func (d *Daemon) run() {
	if sc, ok := d.conn.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			d.receive(raw)
			return
		}
	}
	b := make([]byte, MaxDatagram+1)
	for {
		n, _, err := d.conn.ReadFrom(b)
		if err != nil {
			return
		}
		d.take(b[:n])
	}
}

// receive waits without a buffer: most functions never send anything, and the
// largest datagram, times a thousand environments, is a lot of memory.
func (d *Daemon) receive(raw syscall.RawConn) {
	for {
		ended := false
		err := raw.Read(func(fd uintptr) bool {
			_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
			ended = fatal(err)
			return err == nil || ended
		})
		if err != nil || ended {
			return
		}
		for b := make([]byte, MaxDatagram+1); ; { // until the socket is empty
			n, failed := 0, error(nil)
			if err := raw.Control(func(fd uintptr) { n, _, failed = syscall.Recvfrom(int(fd), b, syscall.MSG_DONTWAIT) }); err != nil {
				return
			}
			if failed != nil {
				break // the next peek tells empty from broken
			}
			d.take(b[:n])
		}
	}
}

// fatal says that a socket has failed, and does not merely have nothing to read.
func fatal(err error) bool {
	return err != nil && !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EINTR) && !errors.Is(err, syscall.ECONNREFUSED)
}

// take keeps what a datagram holds. Whatever is no segment is dropped: there is
// nobody to tell.
func (d *Daemon) take(datagram []byte) {
	if segment, err := Parse(datagram); err == nil {
		d.keep(segment)
	}
}
