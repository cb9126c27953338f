package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hearthd/hearth/sandbox"
)

// Variables that the processes of a sandbox carry. Together they are its mark.
const (
	envID  = "HEARTH_SANDBOX_ID"
	envDir = "HEARTH_SANDBOX_DIR"
)

// mark is what the processes of a sandbox are told apart by. The directory is
// part of it because two daemons may use the same ID.
type mark struct{ id, dir string }

func (m mark) env() []string { return []string{envID + "=" + m.id, envDir + "=" + m.dir} }

// Sandbox is the processes of one environment.
type Sandbox struct {
	driver   *Driver
	mark     mark
	paths    sandbox.Paths
	listener net.Listener

	// turn is held by whoever starts or kills: a process that is started
	// while its siblings are being killed would be missed.
	turn chan struct{}

	closing  sync.Once
	closeErr error
	done     chan struct{}
	waiters  sync.WaitGroup // one goroutine per process, in wait

	mu     sync.Mutex
	closed bool
	live   map[*Process]struct{}
	peak   int64 // bytes
}

// ID is the Spec's.
func (s *Sandbox) ID() string { return s.mark.id }

// Paths are host paths.
func (s *Sandbox) Paths() sandbox.Paths { return s.paths }

// Listener is on a port of 127.0.0.1.
func (s *Sandbox) Listener() net.Listener { return s.listener }

// RuntimeAPI is the listener's address.
func (s *Sandbox) RuntimeAPI() string { return s.listener.Addr().String() }

// Done is closed at the end of Close.
func (s *Sandbox) Done() <-chan struct{} { return s.done }

// take waits for the turn; the caller gives it back by receiving from s.turn.
func (s *Sandbox) take(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Sandbox) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// Start runs a command as the leader of a session of its own. The mark, and
// TMPDIR unless the command has one, are added to its environment.
func (s *Sandbox) Start(ctx context.Context, cmd sandbox.Command) (sandbox.Process, error) {
	if err := s.take(ctx); err != nil {
		return nil, fmt.Errorf("start in sandbox %s: %w", s.mark.id, err)
	}
	defer func() { <-s.turn }()
	if s.isClosed() {
		return nil, sandbox.ErrClosed
	}
	if len(cmd.Args) == 0 {
		return nil, fmt.Errorf("start in sandbox %s: no arguments: %w", s.mark.id, sandbox.ErrEntrypoint)
	}
	dir := cmd.Dir
	if dir == "" {
		dir = s.paths.Task
	}
	child, err := s.spawn(ctx, cmd, dir)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Args[0], startError(err, dir))
	}
	p := &Process{child: child, done: make(chan struct{})}
	s.mu.Lock()
	s.live[p] = struct{}{}
	s.mu.Unlock()
	s.waiters.Go(func() { s.wait(p) }) // ends with the process; Close waits for it
	if err := remember(s.mark, child.Pid); err != nil {
		return nil, errors.Join(fmt.Errorf("record process: %w", err), child.Kill())
	}
	return p, nil
}

// spawn forks and executes.
func (s *Sandbox) spawn(ctx context.Context, cmd sandbox.Command, dir string) (*os.Process, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	attr := &os.ProcAttr{Dir: dir, Env: s.environ(cmd.Env), Files: []*os.File{null, null, null}, Sys: sysProcAttr()}
	if cmd.Stdout != nil {
		attr.Files[1] = cmd.Stdout
	}
	if cmd.Stderr != nil {
		attr.Files[2] = cmd.Stderr
	}
	if cmd.Log != nil { // those between stay closed
		attr.Files = append(attr.Files, make([]*os.File, sandbox.LogFD-len(attr.Files))...)
		attr.Files = append(attr.Files, cmd.Log)
	}
	// ETXTBSY: some other child of the daemon, between its fork and its exec,
	// still holds the descriptor through which the executable was written.
	// That lasts microseconds.
	for pause := time.Millisecond; ; pause *= 2 {
		child, err := s.driver.spawn.start(ctx, cmd.Args, attr)
		if !errors.Is(err, syscall.ETXTBSY) || pause > 100*time.Millisecond {
			return child, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// environ is a command's environment with what the driver adds.
func (s *Sandbox) environ(env []string) []string {
	env = append(slices.Clip(env), s.mark.env()...)
	if !slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, "TMPDIR=") }) {
		env = append(env, "TMPDIR="+s.paths.Tmp)
	}
	return env
}

