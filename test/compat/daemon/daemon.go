// Package daemon builds hearth and runs it for the suites of test: on
// a free port of the loopback interface, in a data directory of its own, with
// a sandbox that reaches no network.
//
//	binary, err := daemon.Build(ctx, dir)
//	d, err := daemon.Start(binary, daemon.Options{Dir: dir})
//	... d.Endpoint ...
//	err = d.Stop()
package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hearthd/hearth/test/compile"
)

// patience is how long the daemon may take to start and to stop. Machines that
// run tests are busy.
const patience = time.Minute

// Build builds the binary into dir and returns its path.
func Build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "hearth")
	if err := compile.Program(ctx, "cmd/hearth", binary); err != nil {
		return "", err
	}
	return binary, nil
}

// Options of a daemon.
type Options struct {
	Dir   string   // data directory; it outlives the daemon
	Flags []string // of `hearth serve`, besides --data-dir, --listen and --network
}

// Daemon is a `hearth serve` that runs. Its methods are safe for concurrent
// use.
type Daemon struct {
	Endpoint string // such as http://127.0.0.1:41234
	Account  string // of requests whose credentials belong to nobody

	cmd    *exec.Cmd
	log    *output
	groups []string // cgroup directories of its sandboxes, as it recorded them
}

var ready = regexp.MustCompile(`msg="hearth is ready" endpoint=(\S+)`)

// Start returns once the daemon says that it is ready. The caller must Stop it.
func Start(binary string, o Options) (*Daemon, error) {
	args := append([]string{"serve", "--data-dir", o.Dir, "--listen", "127.0.0.1:0", "--network", "none"}, o.Flags...)
	d := &Daemon{Account: "000000000000", cmd: exec.Command(binary, args...), log: &output{}}
	// What `make test` sets for other programs would be shown to functions.
	d.cmd.Env = append(os.Environ(), "NODE_PATH=")
	d.cmd.Stderr, d.cmd.WaitDelay = d.log, 2*time.Second
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start hearth: %w", err)
	}
	match, err := d.awaitReady()
	if err != nil {
		return nil, fmt.Errorf("start hearth %v: %w", args, errors.Join(err, d.Stop()))
	}
	d.Endpoint = match
	record, err := os.ReadFile(filepath.Join(o.Dir, "sandbox", "namespace", "cgroups"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // a host without control groups has no record of them
		return nil, errors.Join(err, d.Stop())
	}
	d.groups = strings.Fields(string(record))
	return d, nil
}

func (d *Daemon) awaitReady() (endpoint string, err error) {
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if match := ready.FindStringSubmatch(d.log.String()); match != nil {
			return match[1], nil
		}
		if d.gone() {
			return "", errors.New("it ended")
		}
		select {
		case <-tick.C:
		case <-deadline:
			return "", errors.New("it does not become ready")
		}
	}
}

// gone says whether the process has ended: then it is a zombie until Stop
// waits for it.
func (d *Daemon) gone() bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
	return err == nil && bytes.Contains(stat, []byte(") Z "))
}

// Stop ends the daemon, waits for it, and fails when it does not end well or
// leaves control groups behind: those are there for as long as a process of a
// function is.
func (d *Daemon) Stop() error {
	_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may have ended, which Wait says
	impatient := time.AfterFunc(patience, func() { _ = d.cmd.Process.Kill() })
	defer impatient.Stop()
	err := d.cmd.Wait()
	if err != nil {
		err = fmt.Errorf("hearth: %w; it printed:\n%s", err, d.log)
	}
	for _, group := range d.groups {
		if _, statErr := os.Stat(group); statErr == nil {
			err = errors.Join(err, fmt.Errorf("hearth left %s behind", group))
		}
	}
	return err
}

// Log is what the daemon has printed so far.
func (d *Daemon) Log() string { return d.log.String() }

// output collects what a process prints and can be read meanwhile.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
