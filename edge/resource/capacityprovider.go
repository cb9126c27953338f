package resource

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/listing"
	"github.com/hearthd/hearth/edge/scope"
)

// capacityProviders are what functions on managed instances run on.
//
// With hearth a capacity provider is this host: what a request says of networks,
// roles and instance types is kept and shown, and the provider is Active at once.
// What counts is that a function on one runs in environments that take several
// invocations at a time, and how many of those its scaling config allows.
type capacityProviders struct {
	store     ByID[hearth.CapacityProvider]
	functions Functions
	scope     scope.Defaults
}

func (s capacityProviders) register(r *api.Router) {
	api.Handle(r, api.CreateCapacityProvider, s.create)
	api.Handle(r, api.GetCapacityProvider, s.get)
	api.Handle(r, api.ListCapacityProviders, s.list)
	api.Handle(r, api.UpdateCapacityProvider, s.update)
	api.Handle(r, api.DeleteCapacityProvider, s.delete)
	api.Handle(r, api.ListFunctionVersionsByCapacityProvider, s.listVersions)
}

// tagged makes the capacity providers ones that tags can be on.
func (s capacityProviders) tagged() Tagged {
	return TaggedRecords[hearth.CapacityProvider]{
		Store: s.store, Kind: "capacity-provider",
		TagsOf:  func(p *hearth.CapacityProvider) (*map[string]string, error) { return &p.Tags, nil },
		Missing: providerMissing,
	}
}

// providerKey is what a provider is kept by.
type providerKey struct{ account, region, name string }

func (k providerKey) arn() string { return hearth.CapacityProviderARN(k.account, k.region, k.name) }

// key reads a provider's name or ARN.
func (s capacityProviders) key(ctx context.Context, nameOrARN *string) providerKey {
	account, region := s.scope.Of(ctx)
	k := providerKey{account, region, api.Value(nameOrARN)}
	if a, r, name := scope.OfARN(k.name); a != "" {
		k = providerKey{a, r, name}
	}
	return k
}

func providerMissing(arn string) error {
	return hearth.Errorf(hearth.ErrNotFound, "Capacity provider not found: %s", arn)
}

// orProviderMissing gives an error of a store that finds no provider AWS's text.
func orProviderMissing(err error, k providerKey) error {
	if errors.Is(err, hearth.ErrNotFound) {
		return providerMissing(k.arn())
	}
	return err
}

func (s capacityProviders) create(ctx context.Context, in *api.CreateCapacityProviderInput) (*api.CreateCapacityProviderOutput, error) {
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
	configureProvider(p, in.CapacityProviderScalingConfig, in.PropagateTags, in.TelemetryConfig)
	err := s.store.Create(ctx, k.account, k.region, k.name, p)
	if errors.Is(err, hearth.ErrConflict) {
		err = hearth.Errorf(hearth.ErrConflict, "Capacity provider already exists: %s", k.arn())
	}
	if err != nil {
		return nil, err
	}
	return &api.CreateCapacityProviderOutput{CapacityProvider: renderProvider(p)}, nil
}

