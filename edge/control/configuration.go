package control

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// lastModified is AWS's format of the member of that name.
const lastModified = "2006-01-02T15:04:05.000-0700"

// configuration shows a function as every operation returns it. Members that
// AWS always sends are always there; the others only when set.
func configuration(fn *hearth.Function) *api.FunctionConfiguration {
	c := &api.FunctionConfiguration{
		FunctionName: &fn.Name.Function,
		FunctionArn:  api.Ptr(fn.ARN()),
		Role:         &fn.Role,
		CodeSize:     &fn.Code.Size,
		Description:  &fn.Description,
		Timeout:      &fn.Timeout,
		MemorySize:   &fn.MemorySize,
		LastModified: api.Ptr(fn.LastModified.UTC().Format(lastModified)),
		CodeSha256:   &fn.Code.SHA256,
		Version:      &fn.Version,
		TracingConfig: &api.TracingConfigResponse{
			Mode: &fn.TracingMode,
		},
		RevisionId:       &fn.RevisionID,
		State:            api.Optional(fn.State),
		StateReason:      api.Optional(fn.StateReason),
		StateReasonCode:  api.Optional(fn.StateReasonCode),
		PackageType:      &fn.PackageType,
		Architectures:    fn.Architectures,
		EphemeralStorage: &api.EphemeralStorage{Size: &fn.EphemeralStorage},
		SnapStart:        &api.SnapStartResponse{ApplyOn: &fn.SnapStart, OptimizationStatus: api.Ptr(optimization(fn))},
		LoggingConfig: &api.LoggingConfig{
			LogFormat: &fn.Logging.Format, LogGroup: &fn.Logging.Group,
			ApplicationLogLevel: api.Optional(fn.Logging.ApplicationLevel), SystemLogLevel: api.Optional(fn.Logging.SystemLevel),
		},
		KMSKeyArn:                  api.Optional(fn.KMSKeyArn),
		LastUpdateStatus:           api.Optional(fn.Update),
		LastUpdateStatusReason:     api.Optional(fn.UpdateReason),
		LastUpdateStatusReasonCode: api.Optional(fn.UpdateReasonCode),
	}
	if fn.PackageType == hearth.PackageZip {
		c.Runtime, c.Handler = &fn.Runtime, &fn.Handler
		c.RuntimeVersionConfig = &api.RuntimeVersionConfig{RuntimeVersionArn: api.Ptr(RuntimeVersionARN(fn))}
	}
	addOptional(c, fn)
	return c
}

func addOptional(c *api.FunctionConfiguration, fn *hearth.Function) {
	if fn.Environment != nil {
		c.Environment = &api.EnvironmentResponse{Variables: fn.Environment}
	}
	if fn.VPCSubnets != nil || fn.VPCSecurityGroups != nil {
		c.VpcConfig = &api.VpcConfigResponse{
			SubnetIds: fn.VPCSubnets, SecurityGroupIds: fn.VPCSecurityGroups,
			VpcId: api.Ptr(vpcID(fn)), Ipv6AllowedForDualStack: &fn.VPCIPv6,
		}
	}
	if fn.DeadLetterTarget != "" {
		c.DeadLetterConfig = &api.DeadLetterConfig{TargetArn: &fn.DeadLetterTarget}
	}
	for _, f := range fn.FileSystems {
		c.FileSystemConfigs = append(c.FileSystemConfigs, api.FileSystemConfig{Arn: &f.ARN, LocalMountPath: &f.LocalPath})
	}
	if fn.Image != nil && fn.PackageType == hearth.PackageImage && !fn.Image.IsZero() {
		c.ImageConfigResponse = &api.ImageConfigResponse{ImageConfig: &api.ImageConfig{
			EntryPoint: fn.Image.EntryPoint, Command: fn.Image.Command, WorkingDirectory: api.Optional(fn.Image.WorkingDirectory),
		}}
	}
	for _, l := range fn.Layers {
		c.Layers = append(c.Layers, api.Layer{Arn: &l.ARN, CodeSize: &l.Size})
	}
	if m := fn.Managed; m != nil {
		c.CapacityProviderConfig = &api.CapacityProviderConfig{LambdaManagedInstancesCapacityProviderConfig: showManaged(m)}
	}
	if d := fn.Durable; d != nil {
		c.DurableConfig = &api.DurableConfig{
			ExecutionTimeout: api.Optional(d.ExecutionTimeout), RetentionPeriodInDays: api.Optional(d.RetentionDays), KMSKeyArn: api.Optional(d.KMSKeyArn),
		}
	}
	if fn.TenantIsolation != "" {
		c.TenancyConfig = &api.TenancyConfig{TenantIsolationMode: &fn.TenantIsolation}
	}
}

func showManaged(m *hearth.ManagedInstances) *api.LambdaManagedInstancesCapacityProviderConfig {
	return &api.LambdaManagedInstancesCapacityProviderConfig{
		CapacityProviderArn: &m.ProviderARN, PerExecutionEnvironmentMaxConcurrency: api.Optional(m.MaxConcurrency),
		ExecutionEnvironmentMemoryGiBPerVCpu: api.Optional(m.MemoryPerVCPU),
	}
}

// optimization is On for the versions that AWS starts from snapshots.
func optimization(fn *hearth.Function) string {
	if fn.SnapStart == snapStartOn && fn.Version != hearth.Latest && fn.State == hearth.StateActive {
		return "On"
	}
	return "Off"
}

// vpcID stands for the VPC of a function's subnets, which hearth does not know;
// empty for a function that is in none.
func vpcID(fn *hearth.Function) string {
	if len(fn.VPCSubnets) == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte("hearth vpc " + strings.Join(fn.VPCSubnets, " ")))
	return "vpc-" + hex.EncodeToString(sum[:])[:17]
}

// RuntimeVersionARN names the build of a function's runtime. AWS has a digest
// of its own image there; hearth's is of the runtime's name.
func RuntimeVersionARN(fn *hearth.Function) string {
	sum := sha256.Sum256([]byte("hearth runtime " + fn.Runtime))
	return "arn:" + hearth.Partition(fn.Name.Region) + ":lambda:" + fn.Name.Region + "::runtime:" + hex.EncodeToString(sum[:])
}
