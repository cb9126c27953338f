// Package process is the sandbox driver that isolates nothing: an
// environment's processes are plain children of the daemon. It is what hearth
// uses on macOS, and what one uses under a debugger.
//
// Processes see the host's files under their own names, share its network, and
// find their Runtime API on a port of 127.0.0.1 that every local user can
// connect to. What the driver does hold on to is their life: each is the leader
// of its own session; all carry the sandbox's mark in their environment, by
// which Linux finds those that left; none outlives the daemon by much. A
// process that escapes on purpose, by clearing its environment and leaving its
// session, is beyond it.
//
// On disk, below the state directory:
//
//	lock                   held by the running daemon
//	sandboxes/<id>/tmp     the sandbox's TMPDIR
//	sandboxes/<id>/{opt,runtime,lang}  empty stand-ins for what a Spec left out
//	sandboxes/<id>/pids    the processes that were started (macOS)
package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/hearthd/hearth/sandbox"
)

// Name is what --sandbox takes for this driver.
const Name = "process"

// idPattern is the contract's: an ID names a directory.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// Options are what New needs.
type Options struct {
	// StateDir is a directory of the driver's own; it is created. One daemon
	// at a time can use it.
	StateDir string
}

// Driver makes sandboxes of plain processes.
type Driver struct {
	dir   string
	lock  *os.File
	spawn *spawner

	mu        sync.Mutex
	closed    bool
	sandboxes map[string]*Sandbox
}

// New returns the driver, having killed and removed what a predecessor with
// the same state directory left. It fails when that one still runs.
func New(opts Options) (*Driver, error) {
	dir, err := filepath.Abs(opts.StateDir)
	if err != nil {
		return nil, fmt.Errorf("resolve state directory: %w", err)
	}
	// Symbolic links are resolved once, so that the mark does not depend on
	// how the directory was named.
	if err := os.MkdirAll(filepath.Join(dir, "sandboxes"), 0o700); err != nil {
		return nil, fmt.Errorf("create state directory: %w", err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, fmt.Errorf("resolve state directory: %w", err)
	}
	if err := keepDescriptors(); err != nil {
		return nil, err
	}
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("lock state directory %s: %w", dir, err)
	}
	d := &Driver{dir: dir, lock: lock, sandboxes: make(map[string]*Sandbox)}
	if err := d.removeLeftovers(); err != nil {
		lock.Close()
		return nil, err
	}
	d.spawn = newSpawner()
	return d, nil
}

// keepDescriptors marks every descriptor beyond the standard streams as one
// that children do not get. Go opens its own like that; what the daemon
// inherited from whoever started it may not be, and is not for function code.
func keepDescriptors() error {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return fmt.Errorf("list open descriptors: %w", err)
	}
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}

func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another daemon uses it: %w", err)
	}
	return f, nil
}

