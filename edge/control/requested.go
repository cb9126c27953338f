package control

import (
	"context"
	"strconv"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// Limits that the model leaves to the service.
const (
	maxTags    = 50
	maxTimeout = 900
	maxMemory  = 10240

	// Of functions on managed instances.
	maxManagedTimeout = 5400
	maxManagedMemory  = 32768
)

// requested are the members that creating and updating a function share.
// Absent ones stay as they are.
type requested struct {
	runtime, role, handler, description, packageType, kmsKeyArn *string
	timeout, memorySize                                         *int
	vpc                                                         *api.VpcConfig
	deadLetter                                                  *api.DeadLetterConfig
	environment                                                 *api.Environment
	tracing                                                     *api.TracingConfig
	layers                                                      []string
	fileSystems                                                 []api.FileSystemConfig
	image                                                       *api.ImageConfig
	architectures                                               []string
	ephemeral                                                   *api.EphemeralStorage
	snapStart                                                   *api.SnapStart
	logging                                                     *api.LoggingConfig
	tenancy                                                     *api.TenancyConfig
	capacity                                                    *api.CapacityProviderConfig
	durable                                                     *api.DurableConfig
}

func requestedToCreate(in *api.CreateFunctionInput) requested {
	return requested{
		runtime: in.Runtime, role: in.Role, handler: in.Handler, description: in.Description,
		packageType: in.PackageType, kmsKeyArn: in.KMSKeyArn, timeout: in.Timeout, memorySize: in.MemorySize,
		vpc: in.VpcConfig, deadLetter: in.DeadLetterConfig, environment: in.Environment, tracing: in.TracingConfig,
		layers: in.Layers, fileSystems: in.FileSystemConfigs, image: in.ImageConfig, architectures: in.Architectures,
		ephemeral: in.EphemeralStorage, snapStart: in.SnapStart, logging: in.LoggingConfig, tenancy: in.TenancyConfig,
		capacity: in.CapacityProviderConfig, durable: in.DurableConfig,
	}
}

func requestedToUpdate(in *api.UpdateFunctionConfigurationInput) requested {
	return requested{
		runtime: in.Runtime, role: in.Role, handler: in.Handler, description: in.Description,
		kmsKeyArn: in.KMSKeyArn, timeout: in.Timeout, memorySize: in.MemorySize,
		vpc: in.VpcConfig, deadLetter: in.DeadLetterConfig, environment: in.Environment, tracing: in.TracingConfig,
		layers: in.Layers, fileSystems: in.FileSystemConfigs, image: in.ImageConfig,
		ephemeral: in.EphemeralStorage, snapStart: in.SnapStart, logging: in.LoggingConfig,
		capacity: in.CapacityProviderConfig, durable: in.DurableConfig,
	}
}

// warningHeader carries what does not stop a request, but will be in the way
// later. Hearth's own client shows it; others pass over it.
const warningHeader = "X-Hearth-Warning"

// configure applies what is requested to a draft and checks the result. The layers come
// last: they are held.
func (s *Service) configure(ctx context.Context, d *draft, in requested) error {
	fn := d.fn
	in.apply(fn)
	if err := in.check(fn); err != nil {
		return err
	}
	if in.role != nil && s.opts.Authenticated && !ofAccount(fn.Role, fn.Name.Account) {
		return hearth.Errorf(hearth.ErrDenied, "Cross-account pass role is not allowed.")
	}
	if in.runtime != nil {
		missing, err := s.opts.Host.CheckRuntime(ctx, fn.Runtime)
		if err != nil {
			return err
		}
		if missing != nil {
			api.CallFrom(ctx).Response.Set(warningHeader, missing.Error())
		}
	}
	if err := checkSnapStart(fn); err != nil {
		return err
	}
	if in.layers == nil {
		return nil
	}
	layers, release, err := s.opts.Layers.Resolve(ctx, fn.Name, in.layers)
	if err != nil {
		return err
	}
	d.hold(release)
	fn.Layers = layers
	return nil
}

// ofAccount reports whether a role, whose form the model has checked, is of an account.
func ofAccount(role, account string) bool {
	parts := strings.SplitN(role, ":", 6)
	return len(parts) == 6 && parts[4] == account
}

// set overwrites with what was sent.
func set[T any](to *T, sent *T) {
	if sent != nil {
		*to = *sent
	}
}

func (in *requested) apply(fn *hearth.Function) {
	set(&fn.Runtime, in.runtime)
	set(&fn.Role, in.role)
	set(&fn.Handler, in.handler)
	set(&fn.Description, in.description)
	set(&fn.PackageType, in.packageType)
	set(&fn.KMSKeyArn, in.kmsKeyArn)
	set(&fn.Timeout, in.timeout)
	set(&fn.MemorySize, in.memorySize)
	if in.vpc != nil {
		fn.VPCSubnets, fn.VPCSecurityGroups = in.vpc.SubnetIds, in.vpc.SecurityGroupIds
		set(&fn.VPCIPv6, in.vpc.Ipv6AllowedForDualStack)
	}
	if in.deadLetter != nil {
		fn.DeadLetterTarget = api.Value(in.deadLetter.TargetArn)
	}
	if in.environment != nil {
		fn.Environment = in.environment.Variables
		if fn.Environment == nil {
			fn.Environment = map[string]string{} // sent, and so shown, empty
		}
	}
	if in.tracing != nil {
		set(&fn.TracingMode, in.tracing.Mode)
	}
	if in.fileSystems != nil {
		fn.FileSystems = nil
		for _, f := range in.fileSystems {
			fn.FileSystems = append(fn.FileSystems, hearth.FileSystem{ARN: api.Value(f.Arn), LocalPath: api.Value(f.LocalMountPath)})
		}
	}
	if in.image != nil {
		fn.Image = &hearth.ImageConfig{
			EntryPoint: in.image.EntryPoint, Command: in.image.Command, WorkingDirectory: api.Value(in.image.WorkingDirectory),
		}
	}
	if in.architectures != nil {
		fn.Architectures = in.architectures
	}
	if in.ephemeral != nil {
		set(&fn.EphemeralStorage, in.ephemeral.Size)
	}
	if in.snapStart != nil {
		set(&fn.SnapStart, in.snapStart.ApplyOn)
	}
	if in.tenancy != nil {
		set(&fn.TenantIsolation, in.tenancy.TenantIsolationMode)
	}
	if in.capacity != nil {
		fn.Managed = managed(in.capacity.LambdaManagedInstancesCapacityProviderConfig)
	}
	if in.durable != nil {
		in.applyDurable(fn)
	}
	in.applyLogging(fn)
}

func managed(in *api.LambdaManagedInstancesCapacityProviderConfig) *hearth.ManagedInstances {
	if in == nil {
		return nil
	}
	return &hearth.ManagedInstances{
		ProviderARN:    api.Value(in.CapacityProviderArn),
		MaxConcurrency: api.Value(in.PerExecutionEnvironmentMaxConcurrency),
		MemoryPerVCPU:  api.Value(in.ExecutionEnvironmentMemoryGiBPerVCpu),
	}
}

// defaultRetention is how many days AWS keeps durable executions.
const defaultRetention = 14

func (in *requested) applyDurable(fn *hearth.Function) {
	d := hearth.Durable{RetentionDays: defaultRetention}
	if fn.Durable != nil {
		d = *fn.Durable
	}
	set(&d.ExecutionTimeout, in.durable.ExecutionTimeout)
	set(&d.RetentionDays, in.durable.RetentionPeriodInDays)
	set(&d.KMSKeyArn, in.durable.KMSKeyArn)
	fn.Durable = &d
}

// applyLogging has AWS's defaults: levels exist with the JSON format only.
func (in *requested) applyLogging(fn *hearth.Function) {
	if in.logging == nil {
		return
	}
	l := &fn.Logging
	set(&l.Format, in.logging.LogFormat)
	set(&l.Group, in.logging.LogGroup)
	if l.Format != hearth.LogJSON {
		l.ApplicationLevel, l.SystemLevel = "", ""
		return
	}
	if l.ApplicationLevel == "" {
		l.ApplicationLevel, l.SystemLevel = "INFO", "INFO"
	}
	set(&l.ApplicationLevel, in.logging.ApplicationLogLevel)
	set(&l.SystemLevel, in.logging.SystemLogLevel)
}

// check holds limits that are not in the model, or are between members.
func (in *requested) check(fn *hearth.Function) error {
	timeout, memory := maxTimeout, maxMemory
	if fn.Managed != nil {
		timeout, memory = maxManagedTimeout, maxManagedMemory
	}
	switch {
	case fn.Timeout > timeout:
		return outOfRange(fn.Timeout, "timeout", timeout)
	case fn.MemorySize > memory:
		return outOfRange(fn.MemorySize, "memorySize", memory)
	case in.logging != nil && fn.Logging.Format != hearth.LogJSON &&
		(in.logging.ApplicationLogLevel != nil || in.logging.SystemLogLevel != nil):
		return hearth.Errorf(hearth.ErrInvalid, "LogLevel is not supported when LogFormat is set to \"Text\". Remove LogLevel from your request or change the LogFormat to \"JSON\" and try again.")
	}
	if err := in.checkPackage(fn); err != nil {
		return err
	}
	if in.environment != nil {
		return checkEnvironment(fn.Environment)
	}
	return nil
}

// checkPackage checks the members that go with one package type only.
func (in *requested) checkPackage(fn *hearth.Function) error {
	if fn.PackageType == hearth.PackageImage {
		if in.runtime != nil || in.handler != nil || len(in.layers) > 0 {
			return hearth.Errorf(hearth.ErrInvalid, "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.")
		}
		return nil
	}
	if fn.Runtime == "" || fn.Handler == "" {
		return hearth.Errorf(hearth.ErrInvalid, "Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	if in.image != nil {
		return hearth.Errorf(hearth.ErrInvalid, "Please don't provide ImageConfig when the intended function PackageType is Zip.")
	}
	return nil
}

// snapStartOn is the value of SnapStart with which published versions start
// from snapshots.
const snapStartOn = "PublishedVersions"

// checkSnapStart refuses what does not go with SnapStart on AWS.
func checkSnapStart(fn *hearth.Function) error {
	switch {
	case fn.SnapStart != snapStartOn:
		return nil
	case fn.PackageType == hearth.PackageZip && !snapStarts(fn.Runtime):
		return hearth.Errorf(hearth.ErrInvalid, "%s is not supported for SnapStart enabled functions.", fn.Runtime)
	case fn.TenantIsolation != "":
		return hearth.Errorf(hearth.ErrInvalid, "SnapStart is not supported for functions with tenant isolation.")
	}
	return nil
}

// snapStarts says whether AWS offers SnapStart for a runtime.
func snapStarts(runtime string) bool {
	for _, family := range []struct {
		name  string
		first int // of the versions; minor ones of Python
	}{{"python3.", 12}, {"java", 11}, {"dotnet", 8}} {
		rest, ok := strings.CutPrefix(runtime, family.name)
		number, _, _ := strings.Cut(rest, ".") // java17.al2023
		if version, err := strconv.Atoi(number); ok && err == nil {
			return version >= family.first
		}
	}
	return false
}

func outOfRange(value int, member string, limit int) error {
	return hearth.Errorf(hearth.ErrValidation,
		"1 validation error detected: Value '%d' at '%s' failed to satisfy constraint: Member must have value less than or equal to %d", value, member, limit)
}
