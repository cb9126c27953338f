package resource

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

// eventInvokeConfigs say how often, for how long and with which destinations the
// asynchronous events of a function, a version or an alias are run. invoke/queue
// applies them. A configuration is that of exactly the qualifier that an event
// was sent to, $LATEST when it named none.
type eventInvokeConfigs struct {
	store     ByFunction[hearth.EventInvokeConfig]
	functions Functions
	scope     scope.Defaults
}

func (s eventInvokeConfigs) register(r *api.Router) {
	api.Handle(r, api.PutFunctionEventInvokeConfig, s.put)
	api.Handle(r, api.UpdateFunctionEventInvokeConfig, s.update)
	api.Handle(r, api.GetFunctionEventInvokeConfig, s.get)
	api.Handle(r, api.DeleteFunctionEventInvokeConfig, s.delete)
	api.Handle(r, api.ListFunctionEventInvokeConfigs, s.list)
}

// put replaces: what is not sent is not set afterwards.
func (s eventInvokeConfigs) put(ctx context.Context, in *api.PutFunctionEventInvokeConfigInput) (*api.FunctionEventInvokeConfig, error) {
	update := api.UpdateFunctionEventInvokeConfigInput(*in)
	name, qualifier, err := s.target(ctx, &update)
	if err != nil {
		return nil, err
	}
	c := &hearth.EventInvokeConfig{Function: name, Qualifier: qualifier}
	applyEventInvokeConfig(c, &update)
	if err := s.store.Put(ctx, name, qualifier, c); err != nil {
		return nil, err
	}
	return renderEventInvokeConfig(c), nil
}

// update leaves what is not sent as it is.
func (s eventInvokeConfigs) update(ctx context.Context, in *api.UpdateFunctionEventInvokeConfigInput) (*api.FunctionEventInvokeConfig, error) {
	name, qualifier, err := s.target(ctx, in)
	if err != nil {
		return nil, err
	}
	c, err := s.store.Update(ctx, name, qualifier, func(c *hearth.EventInvokeConfig) error {
		applyEventInvokeConfig(c, in)
		return nil
	})
	if err != nil {
		return nil, orNoEventInvokeConfig(err, name, qualifier)
	}
	return renderEventInvokeConfig(c), nil
}

// target checks an input in AWS's order and returns what it configures.
func (s eventInvokeConfigs) target(ctx context.Context, in *api.UpdateFunctionEventInvokeConfigInput) (hearth.Name, string, error) {
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

func (s eventInvokeConfigs) reference(ctx context.Context, functionName, qualifier *string) (hearth.Name, string, error) {
	name, q, err := s.scope.Function(ctx, functionName, qualifier)
	return name, cmp.Or(q, hearth.Latest), err
}

func (s eventInvokeConfigs) exists(ctx context.Context, name hearth.Name, qualifier string) error {
	err := scope.Exists(ctx, s.functions, name, qualifier)
	if errors.Is(err, hearth.ErrNotFound) {
		return hearth.Errorf(hearth.ErrNotFound, "The function doesn't exist.")
	}
	return err
}

func applyEventInvokeConfig(c *hearth.EventInvokeConfig, in *api.UpdateFunctionEventInvokeConfigInput) {
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

func (s eventInvokeConfigs) get(ctx context.Context, in *api.GetFunctionEventInvokeConfigInput) (*api.FunctionEventInvokeConfig, error) {
	name, qualifier, err := s.reference(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	c, err := s.store.Get(ctx, name, qualifier)
	if err != nil {
		return nil, orNoEventInvokeConfig(err, name, qualifier)
	}
	return renderEventInvokeConfig(c), nil
}

func (s eventInvokeConfigs) delete(ctx context.Context, in *api.DeleteFunctionEventInvokeConfigInput) (*api.Empty, error) {
	name, qualifier, err := s.reference(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := s.store.Delete(ctx, name, qualifier); err != nil {
		return nil, orNoEventInvokeConfig(err, name, qualifier)
	}
	return &api.Empty{}, nil
}

// orNoEventInvokeConfig gives a missing configuration AWS's text, which is the same when the
// function is missing too.
func orNoEventInvokeConfig(err error, name hearth.Name, qualifier string) error {
	if errors.Is(err, hearth.ErrNotFound) {
		return hearth.Errorf(hearth.ErrNotFound, "The function %s doesn't have an EventInvokeConfig", name.ARN(qualifier))
	}
	return err
}

func (s eventInvokeConfigs) list(ctx context.Context, in *api.ListFunctionEventInvokeConfigsInput) (*api.ListFunctionEventInvokeConfigsOutput, error) {
	name, _, err := s.scope.Function(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	if err := s.exists(ctx, name, ""); err != nil {
		return nil, err
	}
	page, next, err := s.store.List(ctx, name, api.Value(in.Marker), listing.Limit(in.MaxItems))
	if err != nil {
		return nil, err
	}
	return &api.ListFunctionEventInvokeConfigsOutput{
		FunctionEventInvokeConfigs: listing.Items(page, renderEventInvokeConfig), NextMarker: api.Optional(next),
	}, nil
}

// renderEventInvokeConfig echoes destinations that are not set as empty objects, as AWS does.
func renderEventInvokeConfig(c *hearth.EventInvokeConfig) *api.FunctionEventInvokeConfig {
	return &api.FunctionEventInvokeConfig{
		FunctionArn: api.Ptr(c.ARN()), LastModified: api.Time{Time: c.LastModified},
		MaximumRetryAttempts: c.MaximumRetryAttempts, MaximumEventAgeInSeconds: c.MaximumEventAge,
		DestinationConfig: &api.DestinationConfig{
			OnSuccess: &api.OnSuccess{Destination: api.Optional(c.OnSuccess)},
			OnFailure: &api.OnFailure{Destination: api.Optional(c.OnFailure)},
		},
	}
}
