// Package variables is what the processes of an environment find in their
// environment variables, and which of them a function may set.
package variables

import (
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/sandbox"
)

// Source is what the variables of one environment are made of. Function, Paths
// and RuntimeAPI are required.
type Source struct {
	Function   *hearth.Function
	Paths      sandbox.Paths
	RuntimeAPI string // host:port
	InitType   string
	LogStream  string
	XRay       string // host:port of the X-Ray daemon; empty: there is none
	Endpoint   bool   // the platform's own API is beside the Runtime API: AWS_ENDPOINT_URL
	LogSocket  string // where worker processes find a log of their own; empty: there is none
	// MetadataToken is what the metadata endpoint, which is where the Runtime
	// API is, wants to see.
	MetadataToken string
	// Platform is what the daemon gives every function, such as credentials.
	Platform map[string]string
}

// Runtime returns the variables of the runtime process, KEY=value, sorted.
// Later sources win: what every function gets, the daemon's own, the runtime's,
// the function's, and then what the function may not change. framed says that
// the process has a descriptor for a framed log.
func (s *Source) Runtime(runtime map[string]string, framed bool) []string {
	// The managed runtimes' additions (PYTHONPATH, NODE_PATH) are defaults for
	// the function too, except for the reserved keys.
	env := s.merge(runtime)
	if framed {
		env["_LAMBDA_TELEMETRY_LOG_FD"] = strconv.Itoa(sandbox.LogFD)
	}
	if s.LogSocket != "" {
		env["_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET"] = s.LogSocket
	}
	if v, ok := runtime["AWS_EXECUTION_ENV"]; ok {
		env["AWS_EXECUTION_ENV"] = v
		if strings.HasPrefix(v, "AWS_Lambda_java") { // the names that Java's first SDK knew
			env["AWS_ACCESS_KEY"], env["AWS_SECRET_KEY"] = env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]
		}
	}
	return list(env)
}

// Extension returns the variables of external extensions, sorted: the
// function's, without what is the runtime's business.
func (s *Source) Extension() []string {
	env := s.merge(nil)
	for _, key := range []string{
		"AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
		"AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
		"_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT", "_HANDLER",
	} {
		delete(env, key)
	}
	return list(env)
}

// merge puts the sources of variables together; runtime are the runtime's.
func (s *Source) merge(runtime map[string]string) map[string]string {
	env := s.defaults()
	maps.Copy(env, s.Platform)
	maps.Copy(env, runtime)
	for k, v := range s.Function.Environment {
		if !reserved(k) {
			env[k] = v
		}
	}
	maps.Copy(env, s.fixed())
	return env
}

func list(env map[string]string) []string {
	list := make([]string, 0, len(env))
	for _, k := range slices.Sorted(maps.Keys(env)) {
		list = append(list, k+"="+env[k])
	}
	return list
}

// defaults are AWS's values that a function may override.
func (s *Source) defaults() map[string]string {
	p, logging := s.Paths, s.Function.Logging
	env := map[string]string{
		"LANG": "en_US.UTF-8",
		"TZ":   ":UTC",
		"PATH": strings.Join([]string{p.Lang + "/bin", "/usr/local/bin", "/usr/bin/", "/bin", p.Opt + "/bin"}, ":"),
		"LD_LIBRARY_PATH": strings.Join([]string{
			p.Lang + "/lib", "/lib64", "/usr/lib64", p.Runtime, p.Runtime + "/lib",
			p.Task, p.Task + "/lib", p.Opt + "/lib",
		}, ":"),
		"AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
	}
	_, _, env["AWS_XRAY_DAEMON_ADDRESS"] = s.xray()
	if s.Endpoint {
		env["AWS_ENDPOINT_URL"] = "http://" + s.RuntimeAPI
	}
	if logging.Format == hearth.LogJSON {
		env["AWS_LAMBDA_LOG_FORMAT"] = logging.Format
		if logging.ApplicationLevel != "" {
			env["AWS_LAMBDA_LOG_LEVEL"] = logging.ApplicationLevel
		}
	}
	return env
}

// fixed are the variables that describe the environment.
func (s *Source) fixed() map[string]string {
	fn, p := s.Function, s.Paths
	env := map[string]string{
		"AWS_LAMBDA_RUNTIME_API":          s.RuntimeAPI,
		"AWS_LAMBDA_FUNCTION_NAME":        fn.Name.Function,
		"AWS_LAMBDA_FUNCTION_VERSION":     fn.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(fn.MemorySize),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  s.InitType,
		"AWS_LAMBDA_LOG_GROUP_NAME":       fn.Logging.Group,
		"AWS_LAMBDA_LOG_STREAM_NAME":      s.LogStream,
		"AWS_LAMBDA_METADATA_API":         s.RuntimeAPI,
		"AWS_LAMBDA_METADATA_TOKEN":       s.MetadataToken,
		"AWS_REGION":                      fn.Name.Region,
		"AWS_DEFAULT_REGION":              fn.Name.Region,
		"LAMBDA_TASK_ROOT":                p.Task,
		"LAMBDA_RUNTIME_DIR":              p.Runtime,
		"_HANDLER":                        fn.Handler,
	}
	env["_AWS_XRAY_DAEMON_ADDRESS"], env["_AWS_XRAY_DAEMON_PORT"], _ = s.xray()
	if fn.Managed != nil {
		env["AWS_LAMBDA_MAX_CONCURRENCY"] = strconv.Itoa(fn.MaxConcurrency())
	}
	return env
}

// xray is where the X-Ray daemon is; without one, where it is on AWS, as SDKs
// insist on an address.
func (s *Source) xray() (host, port, address string) {
	address = s.XRay
	if address == "" {
		address = "169.254.100.1:2000"
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", "", address
	}
	return host, port, address
}

// reserved reports whether a function's own variable is dropped. What fixed sets
// it cannot change anyway; others that begin with AWS_LAMBDA_ are for libraries to
// read.
func reserved(key string) bool {
	return key == "AWS_EXECUTION_ENV" || key == "AWS_LAMBDA_MAX_CONCURRENCY" || strings.HasPrefix(key, "_")
}
