package resource

import (
	"context"
	"errors"
	"fmt"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/scope"
)

// function reads the name of a function that must not be qualified, and checks
// that there is such a function.
func (c *Concurrency) function(ctx context.Context, functionName *string) (hearth.Name, error) {
	name, err := c.scope.Unqualified(ctx, functionName)
	if err != nil {
		return name, err
	}
	return name, scope.Exists(ctx, c.functions, name, "")
}

func (c *Concurrency) putReserved(ctx context.Context, in *api.PutFunctionConcurrencyInput) (*api.PutFunctionConcurrencyOutput, error) {
	name, err := c.scope.Unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	// AWS says which version is missing here, and only here.
	if err := scope.Exists(ctx, c.functions, name, hearth.Latest); err != nil {
		return nil, err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	want := &hearth.ReservedConcurrency{Function: name, Executions: api.Value(in.ReservedConcurrentExecutions)}
	if err := c.checkReserved(ctx, want); err != nil {
		return nil, err
	}
	if err := c.reservations.Put(ctx, name, "", want); err != nil {
		return nil, err
	}
	return &api.PutFunctionConcurrencyOutput{ReservedConcurrentExecutions: &want.Executions}, nil
}

func (c *Concurrency) checkReserved(ctx context.Context, want *hearth.ReservedConcurrency) error {
	name := want.Function
	left, err := c.unreserved(ctx, name.Account, name.Region)
	if err != nil {
		return err
	}
	provisioned, err := c.provisionedFor(ctx, name, "")
	if err != nil {
		return err
	}
	before, err := c.reserved(ctx, name)
	switch {
	case err != nil:
		return err
	case before != nil:
		left += before.Executions
	default:
		left += provisioned // it is part of the reserve from now on
	}
	if left-want.Executions < hearth.MinUnreserved {
		return concurrencyRefused("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].",
			hearth.MinUnreserved)
	}
	if want.Executions < provisioned {
		// The spaces are AWS's, and it sends no type.
		return &hearth.Error{Kind: hearth.ErrInvalid, NoType: true, Message: fmt.Sprintf(
			" ReservedConcurrentExecutions  %d should not be lower than function's total provisioned concurrency [%d].", want.Executions, provisioned)}
	}
	return nil
}

func (c *Concurrency) getReserved(ctx context.Context, in *api.GetFunctionConcurrencyInput) (*api.GetFunctionConcurrencyOutput, error) {
	name, err := c.function(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	n, err := c.Reserved(ctx, name)
	if err != nil {
		return nil, err
	}
	return &api.GetFunctionConcurrencyOutput{ReservedConcurrentExecutions: n}, nil
}

func (c *Concurrency) deleteReserved(ctx context.Context, in *api.DeleteFunctionConcurrencyInput) (*api.Empty, error) {
	name, err := c.function(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if err := c.reservations.Delete(ctx, name, ""); err != nil && !errors.Is(err, hearth.ErrNotFound) {
		return nil, err
	}
	return &api.Empty{}, nil
}
