// Package dispatch turns a request to invoke a function into a call: it
// resolves the name and qualifier, checks that the version can be invoked,
// names the request, and runs it on an environment, again on another one when
// the first died before it took the event.
//
//	name, event ── resolve ── admit ── run ──► hearth.Result
//
// Resolving reads memory only: the invoke path never waits for storage. The
// name of an alias is resolved to one of its versions for each request by
// itself, at random by their weights.
package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
)

// Functions finds functions. The results must not be written to.
type Functions interface {
	// Lookup returns a version; the empty one is $LATEST. hearth.ErrNotFound
	// when there is none.
	Lookup(name hearth.Name, version string) (*hearth.Function, error)
	// LookupAlias returns an alias; hearth.ErrNotFound when there is none.
	LookupAlias(name hearth.Name, alias string) (*hearth.Alias, error)
}

// Runner runs an event on an environment of the function.
type Runner interface {
	Invoke(ctx context.Context, fn *hearth.Function, inv *hearth.Invocation) (hearth.Result, error)
}

// attempts is on how many environments an event is tried that none took.
const attempts = 3

// pendingWait is how long a Pending function is waited for.
const pendingWait = 10 * time.Second

// Options of a Dispatcher. Functions and Runner are required.
type Options struct {
	Functions Functions
	Runner    Runner
	// Recursions says which functions may invoke themselves without end. Nil:
	// none may. See trace for what becomes of the others.
	Recursions Recursions
	// Changes wakes requests that wait for a Pending function. Nil: such a request
	// is refused at the end of its wait, whatever the function has become.
	Changes hearth.Changes
}

// Dispatcher runs requests. Create it with New and Close it.
type Dispatcher struct {
	opts    Options
	pending pending
	cancel  func() // ends the subscription to changes
}

// New returns a Dispatcher, which follows the changes of functions until Close.
func New(opts Options) *Dispatcher {
	d := &Dispatcher{opts: opts, cancel: func() {}}
	if opts.Changes != nil {
		d.cancel = opts.Changes.Subscribe(&d.pending)
	}
	return d
}

// Close ends the subscription. Requests that wait for a Pending function are
// refused at the end of their wait.
func (d *Dispatcher) Close() { d.cancel() }

// Resolve returns the version that a name and qualifier would run, as soon as
// it can be invoked. Errors are hearth kinds with AWS's texts.
//
// AWS refuses to invoke a Pending function. Here it is pending for moments
// only, so the caller waits them out instead, up to pendingWait.
func (d *Dispatcher) Resolve(ctx context.Context, name hearth.Name, qualifier string) (*hearth.Function, error) {
	fn, err := d.lookup(name, qualifier)
	if err == nil && fn.State == hearth.StatePending {
		// The version that was picked, not another one of the alias.
		fn, err = d.awaitPending(ctx, name, fn.Version)
	}
	if err != nil {
		return nil, err
	}
	switch fn.State {
	case hearth.StateActive, hearth.StateInactive, "":
		return fn, nil
	default:
		return nil, hearth.Errorf(hearth.ErrConflict,
			"The operation cannot be performed at this time. The function is currently in the following state: %s", fn.State)
	}
}

func (d *Dispatcher) lookup(name hearth.Name, qualifier string) (*hearth.Function, error) {
	fn, err := d.find(name, qualifier)
	if errors.Is(err, hearth.ErrNotFound) {
		return nil, notFound(name, qualifier)
	}
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", name, err)
	}
	return fn, nil
}

func notFound(name hearth.Name, qualifier string) error {
	if qualifier == "" {
		qualifier = hearth.Latest // as Invoke, and only Invoke, prints it
	}
	return hearth.Errorf(hearth.ErrNotFound, "Function not found: %s", name.ARN(qualifier))
}

