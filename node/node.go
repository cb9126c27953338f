package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/auth"
	"github.com/hearthd/hearth/edge/policy"
	"github.com/hearthd/hearth/internal/clock"
	"github.com/hearthd/hearth/internal/failpoint"
	"github.com/hearthd/hearth/internal/slowbody"
	"github.com/hearthd/hearth/invoke/dispatch"
	"github.com/hearthd/hearth/invoke/pool"
	"github.com/hearthd/hearth/invoke/provision"
	"github.com/hearthd/hearth/invoke/queue"
	"github.com/hearthd/hearth/node/launch"
	"github.com/hearthd/hearth/runtimes"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/store/catalog"
	"github.com/hearthd/hearth/store/changes"
	"github.com/hearthd/hearth/telemetry/logs"
	"github.com/hearthd/hearth/telemetry/xray"
)

// Node is an open node. Its methods, but for Close, may be called from several
// goroutines.
type Node struct {
	opts    Options
	closers []func() error // of the parts, in the order in which they were opened

	feed    *changes.Feed
	catalog *catalog.Catalog
	records tables
	logs    *logs.Store // nil with Options.Logs
	traces  *xray.Store // likewise

	access     *auth.Access
	policies   *policy.Service
	launcher   *launch.Launcher
	pool       *pool.Pool
	provision  *provision.Reconciler
	dispatcher *dispatch.Dispatcher
	queue      *queue.Queue
	edge       edge
	handler    http.Handler
	inside     inside // the same API, to functions
}

// Open opens the parts, each on those before it. ctx bounds the opening; its values
// stay with the node. On an error the parts that were opened are closed again, and
// there is nothing to close.
func Open(ctx context.Context, opts Options) (*Node, error) {
	opts.setDefaults()
	n := &Node{opts: opts, feed: &changes.Feed{}}
	for _, open := range []func(context.Context) error{
		n.openStore, n.openTelemetry, n.openAccess, n.openLauncher, n.openInvoke, n.openEdge,
	} {
		if err := open(ctx); err != nil {
			return nil, errors.Join(err, n.Close())
		}
	}
	return n, nil
}

// Close closes the parts in reverse. Requests should have ended; events that run get
// a moment to end, and are run again by the next node otherwise.
func (n *Node) Close() error {
	var errs []error
	for _, closePart := range slices.Backward(n.closers) {
		errs = append(errs, closePart())
	}
	n.closers = nil
	return errors.Join(errs...)
}

// onClose has a part closed by Close, before those that were opened ahead of it.
func (n *Node) onClose(closePart func() error) { n.closers = append(n.closers, closePart) }

// onEnd is onClose for a part whose end cannot fail.
func (n *Node) onEnd(end func()) {
	n.onClose(func() error {
		end()
		return nil
	})
}

// openStore opens what is stored: the copies in memory follow the store from here on.
func (n *Node) openStore(ctx context.Context) (err error) {
	if err := os.MkdirAll(n.opts.Dir, 0o700); err != nil {
		return fmt.Errorf("create data directory: %w", err)
	}
	n.records = newTables(n.opts.Store.KV, n.feed, n.opts.Logger)
	n.catalog, err = catalog.Open(ctx, catalog.Options{
		KV: n.opts.Store.KV, Blobs: n.opts.Store.Blobs, Changes: n.feed, References: n.records.layers,
		Directories: n.opts.Directories, Logger: n.opts.Logger,
	})
	if err != nil {
		return err
	}
	n.onEnd(n.catalog.Close)
	n.records.set.Owners(n.catalog)
	if err := n.records.set.Open(ctx); err != nil {
		return err
	}
	n.onEnd(n.records.set.Close)
	n.sweep(ctx)
	return nil
}

// sweepEvery is how often code that nothing refers to is removed.
const sweepEvery = time.Hour

// sweep removes unused code until the node is closed.
func (n *Node) sweep(ctx context.Context) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	var sweeping sync.WaitGroup
	sweeping.Go(func() { n.catalog.SweepEvery(ctx, sweepEvery) })
	n.onEnd(func() {
		stop()
		sweeping.Wait()
	})
}

func (n *Node) openTelemetry(context.Context) (err error) {
	if n.opts.Logs != nil {
		return nil
	}
	n.traces, err = xray.Open(filepath.Join(n.opts.Dir, "traces"), xray.Options{Retention: n.opts.LogRetention, Logger: n.opts.Logger})
	if err != nil {
		return err
	}
	n.onClose(n.traces.Close)
	n.logs, err = logs.Open(filepath.Join(n.opts.Dir, "logs"), logs.Options{Retention: n.opts.LogRetention, Logger: n.opts.Logger})
	if err != nil {
		return err
	}
	n.onClose(n.logs.Close)
	return nil
}

// openAccess opens who may do what.
func (n *Node) openAccess(context.Context) (err error) {
	n.policies = policy.New(policy.Options{
		Functions: n.catalog, Layers: n.records.layers, FunctionPolicies: n.records.functionPolicies, LayerPolicies: n.records.layerPolicies,
		Authenticated: n.opts.Auth, Organizations: n.opts.organizations(), Scope: n.scope(),
	})
	n.access, err = auth.Open(auth.Options{
		Enabled: n.opts.Auth, Keys: n.opts.keys(), FunctionActions: n.opts.FunctionActions, EnvironmentAge: n.opts.MaxAge,
		Clock: n.opts.Clock, Policies: n.policies, Scope: n.scope(),
	})
	return err
}