// configureProvider sets what can be changed later; nil stays as it is.
func configureProvider(p *hearth.CapacityProvider, scaling *api.CapacityProviderScalingConfig, propagate *api.PropagateTags, telemetry *api.CapacityProviderTelemetryConfig) {
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

func (s capacityProviders) get(ctx context.Context, in *api.GetCapacityProviderInput) (*api.GetCapacityProviderOutput, error) {
	k := s.key(ctx, in.CapacityProviderName)
	p, err := s.store.Get(ctx, k.account, k.region, k.name)
	if err != nil {
		return nil, orProviderMissing(err, k)
	}
	return &api.GetCapacityProviderOutput{CapacityProvider: renderProvider(p)}, nil
}

func (s capacityProviders) update(ctx context.Context, in *api.UpdateCapacityProviderInput) (*api.UpdateCapacityProviderOutput, error) {
	k := s.key(ctx, in.CapacityProviderName)
	p, err := s.store.Update(ctx, k.account, k.region, k.name, func(p *hearth.CapacityProvider) error {
		configureProvider(p, in.CapacityProviderScalingConfig, in.PropagateTags, in.TelemetryConfig)
		p.LastModified = time.Now().UTC()
		return nil
	})
	if err != nil {
		return nil, orProviderMissing(err, k)
	}
	return &api.UpdateCapacityProviderOutput{CapacityProvider: renderProvider(p)}, nil
}

func (s capacityProviders) delete(ctx context.Context, in *api.DeleteCapacityProviderInput) (*api.DeleteCapacityProviderOutput, error) {
	k := s.key(ctx, in.CapacityProviderName)
	p, err := s.store.Delete(ctx, k.account, k.region, k.name, func(p *hearth.CapacityProvider) error {
		if len(s.versions(p.ARN())) > 0 {
			return hearth.Errorf(hearth.ErrInUse, "Capacity provider is in use by function versions: %s", p.ARN())
		}
		return nil
	})
	if err != nil {
		return nil, orProviderMissing(err, k)
	}
	shown := renderProvider(p)
	shown.State = api.Ptr(api.CapacityProviderStateDeleting)
	return &api.DeleteCapacityProviderOutput{CapacityProvider: shown}, nil
}

func (s capacityProviders) list(ctx context.Context, in *api.ListCapacityProvidersInput) (*api.ListCapacityProvidersOutput, error) {
	account, region := s.scope.Of(ctx)
	if in.State != nil && *in.State != api.CapacityProviderStateActive { // the others do not last
		return &api.ListCapacityProvidersOutput{CapacityProviders: []api.CapacityProvider{}}, nil
	}
	page, next, err := s.store.List(ctx, account, region, api.Value(in.Marker), listing.Limit(in.MaxItems))
	if err != nil {
		return nil, err
	}
	return &api.ListCapacityProvidersOutput{CapacityProviders: listing.Items(page, renderProvider), NextMarker: api.Optional(next)}, nil
}

// versions are the versions that can run on a provider, by their ARNs. $LATEST
// cannot: it is a template of them.
func (s capacityProviders) versions(arn string) []*hearth.Function {
	var found []*hearth.Function
	for _, fn := range s.functions.All() {
		if fn.Managed != nil && fn.Managed.ProviderARN == arn && fn.Version != hearth.Latest {
			found = append(found, fn)
		}
	}
	slices.SortFunc(found, func(a, b *hearth.Function) int { return cmp.Compare(a.ARN(), b.ARN()) })
	return found
}

func (s capacityProviders) listVersions(ctx context.Context, in *api.ListFunctionVersionsByCapacityProviderInput) (*api.ListFunctionVersionsByCapacityProviderOutput, error) {
	k := s.key(ctx, in.CapacityProviderName)
	if _, err := s.store.Get(ctx, k.account, k.region, k.name); err != nil {
		return nil, orProviderMissing(err, k)
	}
	page, next := listing.Page(s.versions(k.arn()), (*hearth.Function).ARN, in.Marker, listing.Limit(in.MaxItems))
	return &api.ListFunctionVersionsByCapacityProviderOutput{
		CapacityProviderArn: api.Ptr(k.arn()), NextMarker: next,
		FunctionVersions: listing.Items(page, func(fn *hearth.Function) *api.FunctionVersionsByCapacityProviderListItem {
			return &api.FunctionVersionsByCapacityProviderListItem{FunctionArn: api.Ptr(fn.ARN()), State: &fn.State}
		}),
	}, nil
}

// renderProvider shows a provider as every operation returns it.
func renderProvider(p *hearth.CapacityProvider) *api.CapacityProvider {
	shown := &api.CapacityProvider{
		CapacityProviderArn:           api.Ptr(p.ARN()),
		State:                         api.Ptr(api.CapacityProviderStateActive),
		VpcConfig:                     &api.CapacityProviderVpcConfig{SubnetIds: p.SubnetIDs, SecurityGroupIds: p.SecurityGroupIDs},
		PermissionsConfig:             &api.CapacityProviderPermissionsConfig{CapacityProviderOperatorRoleArn: &p.OperatorRole},
		CapacityProviderScalingConfig: renderScaling(p),
		LastModified:                  api.Ptr(p.LastModified.UTC().Format(lastModified)),
		KmsKeyArn:                     api.Optional(p.KMSKeyARN),
	}
	if p.Architectures != nil || p.AllowedTypes != nil || p.ExcludedTypes != nil {
		shown.InstanceRequirements = &api.InstanceRequirements{
			Architectures: p.Architectures, AllowedInstanceTypes: p.AllowedTypes, ExcludedInstanceTypes: p.ExcludedTypes,
		}
	}
	if p.PropagateMode != "" {
		shown.PropagateTags = &api.PropagateTags{Mode: &p.PropagateMode, ExplicitTags: p.PropagateTags}
	}
	if p.SystemLogLevel != "" || p.LogGroup != "" {
		shown.TelemetryConfig = &api.CapacityProviderTelemetryConfig{LoggingConfig: &api.CapacityProviderLoggingConfig{
			SystemLogLevel: api.Optional(p.SystemLogLevel), LogGroup: api.Optional(p.LogGroup),
		}}
	}
	return shown
}

// renderScaling has AWS's defaults for what was not sent.
func renderScaling(p *hearth.CapacityProvider) *api.CapacityProviderScalingConfig {
	const defaultMaxVCPUs = 400
	c := &api.CapacityProviderScalingConfig{MaxVCpuCount: &p.MaxVCPUs, ScalingMode: &p.ScalingMode}
	if p.MaxVCPUs == 0 {
		c.MaxVCpuCount = api.Ptr(defaultMaxVCPUs)
	}
	if p.ScalingMode == "" {
		c.ScalingMode = api.Ptr(api.CapacityProviderScalingModeAuto)
	}
	for _, policy := range p.ScalingPolicies {
		c.ScalingPolicies = append(c.ScalingPolicies, api.TargetTrackingScalingPolicy{
			PredefinedMetricType: &policy.Metric, TargetValue: &policy.Target,
		})
	}
	return c
}
