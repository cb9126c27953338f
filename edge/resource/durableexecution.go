package resource

import (
	"context"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// durableExecutions are what this version of hearth does not run. The model's
// validation of a request comes first, as on AWS; then the answer is 501, which
// says so.
type durableExecutions struct{}

func (durableExecutions) register(r *api.Router) {
	api.Handle(r, api.CheckpointDurableExecution, refuseDurable[api.CheckpointDurableExecutionInput, api.CheckpointDurableExecutionOutput])
	api.Handle(r, api.GetDurableExecution, refuseDurable[api.GetDurableExecutionInput, api.GetDurableExecutionOutput])
	api.Handle(r, api.GetDurableExecutionHistory, refuseDurable[api.GetDurableExecutionHistoryInput, api.GetDurableExecutionHistoryOutput])
	api.Handle(r, api.GetDurableExecutionState, refuseDurable[api.GetDurableExecutionStateInput, api.GetDurableExecutionStateOutput])
	api.Handle(r, api.ListDurableExecutionsByFunction, refuseDurable[api.ListDurableExecutionsByFunctionInput, api.ListDurableExecutionsByFunctionOutput])
	api.Handle(r, api.SendDurableExecutionCallbackFailure, refuseDurable[api.SendDurableExecutionCallbackFailureInput, api.SendDurableExecutionCallbackFailureOutput])
	api.Handle(r, api.SendDurableExecutionCallbackHeartbeat, refuseDurable[api.SendDurableExecutionCallbackHeartbeatInput, api.SendDurableExecutionCallbackHeartbeatOutput])
	api.Handle(r, api.SendDurableExecutionCallbackSuccess, refuseDurable[api.SendDurableExecutionCallbackSuccessInput, api.SendDurableExecutionCallbackSuccessOutput])
	api.Handle(r, api.StopDurableExecution, refuseDurable[api.StopDurableExecutionInput, api.StopDurableExecutionOutput])
}

func refuseDurable[In, Out any](ctx context.Context, _ *In) (*Out, error) {
	return nil, hearth.Errorf(hearth.ErrNotImplemented,
		"The operation %s is part of the Lambda API, but this version of hearth has no durable executions.", api.CallFrom(ctx).Operation)
}