// openLauncher opens what environments are made with.
func (n *Node) openLauncher(context.Context) error {
	substitutes, err := runtimes.ParseSubstitutes(n.opts.RuntimeMap)
	if err != nil {
		return err
	}
	o := launch.Options{
		Dir: filepath.Join(n.opts.Dir, "sandbox"), Driver: n.opts.Driver, Network: sandbox.Network(n.opts.Network),
		Runtimes: runtimes.Options{Substitutes: substitutes, JavaClient: n.opts.JavaClient, SDKDir: n.opts.SDKDir, Env: n.opts.Environ},
		Code:     n.catalog, Credentials: n.access, Logs: n.opts.Logs, Program: n.opts.Program, Logger: n.opts.Logger,
	}
	var own bool
	if own, o.Endpoints, err = n.opts.endpoints(); err != nil {
		return err
	}
	if own {
		o.API = &n.inside
	}
	if n.logs != nil {
		o.Logs, o.Traces = logGroups{n.logs}, n.traces
	}
	n.launcher, err = launch.New(o)
	return err
}

// openInvoke opens the way of an event to its environment. Events that were found in
// the log wait until openEdge starts the queue.
func (n *Node) openInvoke(ctx context.Context) (err error) {
	// The queue opens last and closes last: what it runs ends with the pool.
	n.onEnd(func() {
		if n.queue != nil {
			n.queue.Close()
		}
	})
	n.pool = pool.New(pool.Options{
		Open: n.launcher.Open, Functions: n.catalog, Changes: n.feed,
		MaxConcurrency: n.opts.MaxConcurrency, MaxMemory: n.opts.MaxMemory,
		IdleTimeout: n.opts.IdleTimeout, FreezeAfter: n.opts.FreezeAfter, MaxAge: n.opts.MaxAge,
		Clock: n.opts.Clock, Logger: n.opts.Logger,
	})
	n.onEnd(n.inside.close) // for requests of functions, which end with the environments that they run in
	n.onClose(n.pool.Close)
	n.provision = provision.New(n.catalog, n.records, n.pool)
	n.onEnd(n.provision.Close)
	n.dispatcher = dispatch.New(dispatch.Options{
		Functions: n.catalog, Runner: n.pool, Recursions: n.records.recursions, Changes: n.feed,
	})
	n.onEnd(n.dispatcher.Close)
	if err := n.openQueue(ctx); err != nil {
		return err
	}
	if test, ok := n.opts.Clock.(*clock.Test); ok {
		n.onEnd(test.AddSettler(n.pool))
		n.onEnd(test.AddSettler(n.queue))
	}
	return nil
}

// drainGrace is how long events that run may go on once the node is closed. Those
// that take longer are run again by the next one.
const drainGrace = 10 * time.Second

// openQueue finds the events that wait.
func (n *Node) openQueue(ctx context.Context) (err error) {
	o := queue.Options{
		Log: n.opts.Store.Events, Invoker: n.dispatcher, Clock: n.opts.Clock, Logger: n.opts.Logger,
		Configs: &queue.Configured{
			Functions: n.catalog, EventInvokeConfigs: n.records.eventInvokeConfigs, Reserved: n.records.reserved,
			Permissions: n.access, Logger: n.opts.Logger,
		},
		// Callers who wait keep half of the account's concurrency.
		MaxRunning: max(1, n.opts.MaxConcurrency/2),
	}
	if failpoint.Enabled { // the journal makes room all the time, for tests that crash meanwhile
		o.Slack, o.TrimAt = 256<<10, 64<<10
	}
	if n.queue, err = queue.Open(ctx, o); err != nil {
		return err
	}
	n.onEnd(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainGrace)
		defer cancel()
		n.queue.Drain(ctx)
	})
	return nil
}

// bodyPause is how long a request's body may take for its next piece.
const bodyPause = 30 * time.Second

// openEdge opens what requests come in by, goes on with what the last node had begun,
// and lets environments start and events run: no environment may be there before what
// its function can ask.
func (n *Node) openEdge(ctx context.Context) (err error) {
	if n.edge, err = n.newEdge(ctx); err != nil {
		return err
	}
	n.onEnd(n.edge.control.Close)
	n.edge.control.Resume(n.catalog.All())
	n.handler = slowbody.Handler(n.newHandler(), bodyPause)
	n.inside.serve(slowbody.Handler(n.newInside(), bodyPause))
	n.provision.Start(n.feed)
	n.queue.Start()
	return nil
}

// Handler serves the Lambda API and hearth's own paths.
func (n *Node) Handler() http.Handler { return n.handler }

// Network returns what functions reach: what was asked for, or none where the host
// does not let them out.
func (n *Node) Network() string { return string(n.launcher.Network()) }

// Invoke runs an event to its end; see dispatch.Dispatcher.
func (n *Node) Invoke(ctx context.Context, name hearth.Name, qualifier string, inv *hearth.Invocation) (hearth.Result, error) {
	return n.dispatcher.Invoke(ctx, name, qualifier, inv)
}
