package environment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/output"
	"github.com/hearthd/hearth/runtimeapi"
	"github.com/hearthd/hearth/sandbox"
)

// Errors of Invoke. A function that failed is a Result, not an error.
var (
	// ErrNotDelivered: the runtime died before it was given the event, through
	// no fault of the event. It is safe to invoke another environment with it.
	ErrNotDelivered = errors.New("event was not delivered")
	// ErrBusy: an invocation is in progress. The pool never causes it.
	ErrBusy = errors.New("environment is busy")
	// ErrDead: the environment was closed or lost its sandbox. The event was
	// not delivered.
	ErrDead = errors.New("environment is dead")
	// ErrInterrupted: the environment was closed or lost its sandbox while the
	// runtime had the event, which is processed in part, or wholly, or not.
	ErrInterrupted = errors.New("environment ended during the invocation")
)

// How long the init phase may take ahead of the first event: on demand, and of
// environments that are made ready before anybody waits for them, whose
// functions may also take their own time-out.
const (
	InitTimeout      = 10 * time.Second
	AheadInitTimeout = 130 * time.Second
)

// Recorder receives what an environment emits, lines and framed events. Calls for one environment may
// come from several goroutines.
type Recorder interface {
	// Record takes a platform event.
	Record(ev *hearth.PlatformEvent)
	// Output takes one line of the processes' output, without its newline. The
	// slice is only valid during the call.
	Output(source hearth.LogSource, line []byte)
	// Message takes an event of the framed log of the runtime.
	Message(m hearth.LogMessage)
	// CutTail begins a new tail and returns the old one when it is wanted: the
	// end, at most 4 KB, of what was recorded since the last cut.
	CutTail(wanted bool) []byte
}

// Launch is how the runtime of a function is started.
type Launch struct {
	// Spec describes the sandbox; the environment fills in the ID.
	Spec    sandbox.Spec
	Runtime Runtime
}

// Runtime is the runtime of a function, and what it stands on.
type Runtime interface {
	// Command returns the process to start. An error that wraps
	// sandbox.ErrEntrypoint is the function's fault and reaches the caller as
	// Runtime.InvalidEntrypoint with the error's text.
	Command(paths sandbox.Paths) (Command, error)
	// Release gives back what the Launch's Spec refers to, once the sandbox is
	// closed. It is called once or more.
	Release()
}

// Command is the runtime process.
type Command struct {
	Args []string
	Env  map[string]string // on top of what every function gets; wins over it
	Dir  string
	// FramedLog gives the process a descriptor for its log, where the events
	// are framed: see _LAMBDA_TELEMETRY_LOG_FD. For clients that know it.
	FramedLog bool
}

// Options of an environment. All but Env, Subscriptions, API, Services and
// Logger are required.
type Options struct {
	ID       string
	Function *hearth.Function
	Driver   sandbox.Driver
	Launch   *Launch
	Recorder Recorder
	// Env is what this daemon gives every function, such as credentials; the
	// function's own variables win over it.
	Env       map[string]string
	LogStream string
	InitType  string // AWS_LAMBDA_INITIALIZATION_TYPE
	// Subscriptions serves the Telemetry and the Logs API to this environment's
	// extensions. Nil: those APIs are not there.
	Subscriptions runtimeapi.Subscriptions
	// API serves the platform's own API to the function's code, which finds it by
	// AWS_ENDPOINT_URL beside the Runtime API. Nil: it is not there.
	API http.Handler
	// Services run in the sandbox's network. May be nil. The environment closes
	// them, also when Open fails.
	Services Services
	Logger   *slog.Logger

	// start is how the processes of each run are brought up. Nil: cold.
	start start
}

// Environment is one execution environment. Create it with Open, run Init
// once, and Close it.
type Environment struct {
	opts       Options
	extensions []string // the external ones
	box        sandbox.Sandbox
	xray       string // where the X-Ray daemon is; empty: there is none
	server     *runtimeapi.Server
	memory     memoryGauge
	multi      *MultiConcurrent // whose part it is; nil: one event at a time
	workers    *output.Workers  // what worker processes write to socket; nil: there is none
	socket     string

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	// wg counts what Close waits for: Init, Invoke, invocations that have not
	// been freed, and goroutines.
	wg sync.WaitGroup

	mu          sync.Mutex
	state       State         // set by toLocked alone
	run         *run          // the processes in progress; none, or one that is not up, when Broken
	active      *invocation   // the invocation in progress; nil when not Busy
	initTook    time.Duration // of a successful init phase; reported by the first invocation
	initFailure *verdict      // of an init phase that failed
	// frozen is of the sandbox, and true beside any state but New and Initializing:
	// processes can end while they are frozen, and Close and Begin can come.
	frozen bool

	closeOnce sync.Once
	closeErr  error
}

// Open builds the sandbox of an environment. ctx bounds the building only. On
// an error nothing is left behind, and Launch.Release was called.
func Open(ctx context.Context, opts Options) (*Environment, error) {
	return open(ctx, opts, nil)
}

