package variables_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/variables"
	"github.com/hearthd/hearth/sandbox"
)

func source(own map[string]string) *variables.Source {
	return &variables.Source{
		Function: &hearth.Function{
			Name:    hearth.Name{Account: "000000000000", Region: "eu-west-1", Function: "f"},
			Version: "7", Handler: "app.handler", MemorySize: 128, Environment: own,
			Logging: hearth.Logging{Format: hearth.LogText, Group: "/aws/lambda/f", ApplicationLevel: "WARN"},
		},
		Paths:      sandbox.Paths{Task: "/var/task", Runtime: "/var/runtime", Opt: "/opt", Lang: "/var/lang", Tmp: "/tmp"},
		RuntimeAPI: "169.254.100.1:9001", InitType: hearth.InitOnDemand, LogStream: "stream",
	}
}

// wantValues checks values of a list; "-" is for a variable that is not there.
func wantValues(t *testing.T, list []string, want map[string]string) {
	t.Helper()
	if !slices.IsSorted(list) {
		t.Errorf("not sorted: %q", list)
	}
	got := map[string]string{}
	for _, kv := range list {
		k, v, _ := strings.Cut(kv, "=")
		if _, twice := got[k]; twice {
			t.Errorf("%s is there twice", k)
		}
		got[k] = v
	}
	for k, v := range want {
		if have, ok := got[k]; ok != (v != "-") || ok && have != v {
			t.Errorf("%s is %q (%t), want %q", k, have, ok, v)
		}
	}
}

func TestRuntime_Sources_WinInOrder(t *testing.T) {
	s := source(map[string]string{"OWN": "function", "LANG": "C", "PYTHONPATH": "function", "_HANDLER": "stolen", "AWS_REGION": "stolen", "AWS_LAMBDA_RUNTIME_API": "stolen", "AWS_LAMBDA_MAX_CONCURRENCY": "stolen"})
	s.Platform = map[string]string{"AWS_ACCESS_KEY_ID": "key", "TZ": "platform"}
	wantValues(t, s.Runtime(map[string]string{"PYTHONPATH": "runtime", "NODE_PATH": "runtime", "TZ": "runtime"}, false), map[string]string{
		"OWN": "function", "LANG": "C", "PYTHONPATH": "function", "NODE_PATH": "runtime", "TZ": "runtime", "AWS_ACCESS_KEY_ID": "key",
		"_HANDLER": "app.handler", "AWS_REGION": "eu-west-1", "AWS_LAMBDA_RUNTIME_API": "169.254.100.1:9001",
		"_LAMBDA_TELEMETRY_LOG_FD": "-", "AWS_LAMBDA_MAX_CONCURRENCY": "-",
	})
}

func TestRuntime_ExecutionEnvironment_IsTheRuntimes(t *testing.T) {
	s := source(map[string]string{"AWS_EXECUTION_ENV": "stolen"})
	wantValues(t, s.Runtime(nil, false), map[string]string{"AWS_EXECUTION_ENV": "-"})
	wantValues(t, s.Runtime(map[string]string{"AWS_EXECUTION_ENV": "AWS_Lambda_python3.12"}, false), map[string]string{"AWS_EXECUTION_ENV": "AWS_Lambda_python3.12"})
}

func TestRuntime_MetadataEndpoint_IsWhereTheRuntimeAPIIs(t *testing.T) {
	s := source(nil)
	s.MetadataToken = "secret"
	want := map[string]string{"AWS_LAMBDA_METADATA_API": "169.254.100.1:9001", "AWS_LAMBDA_METADATA_TOKEN": "secret"}
	wantValues(t, s.Runtime(nil, false), want)
	wantValues(t, s.Extension(), want)
}

func TestRuntime_Java_HasTheKeyUnderItsOldNames(t *testing.T) {
	s := source(nil)
	s.Platform = map[string]string{"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}
	wantValues(t, s.Runtime(map[string]string{"AWS_EXECUTION_ENV": "AWS_Lambda_java21"}, false), map[string]string{"AWS_ACCESS_KEY": "id", "AWS_SECRET_KEY": "secret"})
	wantValues(t, s.Runtime(map[string]string{"AWS_EXECUTION_ENV": "AWS_Lambda_python3.12"}, false), map[string]string{"AWS_ACCESS_KEY": "-", "AWS_SECRET_KEY": "-"})
}

// Libraries have settings of their own under AWS's prefix.
func TestRuntime_OwnVariableWithAWSPrefix_IsKept(t *testing.T) {
	s := source(map[string]string{"AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH": "true", "AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "DEBUG", "AWS_LAMBDA_EXEC_WRAPPER": "/opt/w"})
	wantValues(t, s.Runtime(nil, false), map[string]string{
		"AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH": "true", "AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "DEBUG", "AWS_LAMBDA_EXEC_WRAPPER": "/opt/w",
	})
}

func TestRuntime_FramedLog_HasItsDescriptor(t *testing.T) {
	wantValues(t, source(nil).Runtime(nil, true), map[string]string{"_LAMBDA_TELEMETRY_LOG_FD": "62"})
}

func TestRuntime_LogSocket_IsNotForExtensions(t *testing.T) {
	s := source(nil)
	s.LogSocket = "/run/socket"
	wantValues(t, s.Runtime(nil, false), map[string]string{"_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET": "/run/socket"})
	wantValues(t, s.Extension(), map[string]string{"_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET": "-"})
}

func TestRuntime_LogFormatAndLevel_OnlyWithJSON(t *testing.T) {
	s := source(nil)
	wantValues(t, s.Runtime(nil, false), map[string]string{"AWS_LAMBDA_LOG_FORMAT": "-", "AWS_LAMBDA_LOG_LEVEL": "-"})
	s.Function.Logging.Format = hearth.LogJSON
	wantValues(t, s.Runtime(nil, false), map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "WARN"})
}

func TestRuntime_XRay_IsWhereItIsOnAWSWithoutADaemon(t *testing.T) {
	s := source(nil)
	wantValues(t, s.Runtime(nil, false), map[string]string{
		"AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1:2000", "_AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1", "_AWS_XRAY_DAEMON_PORT": "2000",
	})
	s.XRay = "127.0.0.1:4321"
	wantValues(t, s.Runtime(nil, false), map[string]string{
		"AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:4321", "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1", "_AWS_XRAY_DAEMON_PORT": "4321",
	})
}

func TestExtension_HasTheFunctionsWithoutTheRuntimes(t *testing.T) {
	s := source(map[string]string{"OWN": "function"})
	wantValues(t, s.Extension(), map[string]string{
		"OWN": "function", "AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_RUNTIME_API": "169.254.100.1:9001",
		"_HANDLER": "-", "LAMBDA_TASK_ROOT": "-", "AWS_EXECUTION_ENV": "-", "AWS_XRAY_DAEMON_ADDRESS": "-",
	})
}
