package control

import (
	"crypto/sha256"
	"encoding/hex"

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
		State:            optional(fn.State),
		StateReason:      optional(fn.StateReason),
		StateReasonCode:  optional(fn.StateReasonCode),
		PackageType:      &fn.PackageType,
		Architectures:    fn.Architectures,
		EphemeralStorage: &api.EphemeralStorage{Size: &fn.EphemeralStorage},
		SnapStart:        &api.SnapStartResponse{ApplyOn: &fn.SnapStart, OptimizationStatus: api.Ptr("Off")},
		LoggingConfig: &api.LoggingConfig{
			LogFormat: &fn.Logging.Format, LogGroup: &fn.Logging.Group,
			ApplicationLogLevel: optional(fn.Logging.ApplicationLevel), SystemLogLevel: optional(fn.Logging.SystemLevel),
		},
		KMSKeyArn:                  optional(fn.KMSKeyArn),
		LastUpdateStatus:           optional(fn.Update),
		LastUpdateStatusReason:     optional(fn.UpdateReason),
		LastUpdateStatusReasonCode: optional(fn.UpdateReasonCode),
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
			VpcId: api.Ptr(""), Ipv6AllowedForDualStack: api.Ptr(false),
		}
	}
	if fn.DeadLetterTarget != "" {
		c.DeadLetterConfig = &api.DeadLetterConfig{TargetArn: &fn.DeadLetterTarget}
	}
	for _, f := range fn.FileSystems {
		c.FileSystemConfigs = append(c.FileSystemConfigs, api.FileSystemConfig{Arn: &f.ARN, LocalMountPath: &f.LocalPath})
	}
	if fn.Image != nil {
		c.ImageConfigResponse = &api.ImageConfigResponse{ImageConfig: &api.ImageConfig{
			EntryPoint: fn.Image.EntryPoint, Command: fn.Image.Command, WorkingDirectory: optional(fn.Image.WorkingDirectory),
		}}
	}
	if fn.TenantIsolation != "" {
		c.TenancyConfig = &api.TenancyConfig{TenantIsolationMode: &fn.TenantIsolation}
	}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// RuntimeVersionARN names the build of a function's runtime. AWS has a digest
// of its own image there; hearth's is of the runtime's name.
func RuntimeVersionARN(fn *hearth.Function) string {
	sum := sha256.Sum256([]byte("hearth runtime " + fn.Runtime))
	return "arn:" + hearth.Partition(fn.Name.Region) + ":lambda:" + fn.Name.Region + "::runtime:" + hex.EncodeToString(sum[:])
}