// open is Open. multi is whose part the environment will be, if anybody's.
func open(ctx context.Context, opts Options, multi *MultiConcurrent) (*Environment, error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Services == nil {
		opts.Services = noServices{}
	}
	if opts.start == nil {
		opts.start = cold{}
	}
	spec := opts.Launch.Spec
	spec.ID = opts.ID
	extensions, err := externalExtensions(spec.Opt)
	if err != nil {
		release(&opts)
		return nil, fmt.Errorf("open environment %s: %w", opts.ID, err)
	}
	box, err := opts.Driver.Create(ctx, spec)
	if err != nil {
		release(&opts)
		return nil, fmt.Errorf("create sandbox %s: %w", opts.ID, err)
	}
	e := &Environment{opts: opts, extensions: extensions, box: box, multi: multi, server: runtimeapi.Serve(box.Listener(), runtimeapi.Options{
		Function: opts.Function, Subscriptions: opts.Subscriptions, API: opts.API,
	})}
	e.ctx, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
	e.xray = opts.Services.Attach(ctx, box)
	if multi != nil {
		e.listenToWorkers(ctx)
	}
	e.wg.Go(e.watchSandbox)
	return e, nil
}

// ID is the environment's and its sandbox's name.
func (e *Environment) ID() string { return e.opts.ID }

// MemoryUsed is the peak so far of the memory that the sandbox shares with no other, in
// MB, as of the last reading.
func (e *Environment) MemoryUsed() int { return e.memory.ownMB() }

// watchSandbox declares the environment dead when its sandbox is.
func (e *Environment) watchSandbox() {
	select {
	case <-e.ctx.Done():
		return
	case <-e.box.Done():
	}
	e.mu.Lock()
	e.toLocked(Dead)
	busy := e.claimLocked()
	e.mu.Unlock()
	if busy != nil {
		e.fail(busy, e.interruptedVerdict(!busy.withdraw()))
	}
	if e.multi != nil {
		e.multi.interrupted()
	}
}

// claimLocked claims the invocation in progress, if the runtime has been
// handed the event and nobody else has claimed it. Up to the hand-over it is
// its Invoke that ends it.
func (e *Environment) claimLocked() *invocation {
	if e.active == nil || e.active.call == nil || !e.active.claim() {
		return nil
	}
	return e.active
}

// withdraw takes the event back if the runtime has not got it, and reports
// whether that is so.
func (a *invocation) withdraw() bool { return a.run.session.Withdraw(a.call) }

// Freeze stops every process of an idle environment, if the sandbox can. The
// caller must own the environment as for Invoke, which thaws it.
func (e *Environment) Freeze() error {
	f, ok := e.box.(sandbox.Freezer)
	if !ok || e.State() != Idle || e.isFrozen() {
		return nil
	}
	e.flush()
	e.mu.Lock()
	if e.state != Idle {
		e.mu.Unlock()
		return nil
	}
	e.frozen = true
	e.mu.Unlock()
	e.opts.Services.Hold(true)
	if err := f.Freeze(); err != nil {
		return fmt.Errorf("freeze environment %s: %w", e.opts.ID, err)
	}
	return nil
}

func (e *Environment) isFrozen() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.frozen
}

func (e *Environment) thaw() error {
	e.mu.Lock()
	frozen := e.frozen
	e.frozen = false
	e.mu.Unlock()
	if !frozen {
		return nil
	}
	if err := e.box.(sandbox.Freezer).Thaw(); err != nil {
		return fmt.Errorf("thaw environment %s: %w", e.opts.ID, err)
	}
	e.opts.Services.Hold(false)
	return nil
}

// Close shuts down every process, answers the invocation in progress, if any,
// and removes the sandbox. With extensions it takes up to two seconds, unless
// they are being shut down already; without, none. It returns when nothing of
// the environment runs, and must not be called from a free callback. It may be
// called more than once.
func (e *Environment) Close() error {
	e.closeOnce.Do(func() {
		e.mu.Lock()
		e.toLocked(Dead)
		busy := e.claimLocked()
		r := e.run
		e.run = nil
		e.mu.Unlock()
		e.cancel()
		if r != nil {
			e.stopRun(r, reasonSpindown)
		}
		e.opts.Services.Close()
		socketErr := e.closeWorkers()
		boxErr := e.box.Close()
		if busy != nil {
			e.fail(busy, e.interruptedVerdict(!busy.withdraw()))
		}
		if e.multi != nil {
			e.multi.interrupted()
		}
		e.closeErr = errors.Join(socketErr, boxErr, e.server.Close())
		e.wg.Wait()
		if r != nil {
			e.waitOutput(e.processesOf(r)) // of one that was being started
		}
		release(&e.opts)
	})
	return e.closeErr
}

// release gives back what the options brought.
func release(o *Options) {
	o.Services.Close()
	o.Launch.Runtime.Release()
}

// enter registers the caller, or a goroutine that it starts, with Close, which
// waits for it; whoever it is must call e.wg.Done. It reports false once the
// environment is Dead.
func (e *Environment) enter() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state == Dead {
		return false
	}
	e.wg.Add(1)
	return true
}
