// Package capacity serves the operations on capacity providers, and on the
// scaling of the functions that run on them.
//
// With hearth a capacity provider is this host: what a request says of networks,
// roles and instance types is kept and shown, and the provider is Active at once.
// What counts is that a function on one runs in environments that take several
// invocations at a time, and how many of those its scaling config allows.
package capacity

import (
	"context"
	"errors"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/listing"
	"github.com/hearthd/hearth/edge/scope"
	"github.com/hearthd/hearth/edge/tags"
)

// Providers is where capacity providers are kept, by their names; see
// store/records for the contract.
type Providers interface {
	Get(ctx context.Context, account, region, name string) (*hearth.CapacityProvider, error)
	Create(ctx context.Context, account, region, name string, p *hearth.CapacityProvider) error
	Update(ctx context.Context, account, region, name string, change func(*hearth.CapacityProvider) error) (*hearth.CapacityProvider, error)
	Delete(ctx context.Context, account, region, name string, check func(*hearth.CapacityProvider) error) (*hearth.CapacityProvider, error)
	List(ctx context.Context, account, region, after string, limit int) (page []*hearth.CapacityProvider, next string, err error)
}

// Bounds is where scaling configs are kept, by functions and qualifiers; see
// store/records for the contract.
type Bounds interface {
	Get(ctx context.Context, name hearth.Name, qualifier string) (*hearth.ScalingBounds, error)
	Put(ctx context.Context, name hearth.Name, qualifier string, b *hearth.ScalingBounds) error
	Delete(ctx context.Context, name hearth.Name, qualifier string) error
}

// Functions finds functions; see store/catalog for the contract.
type Functions interface {
	Get(ctx context.Context, name hearth.Name, version string) (f *hearth.Function, revision uint64, err error)
	// All returns every version of every function, in no order.
	All() []*hearth.Function
}

// Options of a Service. All are required.
type Options struct {
	Providers Providers
	Bounds    Bounds
	Functions Functions
	Scope     scope.Defaults
}

// Service serves the operations.
type Service struct{ opts Options }

// New returns a Service.
func New(opts Options) *Service { return &Service{opts} }

// Register makes a router serve this service's operations.
func (s *Service) Register(r *api.Router) {
	api.Handle(r, api.CreateCapacityProvider, s.create)
	api.Handle(r, api.GetCapacityProvider, s.get)
	api.Handle(r, api.ListCapacityProviders, s.list)
	api.Handle(r, api.UpdateCapacityProvider, s.update)
	api.Handle(r, api.DeleteCapacityProvider, s.delete)
	api.Handle(r, api.ListFunctionVersionsByCapacityProvider, s.listVersions)
	api.Handle(r, api.PutFunctionScalingConfig, s.putScaling)
	api.Handle(r, api.GetFunctionScalingConfig, s.getScaling)
}

// Tagged returns the capacity providers as what tags are on.
func (s *Service) Tagged() tags.Resources {
	return tags.Records[hearth.CapacityProvider]{
		Store: s.opts.Providers, Kind: "capacity-provider",
		Tagged:  func(p *hearth.CapacityProvider) (*map[string]string, error) { return &p.Tags, nil },
		Missing: missing,
	}
}

// key is what a provider is kept by.
type key struct{ account, region, name string }

func (k key) arn() string { return hearth.CapacityProviderARN(k.account, k.region, k.name) }

// key reads a provider's name or ARN.
func (s *Service) key(ctx context.Context, nameOrARN *string) key {
	account, region := s.opts.Scope.Of(ctx)
	k := key{account, region, api.Value(nameOrARN)}
	if a, r, name := scope.OfARN(k.name); a != "" {
		k = key{a, r, name}
	}
	return k
}

func missing(arn string) error {
	return hearth.Errorf(hearth.ErrNotFound, "Capacity provider not found: %s", arn)
}

// orMissing gives an error of a store that finds no provider AWS's text.
func orMissing(err error, k key) error {
	if errors.Is(err, hearth.ErrNotFound) {
		return missing(k.arn())
	}
	return err
}

