// Package engine is the part of hearth that runs functions, without the part that
// knows of them: a sandbox driver, unpacked code, the runtimes of this host, and the
// pool of environments that is made from these. A daemon has one, and so has
// `hearth run`.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/pool"
	"github.com/hearthd/hearth/runtimes"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/bundle"
	"github.com/hearthd/hearth/telemetry/logs"
)

// Engine is what environments are made from. Its methods may be called by several
// goroutines.
type Engine struct {
	opts    Options
	driver  sandbox.Driver
	bundles *bundle.Cache
	set     *runtimes.Set
	pool    *pool.Pool
	network sandbox.Network
}

// Options say where an engine works, and what it needs of those who know the
// functions.
type Options struct {
	Dir         string // state directory; the engine's own
	Sandbox     string // one of SandboxAuto and the like
	Network     sandbox.Network
	HardCPU     bool
	Substitutes runtimes.Substitutes
	JavaClient  string   // directory; empty: the user's own
	SDKDir      string   // likewise
	Environ     []string // the daemon's own environment
	Pool        pool.Options
	// OpenCode returns a code archive by digest, with its size.
	OpenCode func(ctx context.Context, digest string) (io.ReadCloser, error)
	// Credentials returns the AWS_... variables of a new environment. Where it is
	// nil, or returns nil, they are placeholders.
	Credentials func(fn *hearth.Function) map[string]string
	// Sink returns where an environment's log goes.
	Sink func(fn *hearth.Function, stream string) logs.Sink
	// KeepSegment takes what functions send to their X-Ray daemon. Nil: they have
	// none.
	KeepSegment func(segment []byte)
	Logger      *slog.Logger
}

// Open starts the parts that environments need. The caller closes the engine.
func Open(o Options) (e *Engine, err error) {
	e = &Engine{opts: o}
	defer func() {
		if err != nil {
			e, err = nil, errors.Join(err, e.Close())
		}
	}()
	if e.driver, err = OpenDriver(o); err != nil {
		return e, err
	}
	if e.network = o.Network; e.network == sandbox.NetworkNAT && !e.driver.Capabilities().Outbound {
		e.network = sandbox.NetworkNone
	}
	if e.bundles, err = bundle.New(filepath.Join(o.Dir, "bundles"), bundle.Options{BootID: bootID()}); err != nil {
		return e, fmt.Errorf("open code cache: %w", err)
	}
	e.set, err = runtimes.New(runtimes.Options{Dir: filepath.Join(o.Dir, "runtimes"), Env: o.Environ, Substitutes: o.Substitutes, JavaClient: o.JavaClient, SDKDir: o.SDKDir})
	if err != nil {
		return e, err
	}
	o.Pool.Open = e.openEnvironment
	o.Pool.Logger = o.Logger
	e.pool = pool.New(o.Pool)
	return e, nil
}

// bootID changes with every start of the machine; empty where that cannot be told.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// Close ends every environment, then what they stood on.
func (e *Engine) Close() error {
	var errs []error
	if e.pool != nil {
		errs = append(errs, e.pool.Close())
	}
	if e.driver != nil {
		errs = append(errs, e.driver.Close())
	}
	return errors.Join(errs...)
}

// Pool returns the environments.
func (e *Engine) Pool() *pool.Pool { return e.pool }

// Runtimes returns the managed runtimes of this host.
func (e *Engine) Runtimes() *runtimes.Set { return e.set }

// Driver returns what isolates functions.
func (e *Engine) Driver() sandbox.Driver { return e.driver }

// Network returns what functions reach: what was asked for, or none where the host
// does not let them out.
func (e *Engine) Network() sandbox.Network { return e.network }

// CheckRuntime, CheckArchive and Prepare make the engine control's Host.
func (e *Engine) CheckRuntime(ctx context.Context, name string) (missing, err error) {
	if err := e.set.Accept(name); err != nil {
		return nil, err
	}
	return e.set.Check(ctx, name), nil
}

func (e *Engine) CheckArchive(archive io.ReaderAt, size int64) (int64, error) {
	return bundle.Verify(archive, size)
}
