// Package daemon is `hearth serve`: the only place where all parts meet. daemon.go
// makes each, hands it to its consumers, starts them in the order of dependency and
// stops them in reverse; the files beside it do the same for a group of parts each,
// and serve hearth's own paths under /_hearth/.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/cmd/hearth/daemon/config"
	"github.com/hearthd/hearth/cmd/hearth/engine"
	"github.com/hearthd/hearth/edge/control"
	"github.com/hearthd/hearth/edge/mapping"
	"github.com/hearthd/hearth/edge/resource"
	"github.com/hearthd/hearth/edge/scope"
	"github.com/hearthd/hearth/internal/clock"
	"github.com/hearthd/hearth/internal/slowbody"
	"github.com/hearthd/hearth/invoke/dispatch"
	"github.com/hearthd/hearth/invoke/pool"
	"github.com/hearthd/hearth/invoke/provision"
	"github.com/hearthd/hearth/invoke/queue"
	"github.com/hearthd/hearth/runtimes"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/store/catalog"
	"github.com/hearthd/hearth/store/jetstream"
	layerstore "github.com/hearthd/hearth/store/layers"
	"github.com/hearthd/hearth/store/records"
	"github.com/hearthd/hearth/telemetry/logs"
	"github.com/hearthd/hearth/telemetry/xray"
)

// daemon is `hearth serve`: all parts, and how they are plugged together.
//
//	http ── control ─┬───────── dispatch ── engine (pool, sandbox)
//	           │     └─ queue ───┘   │          │
//	           │          │          │          └─ logs
//	           └─ catalog ┼──────────┘
//	                 │    │
//	                 store
type daemon struct {
	version string // of this binary
	cfg     config.Config
	logger  *slog.Logger

	store     *jetstream.Store
	catalog   *catalog.Catalog
	records   *records.Set
	kept      settingsRecords // in records
	resources *resource.Service
	mappings  *mapping.Service
	layers    *layerstore.Store
	code      codeServices
	policies  policyRecords // in records
	access    access
	logs      *logs.Store
	traces    *xray.Store
	engine    *engine.Engine
	queue     *queue.Queue
	control   *control.Service
	server    *http.Server

	dispatcher *dispatch.Dispatcher
	clock      clock.Clock
	testClock  *clock.Test // nil: the clock is the real one

	concurrency concurrencyRecords
	keeper      atomic.Pointer[provision.Keeper] // set with pool
	pool        atomic.Pointer[pool.Pool]        // set once there are environments to drain
	background  sync.WaitGroup
}

// openDaemon starts the parts, each on those before it. On an error those that
// were started are stopped again.
func openDaemon(ctx context.Context, version string, cfg config.Config, environ []string, logger *slog.Logger) (d *daemon, err error) {
	d = &daemon{version: version, cfg: cfg, logger: logger}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	for _, open := range []func() error{
		d.openDir,
		d.openClock,
		func() error { return d.openStore(ctx) },
		func() error { return d.openLogs() },
		d.openAccess,
		func() error { return d.openEngine(environ) },
		func() error { return d.openQueue(ctx) },
		func() error { return d.openControl(ctx) },
	} {
		if err := open(); err != nil {
			return d, err
		}
	}
	return d, nil
}

func (d *daemon) openDir() error {
	if err := os.MkdirAll(d.cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("create data directory: %w", err)
	}
	return nil
}

func (d *daemon) openStore(ctx context.Context) (err error) {
	d.store, err = jetstream.Open(ctx, jetstream.Options{Dir: filepath.Join(d.cfg.DataDir, "store"), Logger: d.logger})
	if err != nil {
		return err
	}
	d.catalog, err = catalog.Open(ctx, catalog.Options{
		KV: d.store.KV(), Blobs: d.store.Blobs(), OnChange: d.functionChanged, OnAlias: d.aliasChanged, Logger: d.logger,
		References: func(ctx context.Context) ([]string, error) { return d.layers.Digests(ctx) },
	})
	if err != nil {
		return err
	}
	d.records = records.New(d.store.KV(), d.logger)
	d.records.Owners(d.owner)
	d.kept = newSettingsRecords(d.records)
	d.layers = layerstore.New(d.records)
	d.policies = newPolicyRecords(d.records)
	d.concurrency = newConcurrencyRecords(d.records)
	d.concurrency.watch(d)
	return d.records.Open(ctx)
}

func (d *daemon) openLogs() (err error) {
	if d.traces, err = xray.Open(filepath.Join(d.cfg.DataDir, "traces"), xray.Options{Retention: d.cfg.LogRetention, Logger: d.logger}); err != nil {
		return err
	}
	d.logs, err = logs.Open(filepath.Join(d.cfg.DataDir, "logs"), logs.Options{Retention: d.cfg.LogRetention, Logger: d.logger})
	return err
}

