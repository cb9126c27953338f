package e2e_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// daemon is a `hearth serve` in a data directory of its own. It can be started
// again after it has ended.
type daemon struct {
	dir    string   // data directory
	flags  []string // besides --data-dir and --listen
	user   uint32   // uid and gid that it runs as
	env    []string // besides this process's
	binary string   // empty: hearthBinary
	runner *process // nil: not started

	endpoint string
	groups   []string // cgroup directories of its sandboxes, as it recorded them at every start
}

func newDaemon(dir string, flags ...string) *daemon {
	return &daemon{dir: dir, flags: flags, user: uint32(os.Getuid())}
}

// startDaemon starts a daemon for one test. When the test ends it is stopped
// and must have left nothing.
func startDaemon(t *testing.T, flags ...string) *daemon {
	t.Helper()
	d := newDaemon(t.TempDir(), flags...)
	d.startFor(t)
	return d
}

func (d *daemon) startFor(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		if err := d.stop(); err != nil {
			t.Error(err)
		}
		if left := d.leftovers(); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
		if t.Failed() {
			t.Logf("log of the daemon:\n%s", d.log())
		}
	})
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
}

var readyLine = regexp.MustCompile(`msg="hearth is ready" endpoint=(\S+)`)

// start returns once the daemon says that it is ready.
func (d *daemon) start() error {
	args := append([]string{"serve", "--data-dir", d.dir, "--listen", "127.0.0.1:0"}, d.flags...)
	p, err := startProcess(d.command(args...))
	if err != nil {
		return err
	}
	d.runner = p
	match, err := p.await(readyLine)
	if err != nil {
		return fmt.Errorf("start hearth %v: %w", args, errors.Join(err, d.kill()))
	}
	d.endpoint = match[1]
	record, err := os.ReadFile(filepath.Join(d.dir, "sandbox", "namespace", "cgroups"))
	if err == nil { // other sandboxes have none
		d.groups = append(d.groups, strings.Fields(string(record))...)
	}
	return nil
}

// command is hearth as the daemon's user.
func (d *daemon) command(args ...string) *exec.Cmd {
	cmd := exec.Command(cmp.Or(d.binary, hearthBinary), args...)
	// What `make test` sets for other programs would be shown to functions.
	cmd.Env = append(append(os.Environ(), "NODE_PATH="), d.env...)
	if d.user != uint32(os.Getuid()) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: d.user, Gid: d.user}}
		cmd.Env = append(cmd.Env, "HOME="+d.dir, "TMPDIR="+d.dir)
	}
	return cmd
}

// stop asks the daemon to end and waits for it. One that has ended is fine.
func (d *daemon) stop() error {
	if d.runner == nil {
		return nil
	}
	if err := d.runner.end(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop hearth: %w; its log:\n%s", err, d.log())
	}
	return nil
}

// kill ends the daemon as a power failure would: it does nothing more.
func (d *daemon) kill() error {
	err := d.runner.end(syscall.SIGKILL)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == -1 {
		return nil
	}
	return err
}

func (d *daemon) log() string {
	if d.runner == nil {
		return ""
	}
	return d.runner.stderr.String()
}

func (d *daemon) pid() int { return d.runner.cmd.Process.Pid }

// process is a program that runs beside a test.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr buffer
	done           chan struct{}
	err            error // how it ended, after done
}

// startProcess starts cmd, whose output it collects. end waits for it.
func startProcess(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.stdout, &p.stderr
	// Nothing that it leaves may keep Wait waiting for the output.
	cmd.WaitDelay = 2 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	// Ends with the program, which end ends.
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// await waits for a line on standard error.
func (p *process) await(line *regexp.Regexp) ([]string, error) {
	var match []string
	err := poll(patience, func() bool {
		match = line.FindStringSubmatch(p.stderr.String())
		return match != nil || p.ended()
	})
	if match == nil {
		return nil, fmt.Errorf("no line like %s: %w; it printed:\n%s", line, errors.Join(err, p.failure()), p.stderr.String())
	}
	return match, nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *process) failure() error {
	if p.ended() {
		return p.err
	}
	return nil
}

// end sends a signal, waits for the process and says how it ended. What does
// not end is killed.
func (p *process) end(sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("does not end on %s; killed", sig)
	}
}

// buffer collects output and can be read meanwhile.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// patience is how long anything may take before a test gives up. Machines that
// run tests are busy.
const patience = 30 * time.Second

// poll waits until done says so.
func poll(limit time.Duration, done func() bool) error {
	deadline := time.After(limit)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			return fmt.Errorf("not within %s", limit)
		}
	}
	return nil
}

// eventually fails the test when something does not come true.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	if err := poll(patience, done); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// ctxFor is a context that ends before the test run gives up on the test.
func ctxFor(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}
