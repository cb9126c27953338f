package resource

import (
	"context"
	"errors"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/scope"
)

// scalingConfigs bound how many environments of a version there are, of a
// function that runs on a capacity provider.
type scalingConfigs struct {
	store     ByFunction[hearth.ScalingBounds]
	functions Functions
	scope     scope.Defaults
}

func (s scalingConfigs) register(r *api.Router) {
	api.Handle(r, api.PutFunctionScalingConfig, s.put)
	api.Handle(r, api.GetFunctionScalingConfig, s.get)
}

// version reads the version of a function on managed instances that a request
// names.
func (s scalingConfigs) version(ctx context.Context, functionName, qualifier *string) (*hearth.Function, error) {
	name, q, err := s.scope.Function(ctx, functionName, qualifier)
	if err != nil {
		return nil, err
	}
	if q == "" || q == hearth.Latest || hearth.IsAlias(q) {
		return nil, hearth.Errorf(hearth.ErrInvalid, "The function resource provided must be a published version.")
	}
	fn, _, err := s.functions.Get(ctx, name, q)
	if errors.Is(err, hearth.ErrNotFound) {
		return nil, hearth.Errorf(hearth.ErrNotFound, "Function not found: %s", name.ARN(q))
	}
	if err == nil && fn.Managed == nil {
		return nil, hearth.Errorf(hearth.ErrInvalid, "Scaling configs are supported for functions with a CapacityProviderConfig only.")
	}
	return fn, err
}

func (s scalingConfigs) put(ctx context.Context, in *api.PutFunctionScalingConfigInput) (*api.PutFunctionScalingConfigOutput, error) {
	fn, err := s.version(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if in.FunctionScalingConfig == nil { // back to the defaults
		if err := s.store.Delete(ctx, fn.Name, fn.Version); err != nil && !errors.Is(err, hearth.ErrNotFound) {
			return nil, err
		}
		return &api.PutFunctionScalingConfigOutput{FunctionState: &fn.State}, nil
	}
	b := &hearth.ScalingBounds{
		Function: fn.Name, Qualifier: fn.Version,
		Min: api.Value(in.FunctionScalingConfig.MinExecutionEnvironments), Max: api.Value(in.FunctionScalingConfig.MaxExecutionEnvironments),
	}
	if in.FunctionScalingConfig.MaxExecutionEnvironments != nil && b.Min > b.Max {
		return nil, hearth.Errorf(hearth.ErrInvalid, "MinExecutionEnvironments must not be greater than MaxExecutionEnvironments.")
	}
	if err := s.store.Put(ctx, fn.Name, fn.Version, b); err != nil {
		return nil, err
	}
	return &api.PutFunctionScalingConfigOutput{FunctionState: &fn.State}, nil
}

func (s scalingConfigs) get(ctx context.Context, in *api.GetFunctionScalingConfigInput) (*api.GetFunctionScalingConfigOutput, error) {
	fn, err := s.version(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	out := &api.GetFunctionScalingConfigOutput{FunctionArn: api.Ptr(fn.ARN())}
	b, err := s.store.Get(ctx, fn.Name, fn.Version)
	if errors.Is(err, hearth.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	c := &api.FunctionScalingConfig{MinExecutionEnvironments: &b.Min}
	if b.Max > 0 {
		c.MaxExecutionEnvironments = &b.Max
	}
	out.AppliedFunctionScalingConfig, out.RequestedFunctionScalingConfig = c, c
	return out, nil
}
