// Package invocation serves the Lambda API's operations that run functions:
// Invoke, InvokeAsync and InvokeWithResponseStream. It sits behind an api.Router,
// reads what an invocation has beside its payload, checks that the payload is
// JSON, hands it to whoever runs or queues it, and writes the answer.
package invocation

import (
	"context"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/scope"
)

// Invoker runs functions; see invoke/dispatch for the contract.
type Invoker interface {
	Resolve(ctx context.Context, name hearth.Name, qualifier string) (*hearth.Function, error)
	Invoke(ctx context.Context, name hearth.Name, qualifier string, inv *hearth.Invocation) (hearth.Result, error)
}

// Options of a Service. All are required but Queue.
type Options struct {
	Invoker Invoker
	Queue   Queue // nil: there is none, and events are refused
	Scope   scope.Defaults
	// ShapeStreams holds streamed responses back to AWS's bandwidth: 6 MiB at
	// once, then 2 MiB a second.
	ShapeStreams bool
}

// Service serves the operations.
type Service struct{ opts Options }

// New returns a Service.
func New(opts Options) *Service { return &Service{opts} }

// Register makes a router serve this service's operations.
func (s *Service) Register(r *api.Router) {
	api.Handle(r, api.Invoke, s.invoke)
	api.Handle(r, api.InvokeAsync, s.invokeAsync)
	api.HandleStream(r, api.InvokeWithResponseStream, s.invokeWithResponseStream)
}
