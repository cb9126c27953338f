package control

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// Limits that the model leaves to the service.
const (
	maxZip         = 52428800
	maxTags        = 50
	maxLayers      = 5
	maxEnvironment = 4096 // bytes of JSON
	maxTimeout     = 900
	maxMemory      = 10240
)

// settings are the members that creating and updating a function share.
// Absent ones stay as they are.
type settings struct {
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
	capacity, durable                                           bool // asks for what is not built
}

func createSettings(in *api.CreateFunctionInput) settings {
	return settings{
		runtime: in.Runtime, role: in.Role, handler: in.Handler, description: in.Description,
		packageType: in.PackageType, kmsKeyArn: in.KMSKeyArn, timeout: in.Timeout, memorySize: in.MemorySize,
		vpc: in.VpcConfig, deadLetter: in.DeadLetterConfig, environment: in.Environment, tracing: in.TracingConfig,
		layers: in.Layers, fileSystems: in.FileSystemConfigs, image: in.ImageConfig, architectures: in.Architectures,
		ephemeral: in.EphemeralStorage, snapStart: in.SnapStart, logging: in.LoggingConfig, tenancy: in.TenancyConfig,
		capacity: in.CapacityProviderConfig != nil, durable: in.DurableConfig != nil,
	}
}

func updateSettings(in *api.UpdateFunctionConfigurationInput) settings {
	return settings{
		runtime: in.Runtime, role: in.Role, handler: in.Handler, description: in.Description,
		kmsKeyArn: in.KMSKeyArn, timeout: in.Timeout, memorySize: in.MemorySize,
		vpc: in.VpcConfig, deadLetter: in.DeadLetterConfig, environment: in.Environment, tracing: in.TracingConfig,
		layers: in.Layers, fileSystems: in.FileSystemConfigs, image: in.ImageConfig,
		ephemeral: in.EphemeralStorage, snapStart: in.SnapStart, logging: in.LoggingConfig,
		capacity: in.CapacityProviderConfig != nil, durable: in.DurableConfig != nil,
	}
}

// configure applies settings to a function and checks the result.
func (s *Service) configure(ctx context.Context, fn *hearth.Function, in settings) error {
	in.apply(fn)
	if err := in.check(fn); err != nil {
		return err
	}
	if fn.PackageType == hearth.PackageImage {
		return nil
	}
	if fn.Runtime == "" || fn.Handler == "" {
		return hearth.Errorf(hearth.ErrInvalid, "Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	if in.runtime != nil {
		return s.opts.Host.CheckRuntime(ctx, fn.Runtime)
	}
	return nil
}

// set overwrites with what was sent.
func set[T any](to *T, sent *T) {
	if sent != nil {
		*to = *sent
	}
}

func (in *settings) apply(fn *hearth.Function) {
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
	in.applyLogging(fn)
}

// applyLogging has AWS's defaults: levels exist with the JSON format only.
func (in *settings) applyLogging(fn *hearth.Function) {
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
func (in *settings) check(fn *hearth.Function) error {
	switch {
	case in.capacity:
		return hearth.Errorf(hearth.ErrNotImplemented, "hearth does not serve CapacityProviderConfig yet. Leave it out.")
	case in.durable:
		return hearth.Errorf(hearth.ErrNotImplemented, "hearth does not serve DurableConfig yet. Leave it out.")
	case fn.Timeout > maxTimeout:
		return outOfRange(fn.Timeout, "timeout", maxTimeout)
	case fn.MemorySize > maxMemory:
		return outOfRange(fn.MemorySize, "memorySize", maxMemory)
	case in.logging != nil && fn.Logging.Format != hearth.LogJSON &&
		(in.logging.ApplicationLogLevel != nil || in.logging.SystemLogLevel != nil):
		return hearth.Errorf(hearth.ErrInvalid, "LogLevel is not supported when LogFormat is set to \"Text\". Remove LogLevel from your request or change the LogFormat to \"JSON\" and try again.")
	case len(in.layers) > maxLayers:
		return hearth.Errorf(hearth.ErrInvalid, "Cannot reference more than %d layers.", maxLayers)
	case len(in.layers) > 0:
		// No layer can have been published yet.
		return hearth.Errorf(hearth.ErrInvalid, "Layer version %s does not exist.", in.layers[0])
	}
	if in.environment != nil {
		return checkEnvironment(fn.Environment)
	}
	return nil
}

func outOfRange(value int, member string, limit int) error {
	return hearth.Errorf(hearth.ErrValidation,
		"1 validation error detected: Value '%d' at '%s' failed to satisfy constraint: Member must have value less than or equal to %d", value, member, limit)
}

func checkEnvironment(env map[string]string) error {
	measured := compactJSON(env)
	if len(measured) > maxEnvironment {
		return hearth.Errorf(hearth.ErrInvalid,
			"Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: %s", measured)
	}
	var reserved []string
	for key := range env {
		if isReserved(key) {
			reserved = append(reserved, key)
		}
	}
	if len(reserved) > 0 {
		slices.Sort(reserved)
		return hearth.Errorf(hearth.ErrInvalid,
			"Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", strings.Join(reserved, ", "))
	}
	return nil
}

// compactJSON writes variables as AWS measures them.
func compactJSON(env map[string]string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(env); err != nil {
		return nil // cannot happen: strings encode
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// isReserved are the keys that AWS lets nobody set.
func isReserved(key string) bool {
	switch key {
	case "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
		"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
		"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
		"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR":
		return true
	}
	return false
}