// find returns the version that a qualifier names. An alias is looked at again
// when its version is gone: it may have been moved to another one in between.
func (d *Dispatcher) find(name hearth.Name, qualifier string) (fn *hearth.Function, err error) {
	if !hearth.IsAlias(qualifier) {
		fn, err = d.opts.Functions.Lookup(name, qualifier)
		if err == nil && fn.Managed != nil && fn.Version == hearth.Latest {
			return d.latestPublished(name)
		}
		return fn, err
	}
	for range 2 {
		var alias *hearth.Alias
		if alias, err = d.opts.Functions.LookupAlias(name, qualifier); err != nil {
			return nil, err
		}
		version := pick(alias, rand.Float64()) //nolint:gosec // routing is no secret
		if fn, err = d.opts.Functions.Lookup(name, version); !errors.Is(err, hearth.ErrNotFound) {
			break
		}
	}
	return fn, err
}

// latestPublished is what runs in the place of the $LATEST of a function on
// managed instances.
func (d *Dispatcher) latestPublished(name hearth.Name) (*hearth.Function, error) {
	fn, err := d.opts.Functions.Lookup(name, hearth.LatestPublished)
	if errors.Is(err, hearth.ErrNotFound) {
		return nil, hearth.Errorf(hearth.ErrNoPublished, "The function has no published versions available.")
	}
	return fn, err
}

// pick returns the version of an alias that a request goes to: the additional
// one when chance, which is from [0, 1), is below its weight.
func pick(a *hearth.Alias, chance float64) string {
	if a.Additional != "" && chance < a.AdditionalWeight {
		return a.Additional
	}
	return a.Version
}

// awaitPending returns the function as soon as it is not Pending any more, or as
// it is when the wait is over.
func (d *Dispatcher) awaitPending(ctx context.Context, name hearth.Name, version string) (*hearth.Function, error) {
	ctx, cancel := context.WithTimeout(ctx, pendingWait)
	defer cancel()
	for {
		changed, leave := d.pending.wait(name) // before the look: a change in between is not missed
		fn, err := d.lookup(name, version)
		if err != nil || fn.State != hearth.StatePending {
			leave()
			return fn, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			leave()
			return fn, nil
		}
	}
}

// Invoke runs an event to its end on the version that a qualifier names; an
// empty one names $LATEST. A function that failed is a result. hearth.ErrNotFound
// is also for a function that is not the one that inv.FunctionID names.
//
// The dispatcher completes the invocation: InvokedARN, and TraceID, in which it
// decides whether the trace is sampled, unless that is decided, and counts the
// hops of a chain (see Options.Recursions). ctx bounds the wait for an environment only.
func (d *Dispatcher) Invoke(ctx context.Context, name hearth.Name, qualifier string, inv *hearth.Invocation) (hearth.Result, error) {
	fn, err := d.Resolve(ctx, name, qualifier)
	if err != nil {
		return hearth.Result{}, err
	}
	if inv.FunctionID != "" && fn.ID != inv.FunctionID {
		return hearth.Result{}, notFound(name, qualifier)
	}
	if err := fn.CheckTenant(inv.TenantID); err != nil {
		return hearth.Result{}, err
	}
	inv.InvokedARN = name.ARN(qualifier)
	if err := d.trace(fn, name, inv); err != nil {
		return hearth.Result{}, err
	}
	var res hearth.Result
	for range attempts {
		res, err = d.opts.Runner.Invoke(ctx, fn, inv)
		if !errors.Is(err, environment.ErrNotDelivered) && !errors.Is(err, environment.ErrDead) {
			break
		}
	}
	switch {
	case errors.Is(err, environment.ErrNotDelivered):
		// Every environment's runtime died as soon as it was ready: that is
		// the function's doing.
		return died(inv, fn), nil
	case err != nil:
		return hearth.Result{}, fmt.Errorf("invoke %s: %w", name, err)
	}
	return res, nil
}

func died(inv *hearth.Invocation, fn *hearth.Function) hearth.Result {
	return hearth.Result{
		Payload: []byte(`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + inv.RequestID +
			` Error: Runtime exited without providing a reason"}`),
		FunctionError: hearth.Unhandled, ErrorType: "Runtime.ExitError", ExecutedVersion: fn.Version,
	}
}
