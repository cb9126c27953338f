package concurrency

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
func (s *Service) function(ctx context.Context, functionName *string) (hearth.Name, error) {
	name, err := s.opts.Scope.Unqualified(ctx, functionName)
	if err != nil {
		return name, err
	}
	return name, scope.Exists(ctx, s.opts.Functions, name, "")
}

func (s *Service) putReserved(ctx context.Context, in *api.PutFunctionConcurrencyInput) (*api.PutFunctionConcurrencyOutput, error) {
	name, err := s.opts.Scope.Unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	// AWS says which version is missing here, and only here.
	if err := scope.Exists(ctx, s.opts.Functions, name, hearth.Latest); err != nil {
		return nil, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	want := &hearth.ReservedConcurrency{Function: name, Executions: api.Value(in.ReservedConcurrentExecutions)}
	if err := s.checkReserved(ctx, want); err != nil {
		return nil, err
	}
	if err := s.opts.Reservations.Put(ctx, name, "", want); err != nil {
		return nil, err
	}
	return &api.PutFunctionConcurrencyOutput{ReservedConcurrentExecutions: &want.Executions}, nil
}

func (s *Service) checkReserved(ctx context.Context, want *hearth.ReservedConcurrency) error {
	name := want.Function
	left, err := s.unreserved(ctx, name.Account, name.Region)
	if err != nil {
		return err
	}
	provisioned, err := s.provisionedFor(ctx, name, "")
	if err != nil {
		return err
	}
	before, err := s.reserved(ctx, name)
	switch {
	case err != nil:
		return err
	case before != nil:
		left += before.Executions
	default:
		left += provisioned // it is part of the reserve from now on
	}
	if left-want.Executions < hearth.MinUnreserved {
		return refusal("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].",
			hearth.MinUnreserved)
	}
	if want.Executions < provisioned {
		// The spaces are AWS's, and it sends no type.
		return &hearth.Error{Kind: hearth.ErrInvalid, NoType: true, Message: fmt.Sprintf(
			" ReservedConcurrentExecutions  %d should not be lower than function's total provisioned concurrency [%d].", want.Executions, provisioned)}
	}
	return nil
}

func (s *Service) getReserved(ctx context.Context, in *api.GetFunctionConcurrencyInput) (*api.GetFunctionConcurrencyOutput, error) {
	name, err := s.function(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	n, err := s.Reserved(ctx, name)
	if err != nil {
		return nil, err
	}
	return &api.GetFunctionConcurrencyOutput{ReservedConcurrentExecutions: n}, nil
}

func (s *Service) deleteReserved(ctx context.Context, in *api.DeleteFunctionConcurrencyInput) (*api.Empty, error) {
	name, err := s.function(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if err := s.opts.Reservations.Delete(ctx, name, ""); err != nil && !errors.Is(err, hearth.ErrNotFound) {
		return nil, err
	}
	return &api.Empty{}, nil
}