func (s *Service) create(ctx context.Context, in *api.CreateCapacityProviderInput) (*api.CreateCapacityProviderOutput, error) {
	k := s.key(ctx, in.CapacityProviderName)
	p := &hearth.CapacityProvider{
		Account: k.account, Region: k.region, Name: k.name, Tags: in.Tags,
		KMSKeyARN: api.Value(in.KmsKeyArn), LastModified: time.Now().UTC(),
	}
	if v := in.VpcConfig; v != nil {
		p.SubnetIDs, p.SecurityGroupIDs = v.SubnetIds, v.SecurityGroupIds
	}
	if v := in.PermissionsConfig; v != nil {
		p.OperatorRole = api.Value(v.CapacityProviderOperatorRoleArn)
	}
	if v := in.InstanceRequirements; v != nil {
		p.Architectures, p.AllowedTypes, p.ExcludedTypes = v.Architectures, v.AllowedInstanceTypes, v.ExcludedInstanceTypes
	}
	configure(p, in.CapacityProviderScalingConfig, in.PropagateTags, in.TelemetryConfig)
	err := s.opts.Providers.Create(ctx, k.account, k.region, k.name, p)
	if errors.Is(err, hearth.ErrConflict) {
		err = hearth.Errorf(hearth.ErrConflict, "Capacity provider already exists: %s", k.arn())
	}
	if err != nil {
		return nil, err
	}
	return &api.CreateCapacityProviderOutput{CapacityProvider: render(p)}, nil
}

// configure sets what can be changed later; nil stays as it is.
func configure(p *hearth.CapacityProvider, scaling *api.CapacityProviderScalingConfig, propagate *api.PropagateTags, telemetry *api.CapacityProviderTelemetryConfig) {
	if scaling != nil {
		p.MaxVCPUs, p.ScalingMode, p.ScalingPolicies = api.Value(scaling.MaxVCpuCount), api.Value(scaling.ScalingMode), nil
		for _, policy := range scaling.ScalingPolicies {
			p.ScalingPolicies = append(p.ScalingPolicies, hearth.ScalingPolicy{
				Metric: api.Value(policy.PredefinedMetricType), Target: api.Value(policy.TargetValue),
			})
		}
	}
	if propagate != nil {
		p.PropagateMode, p.PropagateTags = api.Value(propagate.Mode), propagate.ExplicitTags
	}
	if telemetry != nil && telemetry.LoggingConfig != nil {
		p.SystemLogLevel, p.LogGroup = api.Value(telemetry.LoggingConfig.SystemLogLevel), api.Value(telemetry.LoggingConfig.LogGroup)
	}
}

func (s *Service) get(ctx context.Context, in *api.GetCapacityProviderInput) (*api.GetCapacityProviderOutput, error) {
	k := s.key(ctx, in.CapacityProviderName)
	p, err := s.opts.Providers.Get(ctx, k.account, k.region, k.name)
	if err != nil {
		return nil, orMissing(err, k)
	}
	return &api.GetCapacityProviderOutput{CapacityProvider: render(p)}, nil
}

func (s *Service) update(ctx context.Context, in *api.UpdateCapacityProviderInput) (*api.UpdateCapacityProviderOutput, error) {
	k := s.key(ctx, in.CapacityProviderName)
	p, err := s.opts.Providers.Update(ctx, k.account, k.region, k.name, func(p *hearth.CapacityProvider) error {
		configure(p, in.CapacityProviderScalingConfig, in.PropagateTags, in.TelemetryConfig)
		p.LastModified = time.Now().UTC()
		return nil
	})
	if err != nil {
		return nil, orMissing(err, k)
	}
	return &api.UpdateCapacityProviderOutput{CapacityProvider: render(p)}, nil
}

func (s *Service) delete(ctx context.Context, in *api.DeleteCapacityProviderInput) (*api.DeleteCapacityProviderOutput, error) {
	k := s.key(ctx, in.CapacityProviderName)
	p, err := s.opts.Providers.Delete(ctx, k.account, k.region, k.name, func(p *hearth.CapacityProvider) error {
		if len(s.versions(p.ARN())) > 0 {
			return hearth.Errorf(hearth.ErrInUse, "Capacity provider is in use by function versions: %s", p.ARN())
		}
		return nil
	})
	if err != nil {
		return nil, orMissing(err, k)
	}
	shown := render(p)
	shown.State = api.Ptr(api.CapacityProviderStateDeleting)
	return &api.DeleteCapacityProviderOutput{CapacityProvider: shown}, nil
}

func (s *Service) list(ctx context.Context, in *api.ListCapacityProvidersInput) (*api.ListCapacityProvidersOutput, error) {
	account, region := s.opts.Scope.Of(ctx)
	if in.State != nil && *in.State != api.CapacityProviderStateActive { // the others do not last
		return &api.ListCapacityProvidersOutput{CapacityProviders: []api.CapacityProvider{}}, nil
	}
	page, next, err := s.opts.Providers.List(ctx, account, region, api.Value(in.Marker), listing.Limit(in.MaxItems))
	if err != nil {
		return nil, err
	}
	return &api.ListCapacityProvidersOutput{CapacityProviders: listing.Items(page, render), NextMarker: api.Optional(next)}, nil
}
