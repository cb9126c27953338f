package resource

import (
	"context"
	"errors"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/scope"
)

// recursions say what becomes of functions that invoke themselves over and over.
// invoke/dispatch, which counts the hops of an invocation, applies them.
type recursions struct {
	store     ByFunction[hearth.Recursion]
	functions Functions
	scope     scope.Defaults
}

func (s recursions) register(r *api.Router) {
	api.Handle(r, api.PutFunctionRecursionConfig, s.put)
	api.Handle(r, api.GetFunctionRecursionConfig, s.get)
}

func (s recursions) put(ctx context.Context, in *api.PutFunctionRecursionConfigInput) (*api.PutFunctionRecursionConfigOutput, error) {
	name, err := s.scope.Existing(ctx, s.functions, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if err := s.store.Put(ctx, name, "", &hearth.Recursion{Function: name, Loop: *in.RecursiveLoop}); err != nil {
		return nil, err
	}
	return &api.PutFunctionRecursionConfigOutput{RecursiveLoop: in.RecursiveLoop}, nil
}

func (s recursions) get(ctx context.Context, in *api.GetFunctionRecursionConfigInput) (*api.GetFunctionRecursionConfigOutput, error) {
	name, err := s.scope.Existing(ctx, s.functions, in.FunctionName)
	if err != nil {
		return nil, err
	}
	c, err := s.store.Get(ctx, name, "")
	if errors.Is(err, hearth.ErrNotFound) {
		c, err = &hearth.Recursion{Loop: hearth.RecursionTerminate}, nil
	}
	if err != nil {
		return nil, err
	}
	return &api.GetFunctionRecursionConfigOutput{RecursiveLoop: &c.Loop}, nil
}
