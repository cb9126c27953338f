package output

import (
	"errors"
	"io"
	"sync"
	"syscall"
)

// maxDrain bounds how much a drain reads before it lets the invocation end:
// a runtime that floods its output must not hold its own END line back.
const maxDrain = 1 << 20

// stream reads what processes write to one place, for a splitter. Two sides
// read: run, when there is something, and drain, which takes what there is at
// the end of an invocation so that its events come before its END. An unfinished
// one is kept for the invocation that finishes it.
type stream struct {
	from source
	done chan struct{} // closed when run has returned: end of file

	mu   sync.Mutex
	into splitter
	buf  []byte
}

// source is the reading end of a pipe or a socket, in non-blocking mode.
type source interface {
	syscall.Conn
	io.Closer
}

func newStream(from source, into splitter, buffer int) *stream {
	return &stream{from: from, into: into, done: make(chan struct{}), buf: make([]byte, buffer)}
}

// run pumps until every writer has closed its end, then emits what is left
// and closes the read end.
func (s *stream) run() {
	defer close(s.done)
	if conn, err := s.from.SyscallConn(); err == nil {
		for ended := false; !ended && err == nil; {
			// The callback reports false for "wait until readable". A chunk at
			// a time, so that a flood does not keep drain from its turn.
			err = conn.Read(func(fd uintptr) bool {
				var n int
				n, ended = s.consume(int(fd), len(s.buf))
				return n > 0 || ended
			})
		}
	}
	s.mu.Lock()
	s.into.end()
	s.mu.Unlock()
	// Not under mu: Close waits for a drain that uses the descriptor.
	_ = s.from.Close()
}

// wait waits until run has returned. When giveUp is closed first, it ends run,
// although somebody still holds an end.
func (s *stream) wait(giveUp <-chan struct{}) {
	select {
	case <-s.done:
	case <-giveUp:
		_ = s.from.Close()
		<-s.done
	}
}

// drain reads what there is now.
func (s *stream) drain() {
	conn, err := s.from.SyscallConn()
	if err != nil {
		return
	}
	// Control, not Read: run holds the read lock while it waits.
	_ = conn.Control(func(fd uintptr) { s.consume(int(fd), maxDrain) })
}

// consume reads until there is nothing more, the stream has ended, or limit
// bytes were read.
func (s *stream) consume(fd, limit int) (total int, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for total < limit {
		n, err := syscall.Read(fd, s.buf)
		switch {
		case n > 0:
			total += n
			s.into.split(s.buf[:n])
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			return total, false
		default:
			return total, true
		}
	}
	return total, false
}
