package pid1

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace/stage2"
)

// process is a started process: a sandbox.Process.
type process struct {
	done chan struct{} // closed when it has ended
	end  sandbox.Exit  // valid when done is closed

	mu    sync.Mutex
	pidfd *os.File // nil until it is known, and after the end
}

// Done is closed when the process has ended.
func (p *process) Done() <-chan struct{} { return p.done }

// Exit says how it ended.
func (p *process) Exit() sandbox.Exit { return p.end }

// Signal sends a signal to the process.
func (p *process) Signal(sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pidfd == nil {
		return os.ErrProcessDone
	}
	err := unix.PidfdSendSignal(int(p.pidfd.Fd()), sig, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return os.ErrProcessDone
	}
	if err != nil {
		return fmt.Errorf("signal process: %w", err)
	}
	return nil
}

// opened gives the process its pidfd, which it owns.
func (p *process) opened(pidfd *os.File) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.done:
		pidfd.Close()
	default:
		p.pidfd = pidfd
	}
}

// ended records the end of the process, once.
func (p *process) ended(e sandbox.Exit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end = e
	close(p.done)
	if p.pidfd != nil {
		p.pidfd.Close()
		p.pidfd = nil
	}
}

// processes are the live processes of a sandbox by stage 2 slot.
type processes struct {
	mu    sync.Mutex
	slots [stage2.Slots]*process
	over  bool // pid 1 is gone
}

// take makes a process in a free slot.
func (ps *processes) take() (int, *process, error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.over {
		return 0, nil, sandbox.ErrClosed
	}
	for i, p := range ps.slots {
		if p == nil {
			ps.slots[i] = &process{done: make(chan struct{})}
			return i, ps.slots[i], nil
		}
	}
	return 0, nil, fmt.Errorf("more than %d processes were started in the sandbox", stage2.Slots)
}

// drop frees the slot of a process that was never forked.
func (ps *processes) drop(slot int) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.slots[slot] = nil
}

// exit ends the process of a slot.
func (ps *processes) exit(e stage2.Exit) {
	ps.mu.Lock()
	p := ps.slots[e.Slot]
	ps.slots[e.Slot] = nil
	ps.mu.Unlock()
	if p == nil {
		return
	}
	if e.Status.Signaled() {
		p.ended(sandbox.Exit{Signal: e.Status.Signal()})
		return
	}
	p.ended(sandbox.Exit{Code: e.Status.ExitStatus()})
}

// end ends all processes: the kernel killed them with pid 1.
func (ps *processes) end() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.over = true
	for i, p := range ps.slots {
		if p != nil {
			p.ended(sandbox.Exit{Signal: syscall.SIGKILL})
			ps.slots[i] = nil
		}
	}
}
