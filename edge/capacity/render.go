package capacity

import (
	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// lastModified is AWS's format of the member of that name.
const lastModified = "2006-01-02T15:04:05.000-0700"

// render shows a provider as every operation returns it.
func render(p *hearth.CapacityProvider) *api.CapacityProvider {
	shown := &api.CapacityProvider{
		CapacityProviderArn:           api.Ptr(p.ARN()),
		State:                         api.Ptr(api.CapacityProviderStateActive),
		VpcConfig:                     &api.CapacityProviderVpcConfig{SubnetIds: p.SubnetIDs, SecurityGroupIds: p.SecurityGroupIDs},
		PermissionsConfig:             &api.CapacityProviderPermissionsConfig{CapacityProviderOperatorRoleArn: &p.OperatorRole},
		CapacityProviderScalingConfig: scaling(p),
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

// scaling has AWS's defaults for what was not sent.
func scaling(p *hearth.CapacityProvider) *api.CapacityProviderScalingConfig {
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