// startError tells a command that cannot run from a host that cannot run it.
func startError(err error, dir string) error {
	if info, statErr := os.Stat(dir); statErr != nil || !info.IsDir() {
		return fmt.Errorf("%w: %s: %w", sandbox.ErrWorkingDir, dir, err)
	}
	for _, errno := range []syscall.Errno{
		syscall.ENOENT, syscall.EACCES, syscall.ENOEXEC, syscall.ENOTDIR,
		syscall.EISDIR, syscall.ELOOP, syscall.ENAMETOOLONG, syscall.EPERM,
	} {
		if errors.Is(err, errno) {
			return fmt.Errorf("%w: %w", sandbox.ErrEntrypoint, err)
		}
	}
	return err
}

// wait reports the end of a process.
func (s *Sandbox) wait(p *Process) {
	state, err := p.child.Wait()
	exit := sandbox.Exit{Signal: syscall.SIGKILL} // an impossible error of wait is no reason to report it alive
	var peak int64
	if err == nil {
		if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			exit = sandbox.Exit{Signal: status.Signal()}
		} else {
			exit = sandbox.Exit{Code: state.ExitCode()}
		}
		if use, ok := state.SysUsage().(*syscall.Rusage); ok {
			peak = maxRSS(use)
		}
	}
	s.mu.Lock()
	delete(s.live, p)
	s.peak = max(s.peak, peak)
	s.mu.Unlock()
	p.exit = exit
	close(p.done)
}

// KillAll kills every process that is a child or carries the mark.
func (s *Sandbox) KillAll(ctx context.Context) error {
	if err := s.take(ctx); err != nil {
		return fmt.Errorf("kill sandbox %s: %w", s.mark.id, err)
	}
	defer func() { <-s.turn }()
	if s.isClosed() {
		return sandbox.ErrClosed
	}
	return s.killAll(ctx)
}

// killAll needs the turn.
func (s *Sandbox) killAll(ctx context.Context) error {
	s.mu.Lock()
	var procs []*Process
	for p := range s.live {
		procs = append(procs, p)
	}
	s.mu.Unlock()
	for _, p := range procs {
		p.killGroup()
	}
	if err := killMarked(ctx, s.mark); err != nil {
		return fmt.Errorf("kill sandbox %s: %w", s.mark.id, err)
	}
	for _, p := range procs {
		select {
		case <-p.done:
		case <-ctx.Done():
			return fmt.Errorf("kill sandbox %s: process %d has not ended: %w", s.mark.id, p.child.Pid, context.Cause(ctx))
		}
	}
	return nil
}

// Usage knows the largest resident set of a process, no more: nothing counts
// the processes of a sandbox together.
func (s *Sandbox) Usage() (sandbox.Usage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.live {
		s.peak = max(s.peak, residentPeak(p.child.Pid))
	}
	return sandbox.Usage{MemoryPeak: s.peak, MemoryOwn: s.peak}, nil
}

// Close kills every process and removes the sandbox's directory.
func (s *Sandbox) Close() error {
	s.closing.Do(func() { s.closeErr = s.close() })
	return s.closeErr
}

func (s *Sandbox) close() error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), killTimeout) //nolint:forbidigo // Close takes no context; the timeout bounds it
	defer cancel()
	if s.listener == nil { // Create failed while the driver was being closed
		close(s.done)
		return nil
	}
	err := errors.Join(s.listener.Close(), s.killAll(ctx))
	if err == nil {
		s.waiters.Wait()
	}
	err = errors.Join(err, removeTree(s.mark.dir))
	s.driver.forget(s)
	close(s.done)
	return err
}

// Process is a child of the daemon.
type Process struct {
	child *os.Process
	done  chan struct{}
	exit  sandbox.Exit // written before done is closed
}

// Signal sends a signal to the process alone.
func (p *Process) Signal(sig syscall.Signal) error {
	select {
	case <-p.done:
		return os.ErrProcessDone
	default:
		return p.child.Signal(sig)
	}
}

// killGroup kills the session's process group. The child is not yet waited
// for, or at worst just now, so the group's ID is still its own.
func (p *Process) killGroup() {
	_ = syscall.Kill(-p.child.Pid, syscall.SIGKILL) // it may have ended by itself
	_ = p.child.Kill()
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit says how it ended.
func (p *Process) Exit() sandbox.Exit { return p.exit }
