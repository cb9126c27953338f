// Package aliases serves the operations on the aliases of functions: names that
// point to one version, or to two by weights. What an invocation of an alias
// runs, invoke/dispatch decides.
package aliases

import (
	"context"
	"errors"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/listing"
	"github.com/hearthd/hearth/edge/scope"
)

// Aliases is where aliases are kept; see store/catalog for the contract.
type Aliases interface {
	CreateAlias(ctx context.Context, a *hearth.Alias) error
	GetAlias(ctx context.Context, name hearth.Name, alias string) (*hearth.Alias, error)
	UpdateAlias(ctx context.Context, name hearth.Name, alias string, change func(*hearth.Alias) error) (*hearth.Alias, error)
	DeleteAlias(ctx context.Context, name hearth.Name, alias string) error
	ListAliases(ctx context.Context, name hearth.Name, version, marker string, limit int) (page []*hearth.Alias, next string, err error)
}

// Attached is what belongs to aliases and is kept elsewhere; see store/records.
type Attached interface {
	// DeleteAlias deletes what goes with an alias: not its URL, which waits for
	// the next alias of the name.
	DeleteAlias(ctx context.Context, name hearth.Name, alias string) error
}

// Options of a Service. All are required.
type Options struct {
	Aliases   Aliases
	Functions scope.Functions
	Attached  Attached
	Scope     scope.Defaults
}

// Service serves the operations.
type Service struct{ opts Options }

// New returns a Service.
func New(opts Options) *Service { return &Service{opts} }

// Register makes a router serve this service's operations.
func (s *Service) Register(r *api.Router) {
	api.Handle(r, api.CreateAlias, s.create)
	api.Handle(r, api.GetAlias, s.get)
	api.Handle(r, api.ListAliases, s.list)
	api.Handle(r, api.UpdateAlias, s.update)
	api.Handle(r, api.DeleteAlias, s.delete)
}

func (s *Service) create(ctx context.Context, in *api.CreateAliasInput) (*api.AliasConfiguration, error) {
	name, err := s.opts.Scope.Unqualified(ctx, in.FunctionName)
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
	if err := s.opts.Aliases.CreateAlias(ctx, alias); err != nil {
		return nil, err
	}
	return render(alias), nil
}

func (s *Service) get(ctx context.Context, in *api.GetAliasInput) (*api.AliasConfiguration, error) {
	name, err := s.opts.Scope.Unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	alias, err := s.opts.Aliases.GetAlias(ctx, name, *in.Name)
	if errors.Is(err, hearth.ErrNotFound) {
		return nil, hearth.Errorf(hearth.ErrNotFound, "Cannot find alias arn: %s", name.ARN(*in.Name))
	}
	if err != nil {
		return nil, err
	}
	return render(alias), nil
}

func (s *Service) list(ctx context.Context, in *api.ListAliasesInput) (*api.ListAliasesOutput, error) {
	name, err := s.opts.Scope.Unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	page, next, err := s.opts.Aliases.ListAliases(ctx, name, api.Value(in.FunctionVersion), api.Value(in.Marker), listing.Limit(in.MaxItems))
	if err != nil {
		return nil, err
	}
	return &api.ListAliasesOutput{Aliases: listing.Items(page, render), NextMarker: api.Optional(next)}, nil
}

// update changes what was sent and leaves the rest as it is.
func (s *Service) update(ctx context.Context, in *api.UpdateAliasInput) (*api.AliasConfiguration, error) {
	name, err := s.opts.Scope.Unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	alias, err := s.opts.Aliases.UpdateAlias(ctx, name, *in.Name, func(a *hearth.Alias) error {
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
	return render(alias), nil
}

// delete answers the same whether there was such an alias or not.
func (s *Service) delete(ctx context.Context, in *api.DeleteAliasInput) (*api.DeleteAliasOutput, error) {
	name, err := s.opts.Scope.Unqualified(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if _, _, err := s.opts.Functions.Get(ctx, name, ""); err != nil {
		return nil, err
	}
	if err := s.opts.Aliases.DeleteAlias(ctx, name, *in.Name); err != nil && !errors.Is(err, hearth.ErrNotFound) {
		return nil, err
	}
	if err := s.opts.Attached.DeleteAlias(ctx, name, *in.Name); err != nil {
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

func render(a *hearth.Alias) *api.AliasConfiguration {
	c := &api.AliasConfiguration{
		AliasArn: api.Ptr(a.ARN()), Name: &a.Name, FunctionVersion: &a.Version,
		Description: &a.Description, RevisionId: &a.RevisionID,
	}
	if a.Additional != "" {
		c.RoutingConfig = &api.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{a.Additional: a.AdditionalWeight}}
	}
	return c
}
