// Package durable answers the operations on durable executions, which this
// version of hearth does not run. The model's validation comes first, as on
// AWS; then the answer is 501, which says so.
package durable

import (
	"context"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// Register makes a router serve the operations.
func Register(r *api.Router) {
	api.Handle(r, api.CheckpointDurableExecution, refuse[api.CheckpointDurableExecutionInput, api.CheckpointDurableExecutionOutput])
	api.Handle(r, api.GetDurableExecution, refuse[api.GetDurableExecutionInput, api.GetDurableExecutionOutput])
	api.Handle(r, api.GetDurableExecutionHistory, refuse[api.GetDurableExecutionHistoryInput, api.GetDurableExecutionHistoryOutput])
	api.Handle(r, api.GetDurableExecutionState, refuse[api.GetDurableExecutionStateInput, api.GetDurableExecutionStateOutput])
	api.Handle(r, api.ListDurableExecutionsByFunction, refuse[api.ListDurableExecutionsByFunctionInput, api.ListDurableExecutionsByFunctionOutput])
	api.Handle(r, api.SendDurableExecutionCallbackFailure, refuse[api.SendDurableExecutionCallbackFailureInput, api.SendDurableExecutionCallbackFailureOutput])
	api.Handle(r, api.SendDurableExecutionCallbackHeartbeat, refuse[api.SendDurableExecutionCallbackHeartbeatInput, api.SendDurableExecutionCallbackHeartbeatOutput])
	api.Handle(r, api.SendDurableExecutionCallbackSuccess, refuse[api.SendDurableExecutionCallbackSuccessInput, api.SendDurableExecutionCallbackSuccessOutput])
	api.Handle(r, api.StopDurableExecution, refuse[api.StopDurableExecutionInput, api.StopDurableExecutionOutput])
}

func refuse[In, Out any](ctx context.Context, _ *In) (*Out, error) {
	return nil, hearth.Errorf(hearth.ErrNotImplemented,
		"The operation %s is part of the Lambda API, but this version of hearth has no durable executions.", api.CallFrom(ctx).Operation)
}
