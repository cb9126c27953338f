// Package eventconfig serves the operations on event invoke configs: how often,
// for how long and with which destinations the asynchronous events of a
// function, a version or an alias are run.
//
// It stores them; invoke/queue applies them. A configuration is that of exactly
// the qualifier that an event was sent to, $LATEST when it named none.
package eventconfig

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/listing"
	"github.com/hearthd/hearth/edge/scope"
)

// Configs is where the configurations are kept; see store/records for the
// contract.
type Configs interface {
	Get(ctx context.Context, name hearth.Name, qualifier string) (*hearth.EventInvokeConfig, error)
	Put(ctx context.Context, name hearth.Name, qualifier string, c *hearth.EventInvokeConfig) error
	Update(ctx context.Context, name hearth.Name, qualifier string, change func(*hearth.EventInvokeConfig) error) (*hearth.EventInvokeConfig, error)
	Delete(ctx context.Context, name hearth.Name, qualifier string) error
	List(ctx context.Context, name hearth.Name, after string, limit int) (page []*hearth.EventInvokeConfig, next string, err error)
}

// Options of a Service. All are required.
type Options struct {
	Configs   Configs
	Functions scope.Functions
	Scope     scope.Defaults
}

// Service serves the operations.
type Service struct{ opts Options }

// New returns a Service.
func New(opts Options) *Service { return &Service{opts} }

// Register makes a router serve this service's operations.
func (s *Service) Register(r *api.Router) {
	api.Handle(r, api.PutFunctionEventInvokeConfig, s.put)
	api.Handle(r, api.UpdateFunctionEventInvokeConfig, s.update)
	api.Handle(r, api.GetFunctionEventInvokeConfig, s.get)
	api.Handle(r, api.DeleteFunctionEventInvokeConfig, s.delete)
	api.Handle(r, api.ListFunctionEventInvokeConfigs, s.list)
}

// put replaces: what is not sent is not set afterwards.
func (s *Service) put(ctx context.Context, in *api.PutFunctionEventInvokeConfigInput) (*api.FunctionEventInvokeConfig, error) {
	update := api.UpdateFunctionEventInvokeConfigInput(*in)
	name, qualifier, err := s.target(ctx, &update)
	if err != nil {
		return nil, err
	}
	c := &hearth.EventInvokeConfig{Function: name, Qualifier: qualifier}
	apply(c, &update)
	if err := s.opts.Configs.Put(ctx, name, qualifier, c); err != nil {
		return nil, err
	}
	return render(c), nil
}

// update leaves what is not sent as it is.
func (s *Service) update(ctx context.Context, in *api.UpdateFunctionEventInvokeConfigInput) (*api.FunctionEventInvokeConfig, error) {
	name, qualifier, err := s.target(ctx, in)
	if err != nil {
		return nil, err
	}
	c, err := s.opts.Configs.Update(ctx, name, qualifier, func(c *hearth.EventInvokeConfig) error {
		apply(c, in)
		return nil
	})
	if err != nil {
		return nil, missing(err, name, qualifier)
	}
	return render(c), nil
}

// target checks an input in AWS's order and returns what it configures.
func (s *Service) target(ctx context.Context, in *api.UpdateFunctionEventInvokeConfigInput) (hearth.Name, string, error) {
	name, qualifier, err := s.reference(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return name, "", err
	}
	if in.MaximumRetryAttempts == nil && in.MaximumEventAgeInSeconds == nil && in.DestinationConfig == nil {
		return name, "", hearth.Errorf(hearth.ErrInvalid, "You must specify at least one of error handling or destination setting.")
	}
	if err := s.exists(ctx, name, qualifier); err != nil {
		return name, "", err
	}
	return name, qualifier, s.checkDestinations(ctx, name, in.DestinationConfig)
}

func (s *Service) reference(ctx context.Context, functionName, qualifier *string) (hearth.Name, string, error) {
	name, q, err := s.opts.Scope.Function(ctx, functionName, qualifier)
	return name, cmp.Or(q, hearth.Latest), err
}

func (s *Service) exists(ctx context.Context, name hearth.Name, qualifier string) error {
	err := scope.Exists(ctx, s.opts.Functions, name, qualifier)
	if errors.Is(err, hearth.ErrNotFound) {
		return hearth.Errorf(hearth.ErrNotFound, "The function doesn't exist.")
	}
	return err
}

func apply(c *hearth.EventInvokeConfig, in *api.UpdateFunctionEventInvokeConfigInput) {
	if in.MaximumRetryAttempts != nil {
		c.MaximumRetryAttempts = in.MaximumRetryAttempts
	}
	if in.MaximumEventAgeInSeconds != nil {
		c.MaximumEventAge = in.MaximumEventAgeInSeconds
	}
	if d := in.DestinationConfig; d != nil {
		c.OnSuccess, c.OnFailure = onSuccess(d), onFailure(d)
	}
	c.LastModified = time.Now()
}

func (s *Service) get(ctx context.Context, in *api.GetFunctionEventInvokeConfigInput) (*api.FunctionEventInvokeConfig, error) {
	name, qualifier, err := s.reference(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	c, err := s.opts.Configs.Get(ctx, name, qualifier)
	if err != nil {
		return nil, missing(err, name, qualifier)
	}
	return render(c), nil
}

func (s *Service) delete(ctx context.Context, in *api.DeleteFunctionEventInvokeConfigInput) (*api.Empty, error) {
	name, qualifier, err := s.reference(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := s.opts.Configs.Delete(ctx, name, qualifier); err != nil {
		return nil, missing(err, name, qualifier)
	}
	return &api.Empty{}, nil
}

// missing gives a missing configuration AWS's text, which is the same when the
// function is missing too.
func missing(err error, name hearth.Name, qualifier string) error {
	if errors.Is(err, hearth.ErrNotFound) {
		return hearth.Errorf(hearth.ErrNotFound, "The function %s doesn't have an EventInvokeConfig", name.ARN(qualifier))
	}
	return err
}

func (s *Service) list(ctx context.Context, in *api.ListFunctionEventInvokeConfigsInput) (*api.ListFunctionEventInvokeConfigsOutput, error) {
	name, _, err := s.opts.Scope.Function(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	if err := s.exists(ctx, name, ""); err != nil {
		return nil, err
	}
	page, next, err := s.opts.Configs.List(ctx, name, api.Value(in.Marker), listing.Limit(in.MaxItems))
	if err != nil {
		return nil, err
	}
	return &api.ListFunctionEventInvokeConfigsOutput{
		FunctionEventInvokeConfigs: listing.Items(page, render), NextMarker: api.Optional(next),
	}, nil
}

// render echoes destinations that are not set as empty objects, as AWS does.
func render(c *hearth.EventInvokeConfig) *api.FunctionEventInvokeConfig {
	return &api.FunctionEventInvokeConfig{
		FunctionArn: api.Ptr(c.ARN()), LastModified: api.Time{Time: c.LastModified},
		MaximumRetryAttempts: c.MaximumRetryAttempts, MaximumEventAgeInSeconds: c.MaximumEventAge,
		DestinationConfig: &api.DestinationConfig{
			OnSuccess: &api.OnSuccess{Destination: api.Optional(c.OnSuccess)},
			OnFailure: &api.OnFailure{Destination: api.Optional(c.OnFailure)},
		},
	}
}
