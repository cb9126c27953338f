package resource

import (
	"context"
	"errors"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/listing"
	"github.com/hearthd/hearth/edge/scope"
)

// aliases are names that point to one version of a function, or to two by
// weights. What an invocation of an alias runs, invoke/dispatch decides.
type aliases struct {
	store     Aliases
	functions Functions
	attached  Attached
	scope     scope.Defaults
}

func (s aliases) register(r *api.Router) {
	api.Handle(r, api.CreateAlias, s.create)
	api.Handle(r, api.GetAlias, s.get)
	api.Handle(r, api.ListAliases, s.list)
	api.Handle(r, api.UpdateAlias, s.update)
	api.Handle(r, api.DeleteAlias, s.delete)
}

func (s aliases) create(ctx context.Context, in *api.CreateAliasInput) (*api.AliasConfiguration, error) {
	name, err := s.scope.Unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	alias := &hearth.Alias{
		Function: name, Name: *in.Name, Version: *in.FunctionVersion,
		Description: api.Value(in.Description), RevisionID: api.NewRequestID(),
	}
	if err := route(alias, in.RoutingConfig); err != nil {
		return nil, err
	}
	if err := s.store.CreateAlias(ctx, alias); err != nil {
		return nil, err
	}
	return renderAlias(alias), nil
}

func (s aliases) get(ctx context.Context, in *api.GetAliasInput) (*api.AliasConfiguration, error) {
	name, err := s.scope.Unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	alias, err := s.functions.GetAlias(ctx, name, *in.Name)
	if errors.Is(err, hearth.ErrNotFound) {
		return nil, hearth.Errorf(hearth.ErrNotFound, "Cannot find alias arn: %s", name.ARN(*in.Name))
	}
	if err != nil {
		return nil, err
	}
	return renderAlias(alias), nil
}

func (s aliases) list(ctx context.Context, in *api.ListAliasesInput) (*api.ListAliasesOutput, error) {
	name, err := s.scope.Unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	page, next, err := s.store.ListAliases(ctx, name, api.Value(in.FunctionVersion), api.Value(in.Marker), listing.Limit(in.MaxItems))
	if err != nil {
		return nil, err
	}
	return &api.ListAliasesOutput{Aliases: listing.Items(page, renderAlias), NextMarker: api.Optional(next)}, nil
}

// update changes what was sent and leaves the rest as it is.
func (s aliases) update(ctx context.Context, in *api.UpdateAliasInput) (*api.AliasConfiguration, error) {
	name, err := s.scope.Unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	alias, err := s.store.UpdateAlias(ctx, name, *in.Name, func(a *hearth.Alias) error {
		if in.RevisionId != nil && *in.RevisionId != a.RevisionID {
			return hearth.Errorf(hearth.ErrPrecondition,
				"The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
		}
		if in.FunctionVersion != nil {
			a.Version = *in.FunctionVersion
		}
		if in.Description != nil {
			a.Description = *in.Description
		}
		a.RevisionID = api.NewRequestID()
		return route(a, in.RoutingConfig)
	})
	if err != nil {
		return nil, err
	}
	return renderAlias(alias), nil
}

// delete answers the same whether there was such an alias or not.
func (s aliases) delete(ctx context.Context, in *api.DeleteAliasInput) (*api.DeleteAliasOutput, error) {
	name, err := s.scope.Unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if _, _, err := s.functions.Get(ctx, name, ""); err != nil {
		return nil, err
	}
	if err := s.store.DeleteAlias(ctx, name, *in.Name); err != nil && !errors.Is(err, hearth.ErrNotFound) {
		return nil, err
	}
	if err := s.attached.DeleteAlias(ctx, name, *in.Name); err != nil {
		return nil, err
	}
	return &api.DeleteAliasOutput{}, nil
}

// route gives an alias the routing that was sent, if any was, and checks that
// it goes with the alias's version.
func route(a *hearth.Alias, sent *api.AliasRoutingConfiguration) error {
	if sent != nil {
		if len(sent.AdditionalVersionWeights) > 1 {
			return hearth.Errorf(hearth.ErrInvalid, "Number of items in AdditionalVersionWeights cannot be greater than 1")
		}
		a.Additional, a.AdditionalWeight = "", 0
		for version, weight := range sent.AdditionalVersionWeights {
			a.Additional, a.AdditionalWeight = version, weight
		}
	}
	switch {
	case a.Additional == "":
		return nil
	case a.Version == hearth.Latest:
		return &hearth.Error{
			Kind: hearth.ErrInvalid, NoType: true,
			Message: "$LATEST is not supported for an alias pointing to more than 1 version",
		}
	case a.Version == a.Additional:
		return hearth.Errorf(hearth.ErrInvalid,
			"Invalid function version %[1]s. Function version %[1]s is already included in routing configuration.", a.Version)
	}
	return nil
}

func renderAlias(a *hearth.Alias) *api.AliasConfiguration {
	c := &api.AliasConfiguration{
		AliasArn: api.Ptr(a.ARN()), Name: &a.Name, FunctionVersion: &a.Version,
		Description: &a.Description, RevisionId: &a.RevisionID,
	}
	if a.Additional != "" {
		c.RoutingConfig = &api.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{a.Additional: a.AdditionalWeight}}
	}
	return c
}
