// Package mem is the sandbox driver of tests: it keeps the contract of
// sandbox.Driver without a process, a socket or a file of the operating
// system, so that pools and environments can be tested under testing/synctest.
//
// A process is a Program, a Go function that runs as a goroutine and is looked
// up by Args[0]. The Runtime API listener is in memory. A program is killed by
// ending its context and closing its connections; it must return then, because
// nothing can force a goroutine to. A frozen program stops at its next read,
// write or dial, which is where function code spends its idle time.
//
// Nothing can copy a goroutine either. A program that is to be restored says what a
// snapshot holds of it (Proc.Keep), and what it is restored as is a Restored, a
// function of that.
//
// The package is a working implementation and no mock: package sandboxtest
// holds it to the same behaviour as the drivers that isolate.
package mem

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/hearthd/hearth/sandbox"
)

// Options configure a driver.
type Options struct {
	// Programs are what sandboxes can execute, by the value of Args[0]:
	// "/var/task/bootstrap". The map is not written to after New.
	Programs map[string]Program
	// Restored are the programs that can be restored, by the Args[0] that they
	// were started with. The map is not written to after New.
	Restored map[string]Restored
	// OnCreate, if set, runs at the start of every Create, which fails with
	// its error. A test makes creation slow or impossible with it.
	OnCreate func(ctx context.Context, spec sandbox.Spec) error
}

// Driver makes sandboxes in memory.
type Driver struct {
	opts Options

	mu        sync.Mutex
	closed    bool
	sandboxes map[string]*Sandbox
}

// New returns a driver. It leaves nothing behind, so it needs no state.
func New(opts Options) *Driver {
	return &Driver{opts: opts, sandboxes: make(map[string]*Sandbox)}
}

// Name is "mem".
func (d *Driver) Name() string { return "mem" }

// Capabilities are that only a sandbox's own programs reach its listener, and
// that sandboxes freeze and restore.
func (d *Driver) Capabilities() sandbox.Capabilities {
	const why, fix = "programs are goroutines of the test", "use another driver outside tests"
	var missing []sandbox.Missing
	for _, what := range []string{"files", "processes", "user", "memory limit", "CPU limit", "process limit", "/tmp quota"} {
		missing = append(missing, sandbox.Missing{What: what, Why: why, Fix: fix})
	}
	return sandbox.Capabilities{Network: true, Freeze: true, Restore: true, Missing: missing}
}

// Create makes a sandbox. Directories of the Spec are not looked at.
func (d *Driver) Create(ctx context.Context, spec sandbox.Spec) (sandbox.Sandbox, error) {
	if d.opts.OnCreate != nil {
		if err := d.opts.OnCreate(ctx, spec); err != nil {
			return nil, fmt.Errorf("create sandbox %s: %w", spec.ID, err)
		}
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("create sandbox %s: %w", spec.ID, context.Cause(ctx))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, fmt.Errorf("create sandbox %s: %w", spec.ID, sandbox.ErrClosed)
	}
	if _, ok := d.sandboxes[spec.ID]; ok {
		return nil, fmt.Errorf("create sandbox %s: a sandbox of this ID exists", spec.ID)
	}
	s := newSandbox(d, spec)
	d.sandboxes[spec.ID] = s
	return s, nil
}

// Open returns the sandboxes that are not closed, in no order.
func (d *Driver) Open() []*Sandbox {
	d.mu.Lock()
	defer d.mu.Unlock()
	var open []*Sandbox
	for _, s := range d.sandboxes {
		open = append(open, s)
	}
	return open
}

// Close closes every sandbox.
func (d *Driver) Close() error {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	var errs []error
	for _, s := range d.Open() {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

func (d *Driver) forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.sandboxes, id)
}