func (d *daemon) openEngine(environ []string) (err error) {
	substitutes, err := runtimes.ParseSubstitutes(d.cfg.RuntimeMap)
	if err != nil {
		return err
	}
	d.engine, err = engine.Open(engine.Options{
		Dir: filepath.Join(d.cfg.DataDir, "sandbox"), Sandbox: d.cfg.Sandbox,
		Network: sandbox.Network(d.cfg.Network), HardCPU: d.cfg.HardCPU,
		Substitutes: substitutes, JavaClient: d.cfg.JavaClient, SDKDir: d.cfg.SDKDir, Environ: environ,
		Pool: pool.Options{
			MaxConcurrency: d.cfg.MaxConcurrency, MaxMemory: d.cfg.MaxMemory,
			IdleTimeout: d.cfg.IdleTimeout, FreezeAfter: d.cfg.FreezeAfter, MaxAge: d.cfg.MaxAge, Clock: d.clock,
			Current: func(fn *hearth.Function) bool { return d.current(fn.Name, fn.Version, fn.Generation) },
		},
		OpenCode:    d.catalog.OpenCode,
		Credentials: d.functionCredentials,
		Sink: func(fn *hearth.Function, stream string) logs.Sink {
			return d.logs.Stream(scopeOf(fn), fn.Logging.Group, stream)
		},
		KeepSegment: d.traces.Add,
		Logger:      d.logger,
	})
	if err == nil {
		d.pool.Store(d.engine.Pool())
		d.dispatcher = dispatch.New(d.catalog, d.engine.Pool())
		d.dispatcher.AllowLoops(d.loopsAllowed)
		d.openKeeper(d.engine.Pool())
		if d.testClock != nil {
			d.testClock.OnSettle(d.engine.Pool().Settle)
		}
	}
	return err
}

func scopeOf(fn *hearth.Function) logs.Scope {
	return logs.Scope{Account: fn.Name.Account, Region: fn.Name.Region}
}

func (d *daemon) openControl(ctx context.Context) error {
	var err error
	if d.code, err = d.newCodeServices(os.Getenv); err != nil {
		return err
	}
	d.resources, d.mappings = d.newResources()
	d.control = control.New(ctx, control.Options{
		Functions: d.catalog, Host: d.engine,
		Intake: d.code.intake, Layers: d.code.layers, Links: d.code.links, Attached: attached{d.records}, Signing: d.resources.Signing(), Concurrency: d.resources.Concurrency(),
		Scope: d.defaults(), Logger: d.logger,
	})
	d.control.Resume(d.catalog.All())
	d.queue.Start()
	d.server = &http.Server{
		Handler:           slowbody.Handler(d.handler(), bodyPause),
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       5 * time.Minute,
		ErrorLog:          slog.NewLogLogger(d.logger.Handler(), slog.LevelDebug),
	}
	return nil
}

// bodyPause is how long a body may take for its next piece.
const bodyPause = 30 * time.Second

// defaults are the account and region of requests that say nothing of them.
func (d *daemon) defaults() scope.Defaults {
	return scope.Defaults{Account: d.cfg.Account, Region: d.cfg.Region}
}

// functionChanged drains the environments of outdated code.
func (d *daemon) functionChanged(name hearth.Name) {
	p := d.pool.Load()
	if p == nil {
		return // while opening, there are none
	}
	p.Retire(name, func(version, generation string) bool { return d.current(name, version, generation) })
	if k := d.keeper.Load(); k != nil {
		k.FunctionChanged(name)
	}
}

// current reports whether a version's code and configuration are still those
// of a generation.
func (d *daemon) current(name hearth.Name, version, generation string) bool {
	fn, err := d.catalog.Lookup(name, version)
	return err == nil && fn.Generation == generation
}

// Close stops the parts in reverse.
func (d *daemon) Close() error {
	var errs []error
	if d.server != nil {
		errs = append(errs, d.server.Close())
	}
	if d.control != nil {
		d.control.Close()
	}
	if d.queue != nil {
		d.drainQueue()
	}
	if d.engine != nil {
		errs = append(errs, d.engine.Close())
	}
	if d.queue != nil {
		d.queue.Close() // what runs has ended with the engine
	}
	if d.traces != nil {
		errs = append(errs, d.traces.Close())
	}
	if d.logs != nil {
		errs = append(errs, d.logs.Close())
	}
	if d.catalog != nil {
		d.catalog.Close()
	}
	if d.records != nil {
		d.records.Close()
	}
	if d.store != nil {
		errs = append(errs, d.store.Close())
	}
	return errors.Join(errs...)
}