// removeLeftovers ends the sandboxes of a predecessor that was killed.
func (d *Driver) removeLeftovers() error {
	entries, err := os.ReadDir(filepath.Join(d.dir, "sandboxes"))
	if err != nil {
		return fmt.Errorf("list leftover sandboxes: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), killTimeout) //nolint:forbidigo // New takes no context; the timeout bounds it
	defer cancel()
	for _, entry := range entries {
		m := mark{id: entry.Name(), dir: d.sandboxDir(entry.Name())}
		if err := killMarked(ctx, m); err != nil {
			return fmt.Errorf("end leftover sandbox %s: %w", m.id, err)
		}
		if err := removeTree(m.dir); err != nil {
			return fmt.Errorf("remove leftover sandbox %s: %w", m.id, err)
		}
	}
	return nil
}

func (d *Driver) sandboxDir(id string) string { return filepath.Join(d.dir, "sandboxes", id) }

// Name is "process".
func (d *Driver) Name() string { return Name }

// Capabilities are none.
func (d *Driver) Capabilities() sandbox.Capabilities {
	const why = "the process driver runs plain child processes"
	const fix = "on Linux, use --sandbox namespace"
	var missing []sandbox.Missing
	for _, what := range []string{
		"any isolation: functions run as this user and can read and change everything it can",
		"separate Runtime APIs: every local process can connect to a function's",
		"separate networks", "memory limit", "CPU limit", "process limit", "/tmp quota", "freezing of idle environments",
	} {
		missing = append(missing, sandbox.Missing{What: what, Why: why, Fix: fix})
	}
	return sandbox.Capabilities{Missing: missing}
}

// Create makes a sandbox. Limits and mounts of the Spec are not enforced.
func (d *Driver) Create(ctx context.Context, spec sandbox.Spec) (sandbox.Sandbox, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("create sandbox %s: %w", spec.ID, err)
	}
	if !idPattern.MatchString(spec.ID) {
		return nil, fmt.Errorf("create sandbox: ID %q is not of the form %s", spec.ID, idPattern)
	}
	s := &Sandbox{
		driver: d,
		mark:   mark{id: spec.ID, dir: d.sandboxDir(spec.ID)},
		turn:   make(chan struct{}, 1),
		done:   make(chan struct{}),
		live:   make(map[*Process]struct{}),
	}
	// Until build has run, Close must not: the turn is taken meanwhile.
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if err := d.register(s); err != nil {
		return nil, fmt.Errorf("create sandbox %s: %w", spec.ID, err)
	}
	if err := s.build(ctx, spec); err != nil {
		d.forget(s)
		return nil, fmt.Errorf("create sandbox %s: %w", spec.ID, errors.Join(err, removeTree(s.mark.dir)))
	}
	return s, nil
}

// build makes the directories and the listener of a sandbox. When it fails the
// caller removes the directories.
func (s *Sandbox) build(ctx context.Context, spec sandbox.Spec) error {
	s.paths = sandbox.Paths{
		Task: spec.Task, Opt: spec.Opt, Runtime: spec.Runtime, Lang: spec.Lang,
		Tmp: filepath.Join(s.mark.dir, "tmp"),
	}
	if err := os.MkdirAll(s.paths.Tmp, 0o700); err != nil {
		return fmt.Errorf("make /tmp: %w", err)
	}
	for name, path := range map[string]*string{
		"task": &s.paths.Task, "opt": &s.paths.Opt, "runtime": &s.paths.Runtime, "lang": &s.paths.Lang,
	} {
		if *path == "" {
			*path = filepath.Join(s.mark.dir, name)
			if err := os.Mkdir(*path, 0o700); err != nil {
				return fmt.Errorf("make empty directory: %w", err)
			}
		}
		if _, err := os.Stat(*path); err != nil {
			return fmt.Errorf("find %s directory: %w", name, err)
		}
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the Runtime API: %w", err)
	}
	s.listener = l
	return nil
}

// register makes a sandbox known, so that closing the driver closes it.
func (d *Driver) register(s *Sandbox) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return sandbox.ErrClosed
	}
	if _, ok := d.sandboxes[s.mark.id]; ok {
		return errors.New("a sandbox of this ID exists")
	}
	d.sandboxes[s.mark.id] = s
	return nil
}

func (d *Driver) forget(s *Sandbox) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.sandboxes, s.mark.id)
}

// Close closes every sandbox and frees the state directory. It may be called
// more than once.
func (d *Driver) Close() error {
	d.mu.Lock()
	first := !d.closed
	d.closed = true
	var open []*Sandbox
	for _, s := range d.sandboxes {
		open = append(open, s)
	}
	d.mu.Unlock()

	errs := make([]error, len(open))
	var closing sync.WaitGroup
	for i, s := range open {
		closing.Go(func() { errs[i] = s.Close() })
	}
	closing.Wait()
	if first {
		d.spawn.close()
		errs = append(errs, d.lock.Close())
	}
	return errors.Join(errs...)
}

// killTimeout bounds the killing of a sandbox whose caller gave no bound. A
// process in uninterruptible sleep can take seconds to go.
const killTimeout = 30 * time.Second
