package invocation

import (
	"context"
	"net/http"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// Queue takes over events that nobody waits for; see invoke/queue for the
// contract. When Accept returns nil the event will be run, whatever happens.
type Queue interface {
	Accept(ctx context.Context, name hearth.Name, qualifier string, inv *hearth.Invocation) error
}

// invokeEvent serves Invoke with the invocation type Event. The client context
// and the log type are for callers who wait: they are not looked at.
func (s *Service) invokeEvent(ctx context.Context, name hearth.Name, qualifier string, in *api.InvokeInput) (*api.InvokeOutput, error) {
	inv, err := newInvocation(ctx, event{payload: in.Payload, tenantID: in.TenantId})
	if err != nil {
		return nil, err
	}
	if err := s.accept(ctx, name, qualifier, inv); err != nil {
		return nil, err
	}
	h := api.CallFrom(ctx).Response
	h["X-Amzn-Trace-Id"] = []string{inv.TraceID}
	h["X-Amzn-Remapped-Content-Length"] = []string{"0"}
	return &api.InvokeOutput{StatusCode: api.Ptr(http.StatusAccepted)}, nil
}

// invokeAsync serves the operation that was there before invocation types.
func (s *Service) invokeAsync(ctx context.Context, in *api.InvokeAsyncInput) (*api.InvokeAsyncOutput, error) {
	name, qualifier, err := s.opts.Scope.Function(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	inv, err := newInvocation(ctx, event{payload: in.InvokeArgs})
	if err != nil {
		return nil, err
	}
	if err := s.accept(ctx, name, qualifier, inv); err != nil {
		return nil, err
	}
	return &api.InvokeAsyncOutput{Status: api.Ptr(http.StatusAccepted)}, nil
}

// accept checks that the function can be invoked and hands the event over.
func (s *Service) accept(ctx context.Context, name hearth.Name, qualifier string, inv *hearth.Invocation) error {
	if s.opts.Queue == nil {
		return hearth.Errorf(hearth.ErrNotImplemented,
			"A single function without a daemon has no queue for events. Use RequestResponse, or hearth serve.")
	}
	fn, err := s.opts.Invoker.Resolve(ctx, name, qualifier)
	if err != nil {
		return err
	}
	if err := fn.CheckTenant(inv.TenantID); err != nil {
		return err
	}
	inv.FunctionID = fn.ID
	return s.opts.Queue.Accept(ctx, name, qualifier, inv)
}
