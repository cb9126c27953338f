package environment

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
)

// maxLine is where a line without an end is cut: what CloudWatch takes as one
// event.
const maxLine = 256 << 10

// maxDrain bounds how much a drain reads before it lets the invocation end:
// a runtime that floods its output must not hold its own END line back.
const maxDrain = 1 << 20

// splitter makes log events of what comes through a pipe.
type splitter interface {
	split(data []byte)
	end() // of the pipe: emits what is left
}

// pump reads one pipe of the processes for a splitter. Two sides read: run,
// when there is something, and drain, which empties the pipe at the end of an
// invocation so that its events come before its END. An unfinished one is kept
// for the invocation that finishes it.
type pump struct {
	read, write *os.File      // write is the processes' end
	done        chan struct{} // closed when run has returned: end of file

	mu   sync.Mutex
	into splitter
	buf  []byte
}

// newPump makes the pipe. The write end stays in blocking mode, as processes
// expect of their output; the read end is polled.
func newPump(into splitter) (*pump, error) {
	var fds [2]int
	if err := pipeCloexec(&fds); err != nil {
		return nil, fmt.Errorf("make output pipe: %w", err)
	}
	if err := syscall.SetNonblock(fds[0], true); err != nil {
		return nil, errors.Join(err, syscall.Close(fds[0]), syscall.Close(fds[1]))
	}
	return &pump{
		read:  os.NewFile(uintptr(fds[0]), "output"),
		write: os.NewFile(uintptr(fds[1]), "output"),
		into:  into,
		done:  make(chan struct{}),
		buf:   make([]byte, 32<<10),
	}, nil
}

// run pumps until every writer has closed the pipe, then emits what is left
// and closes the read end.
func (p *pump) run() {
	defer close(p.done)
	if conn, err := p.read.SyscallConn(); err == nil {
		for ended := false; !ended && err == nil; {
			// The callback reports false for "wait until readable". A chunk at
			// a time, so that a flood does not keep drain from its turn.
			err = conn.Read(func(fd uintptr) bool {
				var n int
				n, ended = p.consume(int(fd), len(p.buf))
				return n > 0 || ended
			})
		}
	}
	p.mu.Lock()
	p.into.end()
	p.mu.Unlock()
	// Not under mu: Close waits for a drain that uses the descriptor.
	_ = p.read.Close()
}

// wait waits until run has returned. When giveUp is closed first, it ends run,
// although somebody still holds the pipe.
func (p *pump) wait(giveUp <-chan struct{}) {
	select {
	case <-p.done:
	case <-giveUp:
		_ = p.read.Close()
		<-p.done
	}
}

// drain reads what is in the pipe now.
func (p *pump) drain() {
	conn, err := p.read.SyscallConn()
	if err != nil {
		return
	}
	// Control, not Read: run holds the read lock while it waits.
	_ = conn.Control(func(fd uintptr) { p.consume(int(fd), maxDrain) })
}

// consume reads until the pipe is empty, has ended, or limit bytes were read.
func (p *pump) consume(fd, limit int) (total int, ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for total < limit {
		n, err := syscall.Read(fd, p.buf)
		switch {
		case n > 0:
			total += n
			p.into.split(p.buf[:n])
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			return total, false
		default:
			return total, true
		}
	}
	return total, false
}

// lines splits at newlines, and only there.
type lines struct {
	emit    func(line []byte)
	partial []byte
}

func (l *lines) split(data []byte) {
	for len(data) > 0 {
		line, rest, ended := bytes.Cut(data, []byte{'\n'})
		if room := maxLine - len(l.partial); len(line) > room {
			line, rest, ended = data[:room], data[room:], true
		}
		if ended {
			l.finish(line)
		} else {
			l.partial = append(l.partial, line...)
		}
		data = rest
	}
}

// finish emits the unfinished line together with its end.
func (l *lines) finish(end []byte) {
	if len(l.partial) == 0 {
		l.emit(end)
		return
	}
	l.emit(append(l.partial, end...))
	l.partial = l.partial[:0]
}

func (l *lines) end() {
	if len(l.partial) > 0 {
		l.emit(l.partial)
		l.partial = nil
	}
}
