// Package settings serves the operations on two settings of functions: when the
// runtime of a version is updated, and what happens to a function that invokes
// itself over and over.
//
// The runtime is the host's and is updated with it, so the first is kept for
// those who read it back. The second is applied by invoke/dispatch, which counts
// the hops of an invocation.
package settings

import (
	"cmp"
	"context"
	"errors"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/scope"
)

// Runtimes is where runtime management is kept, by version; see store/records
// for the contract.
type Runtimes interface {
	Get(ctx context.Context, name hearth.Name, version string) (*hearth.RuntimeManagement, error)
	Put(ctx context.Context, name hearth.Name, version string, m *hearth.RuntimeManagement) error
}

// Recursions is where recursion configurations are kept, with an empty
// qualifier; see store/records for the contract.
type Recursions interface {
	Get(ctx context.Context, name hearth.Name, qualifier string) (*hearth.Recursion, error)
	Put(ctx context.Context, name hearth.Name, qualifier string, c *hearth.Recursion) error
}

// Options of a Service. All are required.
type Options struct {
	Runtimes   Runtimes
	Recursions Recursions
	Functions  scope.Functions
	Scope      scope.Defaults
}

// Service serves the operations.
type Service struct{ opts Options }

// New returns a Service.
func New(opts Options) *Service { return &Service{opts} }

// Register makes a router serve this service's operations.
func (s *Service) Register(r *api.Router) {
	api.Handle(r, api.PutRuntimeManagementConfig, s.putRuntime)
	api.Handle(r, api.GetRuntimeManagementConfig, s.getRuntime)
	api.Handle(r, api.PutFunctionRecursionConfig, s.putRecursion)
	api.Handle(r, api.GetFunctionRecursionConfig, s.getRecursion)
}

func (s *Service) putRuntime(ctx context.Context, in *api.PutRuntimeManagementConfigInput) (*api.PutRuntimeManagementConfigOutput, error) {
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
	if err := s.opts.Runtimes.Put(ctx, name, version, m); err != nil {
		return nil, err
	}
	return &api.PutRuntimeManagementConfigOutput{
		FunctionArn: &arn, UpdateRuntimeOn: &m.UpdateOn, RuntimeVersionArn: in.RuntimeVersionArn,
	}, nil
}

func (s *Service) getRuntime(ctx context.Context, in *api.GetRuntimeManagementConfigInput) (*api.GetRuntimeManagementConfigOutput, error) {
	name, version, arn, err := s.version(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	m, err := s.opts.Runtimes.Get(ctx, name, version)
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
func (s *Service) version(ctx context.Context, functionName, qualifier *string) (name hearth.Name, version, arn string, err error) {
	name, q, err := s.opts.Scope.Function(ctx, functionName, qualifier)
	if err != nil {
		return name, "", "", err
	}
	if hearth.IsAlias(q) {
		return name, "", "", hearth.Errorf(hearth.ErrInvalid, "Runtime management is configured for $LATEST and for published versions; %s is an alias.", q)
	}
	if err := scope.Exists(ctx, s.opts.Functions, name, q); err != nil {
		return name, "", "", err
	}
	return name, cmp.Or(q, hearth.Latest), name.ARN(q), nil
}

func (s *Service) putRecursion(ctx context.Context, in *api.PutFunctionRecursionConfigInput) (*api.PutFunctionRecursionConfigOutput, error) {
	name, err := s.opts.Scope.Existing(ctx, s.opts.Functions, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if err := s.opts.Recursions.Put(ctx, name, "", &hearth.Recursion{Function: name, Loop: *in.RecursiveLoop}); err != nil {
		return nil, err
	}
	return &api.PutFunctionRecursionConfigOutput{RecursiveLoop: in.RecursiveLoop}, nil
}

func (s *Service) getRecursion(ctx context.Context, in *api.GetFunctionRecursionConfigInput) (*api.GetFunctionRecursionConfigOutput, error) {
	name, err := s.opts.Scope.Existing(ctx, s.opts.Functions, in.FunctionName)
	if err != nil {
		return nil, err
	}
	c, err := s.opts.Recursions.Get(ctx, name, "")
	if errors.Is(err, hearth.ErrNotFound) {
		c, err = &hearth.Recursion{Loop: hearth.RecursionTerminate}, nil
	}
	if err != nil {
		return nil, err
	}
	return &api.GetFunctionRecursionConfigOutput{RecursiveLoop: &c.Loop}, nil
}
