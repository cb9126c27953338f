package resource

import (
	"context"
	"errors"
	"slices"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/listing"
	"github.com/hearthd/hearth/edge/scope"
)

// attach checks the configuration before the function, as AWS does.
func (s *CodeSigning) attach(ctx context.Context, in *api.PutFunctionCodeSigningConfigInput) (*api.PutFunctionCodeSigningConfigOutput, error) {
	arn := *in.CodeSigningConfigArn
	c, err := s.required(ctx, arn)
	if err != nil {
		return nil, err
	}
	name, err := s.scope.Existing(ctx, s.functions, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if err := s.bind(ctx, name, c, arn); err != nil {
		return nil, err
	}
	return &api.PutFunctionCodeSigningConfigOutput{CodeSigningConfigArn: &arn, FunctionName: &name.Function}, nil
}

// Check fails unless there is such a configuration: with
// hearth.ErrCodeSigningMissing when there is none.
func (s *CodeSigning) Check(ctx context.Context, configARN string) error {
	_, err := s.required(ctx, configARN)
	return err
}

// Bind gives a function that there is a configuration, which must exist.
func (s *CodeSigning) Bind(ctx context.Context, name hearth.Name, configARN string) error {
	c, err := s.required(ctx, configARN)
	if err != nil {
		return err
	}
	return s.bind(ctx, name, c, configARN)
}

// required returns a configuration that a function is to have, which must be of
// the caller's account and region: its owner could not see who uses it.
func (s *CodeSigning) required(ctx context.Context, arn string) (c *hearth.CodeSigningConfig, err error) {
	account, region := s.scope.Of(ctx)
	if a, r, _ := scope.OfARN(arn); a == account && r == region {
		c, err = s.find(ctx, arn)
	} else {
		err = hearth.ErrNotFound
	}
	if errors.Is(err, hearth.ErrNotFound) {
		err = hearth.Errorf(hearth.ErrCodeSigningMissing,
			"The code signing configuration cannot be found. Check that the provided configuration is not deleted: %s.", arn)
	}
	return c, err
}

func (s *CodeSigning) bind(ctx context.Context, name hearth.Name, c *hearth.CodeSigningConfig, arn string) error {
	if err := s.bindings.Put(ctx, name, "", &hearth.CodeSigningBinding{Function: name, ConfigARN: arn}); err != nil {
		return err
	}
	if c.Untrusted == hearth.UntrustedEnforce {
		s.logger.WarnContext(ctx, "a code signing configuration asks for signed code, but hearth checks no signatures",
			"function", name.Function, "config", arn)
	}
	return nil
}

// attached answers without members for a function that has no configuration.
func (s *CodeSigning) attached(ctx context.Context, in *api.GetFunctionCodeSigningConfigInput) (*api.GetFunctionCodeSigningConfigOutput, error) {
	name, err := s.scope.Existing(ctx, s.functions, in.FunctionName)
	if err != nil {
		return nil, err
	}
	b, err := s.bindings.Get(ctx, name, "")
	if errors.Is(err, hearth.ErrNotFound) {
		return &api.GetFunctionCodeSigningConfigOutput{}, nil
	}
	if err != nil {
		return nil, err
	}
	return &api.GetFunctionCodeSigningConfigOutput{CodeSigningConfigArn: &b.ConfigARN, FunctionName: &name.Function}, nil
}

// detach succeeds for a function that has no configuration.
func (s *CodeSigning) detach(ctx context.Context, in *api.DeleteFunctionCodeSigningConfigInput) (*api.Empty, error) {
	name, err := s.scope.Existing(ctx, s.functions, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if err := s.bindings.Delete(ctx, name, ""); err != nil && !errors.Is(err, hearth.ErrNotFound) {
		return nil, err
	}
	return &api.Empty{}, nil
}

func (s *CodeSigning) listFunctions(ctx context.Context, in *api.ListFunctionsByCodeSigningConfigInput) (*api.ListFunctionsByCodeSigningConfigOutput, error) {
	c, err := s.find(ctx, *in.CodeSigningConfigArn)
	if err != nil {
		return nil, err
	}
	users, err := s.users(ctx, c)
	if err != nil {
		return nil, err
	}
	page, next := listing.Page(users, func(arn string) string { return arn }, in.Marker, listing.Limit(in.MaxItems))
	return &api.ListFunctionsByCodeSigningConfigOutput{FunctionArns: page, NextMarker: next}, nil
}

// users returns the ARNs of the functions that a configuration is attached to,
// sorted; never nil.
func (s *CodeSigning) users(ctx context.Context, c *hearth.CodeSigningConfig) ([]string, error) {
	all, err := s.bindings.ListAll(ctx, c.Account, c.Region)
	if err != nil {
		return nil, err
	}
	users := []string{}
	for _, b := range all {
		if b.ConfigARN == c.ARN() {
			users = append(users, b.Function.ARN(""))
		}
	}
	slices.Sort(users)
	return users, nil
}
