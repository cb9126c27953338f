package mem

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox"
)

// runtimeAPI is the address on AWS. Programs do not dial it but use Proc.Dial.
const runtimeAPI = "169.254.100.1:9001"

// Sandbox runs programs.
type Sandbox struct {
	driver   *Driver
	spec     sandbox.Spec
	listener *listener
	gate     gate
	done     chan struct{}

	closing sync.Once

	mu       sync.Mutex
	broken   bool // closed, or crashed
	live     map[*Process]struct{}
	started  int             // processes so far
	lastPort int             // that a program connected from
	ports    map[int]*port   // of TCP, that programs listen on
	udp      map[int]*packet // that the daemon listens on
}

func newSandbox(d *Driver, spec sandbox.Spec) *Sandbox {
	return &Sandbox{
		driver: d, spec: spec,
		listener: newListener(),
		gate:     newGate(),
		done:     make(chan struct{}),
		lastPort: 40000,
		live:     make(map[*Process]struct{}),
		ports:    make(map[int]*port),
		udp:      make(map[int]*packet),
	}
}

// ID is the Spec's.
func (s *Sandbox) ID() string { return s.spec.ID }

// Spec is what the sandbox was created from.
func (s *Sandbox) Spec() sandbox.Spec { return s.spec }

// Paths are AWS's.
func (s *Sandbox) Paths() sandbox.Paths {
	return sandbox.Paths{Task: "/var/task", Runtime: "/var/runtime", Opt: "/opt", Lang: "/var/lang", Tmp: "/tmp"}
}

// Listener accepts what the sandbox's programs dial.
func (s *Sandbox) Listener() net.Listener { return s.listener }

// RuntimeAPI is the address on AWS.
func (s *Sandbox) RuntimeAPI() string { return runtimeAPI }

// Done is closed by Close and by Crash.
func (s *Sandbox) Done() <-chan struct{} { return s.done }

// Usage is unknown.
func (s *Sandbox) Usage() (sandbox.Usage, error) { return sandbox.Usage{}, nil }

// Start runs the program that Args[0] names. The working directory is handed
// to it unchecked.
func (s *Sandbox) Start(ctx context.Context, cmd sandbox.Command) (sandbox.Process, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("start in sandbox %s: %w", s.spec.ID, context.Cause(ctx))
	}
	if len(cmd.Args) == 0 {
		return nil, fmt.Errorf("start without arguments: %w", sandbox.ErrEntrypoint)
	}
	program, ok := s.driver.opts.Programs[cmd.Args[0]]
	if !ok {
		return nil, fmt.Errorf("start %s: no such program: %w", cmd.Args[0], sandbox.ErrEntrypoint)
	}
	if cmd.Dir == "" {
		cmd.Dir = s.Paths().Task
	}
	files, err := duplicate(cmd.Stdout, cmd.Stderr, cmd.Log)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Args[0], err)
	}
	p := newProcess(ctx, s, cmd, files)
	s.mu.Lock()
	if s.broken {
		s.mu.Unlock()
		p.closeFiles()
		return nil, sandbox.ErrClosed
	}
	s.addLocked(p)
	s.mu.Unlock()
	go p.run(program) // owned by the sandbox: KillAll and Close wait for its Done
	return p, nil
}

// addLocked makes a process the sandbox's.
func (s *Sandbox) addLocked(p *Process) {
	s.started++
	p.number = s.started
	s.live[p] = struct{}{}
}

// newPort is a port that no program has connected from.
func (s *Sandbox) newPort() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastPort++
	return s.lastPort
}

// processes are those that live, in the order of their start.
func (s *Sandbox) processes() []*Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Keys(s.live), func(a, b *Process) int { return a.number - b.number })
}

// duplicate copies descriptors, so that the caller can close its own.
func duplicate(files ...*os.File) ([]*os.File, error) {
	copies := make([]*os.File, len(files))
	for i, f := range files {
		if f == nil {
			continue
		}
		fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			for _, c := range copies[:i] {
				if c != nil {
					c.Close()
				}
			}
			return nil, fmt.Errorf("duplicate %s: %w", f.Name(), err)
		}
		copies[i] = os.NewFile(uintptr(fd), f.Name())
	}
	return copies, nil
}

// KillAll ends every program and waits until all have returned. A frozen
// sandbox is thawed.
func (s *Sandbox) KillAll(ctx context.Context) error {
	procs := s.processes()
	for _, p := range procs {
		p.kill(syscall.SIGKILL)
	}
	s.gate.open()
	for _, p := range procs {
		select {
		case <-p.done:
		case <-ctx.Done():
			return fmt.Errorf("kill sandbox %s: %s has not returned: %w", s.spec.ID, p.cmd.Args[0], context.Cause(ctx))
		}
	}
	return nil
}

// Close ends every program and waits until all have returned.
func (s *Sandbox) Close() error {
	var err error
	s.closing.Do(func() {
		s.breakDown()
		err = s.KillAll(context.Background()) //nolint:forbidigo // Close takes no context, and a program returns when killed
		s.driver.forget(s.spec.ID)
		close(s.done)
	})
	return err
}

// Crash ends the sandbox as a fault of the host would: every program dies and
// Done is closed, although nobody called Close.
func (s *Sandbox) Crash() error { return s.Close() }

// breakDown makes the sandbox refuse work.
func (s *Sandbox) breakDown() {
	s.mu.Lock()
	s.broken = true
	s.mu.Unlock()
	s.listener.Close()
}

// Freeze stops every program at its next read, write or dial.
func (s *Sandbox) Freeze() error {
	s.gate.shut()
	return nil
}

// Thaw lets the programs go on.
func (s *Sandbox) Thaw() error {
	s.gate.open()
	return nil
}

// Frozen says whether the sandbox is frozen.
func (s *Sandbox) Frozen() bool { return s.gate.isShut() }
