// Package dispatch turns a request to invoke a function into a call: it
// resolves the name and qualifier, checks that the version can be invoked,
// names the request, and runs it on an environment, again on another one when
// the first died before it took the event.
//
//	Request ── resolve ── admit ── run ──► hearth.Result
//
// Resolving reads memory only: the invoke path never waits for storage.
package dispatch

import (
	"context"
	"errors"
	"fmt"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
)

// Functions finds functions. The result must not be written to.
type Functions interface {
	// Lookup returns the version that a qualifier names. The empty qualifier
	// is $LATEST. hearth.ErrNotFound when there is none.
	Lookup(name hearth.Name, qualifier string) (*hearth.Function, error)
}

// Runner runs an event on an environment of the function.
type Runner interface {
	Invoke(ctx context.Context, fn *hearth.Function, inv *hearth.Invocation) (hearth.Result, error)
}

// attempts is on how many environments an event is tried that none took.
const attempts = 3

// Dispatcher runs requests.
type Dispatcher struct {
	functions Functions
	runner    Runner
}

// New returns a Dispatcher.
func New(functions Functions, runner Runner) *Dispatcher {
	return &Dispatcher{functions: functions, runner: runner}
}

// Request is one call of a function, as it came in.
type Request struct {
	Name      hearth.Name
	Qualifier string // as the caller gave it; may be empty
	// Invocation is complete but for InvokedARN, and for TraceID, which is
	// generated when it is empty. The dispatcher keeps it.
	Invocation hearth.Invocation
}

// Resolve returns the version that a request would run, if it can be invoked
// now. Errors are hearth kinds with AWS's texts.
func (d *Dispatcher) Resolve(name hearth.Name, qualifier string) (*hearth.Function, error) {
	fn, err := d.functions.Lookup(name, qualifier)
	if errors.Is(err, hearth.ErrNotFound) {
		shown := qualifier
		if shown == "" {
			shown = hearth.Latest // as Invoke, and only Invoke, prints it
		}
		return nil, hearth.Errorf(hearth.ErrNotFound, "Function not found: %s", name.ARN(shown))
	}
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", name, err)
	}
	switch fn.State {
	case hearth.StateActive, hearth.StateInactive, "":
		return fn, nil
	default:
		return nil, hearth.Errorf(hearth.ErrConflict,
			"The operation cannot be performed at this time. The function is currently in the following state: %s", fn.State)
	}
}

// Invoke runs a request to its end. A function that failed is a result. ctx
// bounds the wait for an environment only.
func (d *Dispatcher) Invoke(ctx context.Context, req *Request) (hearth.Result, error) {
	fn, err := d.Resolve(req.Name, req.Qualifier)
	if err != nil {
		return hearth.Result{}, err
	}
	inv := &req.Invocation
	inv.InvokedARN = req.Name.ARN(req.Qualifier)
	if inv.TraceID == "" {
		inv.TraceID = NewTraceID()
	}
	var res hearth.Result
	for range attempts {
		res, err = d.runner.Invoke(ctx, fn, inv)
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
		return hearth.Result{}, fmt.Errorf("invoke %s: %w", req.Name, err)
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
