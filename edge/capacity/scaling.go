package capacity

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/listing"
)

// versions are the versions that can run on a provider, by their ARNs. $LATEST
// cannot: it is a template of them.
func (s *Service) versions(arn string) []*hearth.Function {
	var found []*hearth.Function
	for _, fn := range s.opts.Functions.All() {
		if fn.Managed != nil && fn.Managed.ProviderARN == arn && fn.Version != hearth.Latest {
			found = append(found, fn)
		}
	}
	slices.SortFunc(found, func(a, b *hearth.Function) int { return cmp.Compare(a.ARN(), b.ARN()) })
	return found
}

func (s *Service) listVersions(ctx context.Context, in *api.ListFunctionVersionsByCapacityProviderInput) (*api.ListFunctionVersionsByCapacityProviderOutput, error) {
	k := s.key(ctx, in.CapacityProviderName)
	if _, err := s.opts.Providers.Get(ctx, k.account, k.region, k.name); err != nil {
		return nil, orMissing(err, k)
	}
	page, next := listing.Page(s.versions(k.arn()), (*hearth.Function).ARN, in.Marker, listing.Limit(in.MaxItems))
	return &api.ListFunctionVersionsByCapacityProviderOutput{
		CapacityProviderArn: api.Ptr(k.arn()), NextMarker: next,
		FunctionVersions: listing.Items(page, func(fn *hearth.Function) *api.FunctionVersionsByCapacityProviderListItem {
			return &api.FunctionVersionsByCapacityProviderListItem{FunctionArn: api.Ptr(fn.ARN()), State: &fn.State}
		}),
	}, nil
}

// version reads the version of a function on managed instances that a request
// names.
func (s *Service) version(ctx context.Context, functionName, qualifier *string) (*hearth.Function, error) {
	name, q, err := s.opts.Scope.Function(ctx, functionName, qualifier)
	if err != nil {
		return nil, err
	}
	if q == "" || q == hearth.Latest || hearth.IsAlias(q) {
		return nil, hearth.Errorf(hearth.ErrInvalid, "The function resource provided must be a published version.")
	}
	fn, _, err := s.opts.Functions.Get(ctx, name, q)
	if errors.Is(err, hearth.ErrNotFound) {
		return nil, hearth.Errorf(hearth.ErrNotFound, "Function not found: %s", name.ARN(q))
	}
	if err == nil && fn.Managed == nil {
		return nil, hearth.Errorf(hearth.ErrInvalid, "Scaling configs are supported for functions with a CapacityProviderConfig only.")
	}
	return fn, err
}

func (s *Service) putScaling(ctx context.Context, in *api.PutFunctionScalingConfigInput) (*api.PutFunctionScalingConfigOutput, error) {
	fn, err := s.version(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if in.FunctionScalingConfig == nil { // back to the defaults
		if err := s.opts.Bounds.Delete(ctx, fn.Name, fn.Version); err != nil && !errors.Is(err, hearth.ErrNotFound) {
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
	if err := s.opts.Bounds.Put(ctx, fn.Name, fn.Version, b); err != nil {
		return nil, err
	}
	return &api.PutFunctionScalingConfigOutput{FunctionState: &fn.State}, nil
}

func (s *Service) getScaling(ctx context.Context, in *api.GetFunctionScalingConfigInput) (*api.GetFunctionScalingConfigOutput, error) {
	fn, err := s.version(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	out := &api.GetFunctionScalingConfigOutput{FunctionArn: api.Ptr(fn.ARN())}
	b, err := s.opts.Bounds.Get(ctx, fn.Name, fn.Version)
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
