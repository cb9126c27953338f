package resource

import (
	"cmp"
	"context"
	"errors"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/scope"
)

// runtimeManagement says when the runtime of a version is updated. The runtime is
// the host's and is updated with it: what is set is kept for those who read it
// back.
type runtimeManagement struct {
	store     ByFunction[hearth.RuntimeManagement]
	functions Functions
	scope     scope.Defaults
}

func (s runtimeManagement) register(r *api.Router) {
	api.Handle(r, api.PutRuntimeManagementConfig, s.put)
	api.Handle(r, api.GetRuntimeManagementConfig, s.get)
}

func (s runtimeManagement) put(ctx context.Context, in *api.PutRuntimeManagementConfigInput) (*api.PutRuntimeManagementConfigOutput, error) {
	name, version, arn, err := s.version(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	m := &hearth.RuntimeManagement{Function: name, Version: version, UpdateOn: *in.UpdateRuntimeOn, RuntimeVersionARN: api.Value(in.RuntimeVersionArn)}
	switch manual := m.UpdateOn == hearth.RuntimeUpdateManual; {
	case manual && m.RuntimeVersionARN == "":
		return nil, hearth.Errorf(hearth.ErrInvalid, "RuntimeVersionArn is required when UpdateRuntimeOn is Manual.")
	case !manual && m.RuntimeVersionARN != "":
		return nil, hearth.Errorf(hearth.ErrInvalid, "RuntimeVersionArn is only allowed when UpdateRuntimeOn is Manual.")
	}
	if err := s.store.Put(ctx, name, version, m); err != nil {
		return nil, err
	}
	return &api.PutRuntimeManagementConfigOutput{
		FunctionArn: &arn, UpdateRuntimeOn: &m.UpdateOn, RuntimeVersionArn: in.RuntimeVersionArn,
	}, nil
}

func (s runtimeManagement) get(ctx context.Context, in *api.GetRuntimeManagementConfigInput) (*api.GetRuntimeManagementConfigOutput, error) {
	name, version, arn, err := s.version(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	m, err := s.store.Get(ctx, name, version)
	if errors.Is(err, hearth.ErrNotFound) {
		m, err = &hearth.RuntimeManagement{UpdateOn: hearth.RuntimeUpdateAuto}, nil
	}
	if err != nil {
		return nil, err
	}
	return &api.GetRuntimeManagementConfigOutput{
		FunctionArn: &arn, UpdateRuntimeOn: &m.UpdateOn, RuntimeVersionArn: api.Optional(m.RuntimeVersionARN),
	}, nil
}

// version reads a version that there must be, and the ARN to answer with: it is
// qualified when the request was.
func (s runtimeManagement) version(ctx context.Context, functionName, qualifier *string) (name hearth.Name, version, arn string, err error) {
	name, q, err := s.scope.Function(ctx, functionName, qualifier)
	if err != nil {
		return name, "", "", err
	}
	if hearth.IsAlias(q) {
		return name, "", "", hearth.Errorf(hearth.ErrInvalid, "Runtime management is configured for $LATEST and for published versions; %s is an alias.", q)
	}
	if err := scope.Exists(ctx, s.functions, name, q); err != nil {
		return name, "", "", err
	}
	return name, cmp.Or(q, hearth.Latest), name.ARN(q), nil
}
