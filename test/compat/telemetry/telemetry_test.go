// Package telemetry_test runs an extension that ships telemetry, and a function
// that sends trace segments, in real sandboxes.
package telemetry_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace"
	"github.com/hearthd/hearth/telemetry/logs"
	"github.com/hearthd/hearth/telemetry/schema"
	"github.com/hearthd/hearth/telemetry/subscription"
	"github.com/hearthd/hearth/telemetry/xray"
	"github.com/hearthd/hearth/test/compile"
)

// services are the environment's, as cmd/hearth has them.
type services struct {
	*subscription.Hub
	t        testing.TB
	daemon   *xray.Daemon
	segments chan []byte
}

func (s *services) Attach(ctx context.Context, box sandbox.Sandbox) string {
	inside := box.(sandbox.Inside)
	s.Connect(inside)
	conn, address, err := inside.ListenPacket(ctx, 2000)
	if err != nil {
		s.t.Error(err)
		return ""
	}
	s.daemon = xray.Listen(conn, func(b []byte) {
		select {
		case s.segments <- b:
		default: // one is enough
		}
	})
	return address
}

func (s *services) Close() {
	s.Hub.Close()
	if s.daemon != nil {
		_ = s.daemon.Close() // it may be closed
	}
}

// sink is a log stream in memory.
type sink struct{ t testing.TB }

func (s sink) Append(_ time.Time, message []byte) { s.t.Logf("log: %s", message) }
func (sink) Name() string                         { return "2026/11/21/[$LATEST]0123456789abcdef" }

// actor builds the program into the places of a runtime and of an extension.
func actor(t testing.TB) (task, opt string) {
	t.Helper()
	dir := t.TempDir()
	task, opt = filepath.Join(dir, "task"), filepath.Join(dir, "opt")
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{filepath.Join(task, "bootstrap"), filepath.Join(opt, "extensions", "ship")} {
		if err := compile.Program(t.Context(), "test/compat/telemetry/actor", to); err != nil {
			t.Fatal(err)
		}
	}
	return task, opt
}

// open opens an environment with the extension, initialized.
func open(t testing.TB) (*environment.Environment, *services) {
	t.Helper()
	driver, err := namespace.New(namespace.Options{StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := driver.Close(); err != nil {
			t.Error(err)
		}
	})
	task, opt := actor(t)
	fn := &hearth.Function{
		Name: hearth.Name{Account: "123456789012", Region: "eu-west-1", Function: "f"}, Version: hearth.Latest,
		MemorySize: 512, Timeout: 30, Runtime: "provided.al2023", Logging: hearth.Logging{Format: hearth.LogText},
	}
	out := sink{t}
	s := &services{t: t, segments: make(chan []byte, 10), Hub: subscription.New(t.Context(), schema.Environment{
		Function: fn, RuntimeVersion: "provided:al2023.v1", RuntimeVersionARN: "arn:aws:lambda:eu-west-1::runtime:0badc0de", InstanceID: out.Name(),
	}, logs.NewRecorder(out, fn, logs.Runtime{}), nil)}
	env, err := environment.Open(t.Context(), environment.Options{
		ID: "telemetry", Function: fn, Driver: driver, Recorder: s, Subscriptions: s, Services: s, InitType: hearth.InitOnDemand,
		LogStream: out.Name(),
		Launch: &environment.Launch{
			Spec:    sandbox.Spec{Task: task, Opt: opt, MemoryBytes: 512 << 20, Network: sandbox.NetworkNone},
			Runtime: packaged{},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Close(); err != nil {
			t.Error(err)
		}
	})
	if !env.Init() {
		t.Fatal("the init phase failed")
	}
	return env, s
}

const traceID = "Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1"

// invoke runs the function and returns what the extension had received by then.
func invoke(t testing.TB, env *environment.Environment, id string) []map[string]any {
	t.Helper()
	free := make(chan struct{})
	wait := env.Begin(&hearth.Invocation{RequestID: id, TraceID: traceID, Payload: []byte("{}")}, func() { close(free) })
	res, err := wait()
	if err != nil || res.FunctionError != "" {
		t.Fatalf("invoke: %v %s", err, res.Payload)
	}
	<-free
	var events []map[string]any
	for line := range strings.Lines(string(res.Payload)) {
		var event map[string]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		events = append(events, event)
	}
	return events
}

// shape is the type of an event with the names of the fields of its record.
func shape(event map[string]any) string {
	kind, _ := event["type"].(string)
	record, ok := event["record"].(map[string]any)
	if !ok {
		text, _ := event["record"].(string)
		return kind + " = " + text
	}
	names := make([]string, 0, len(record))
	for name, value := range record {
		if inner, ok := value.(map[string]any); ok {
			var fields []string
			for field := range inner {
				fields = append(fields, field)
			}
			slices.Sort(fields)
			name += "{" + strings.Join(fields, ",") + "}"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return kind + " " + strings.Join(names, " ")
}

func TestExtension_ThatShipsTelemetry_SeesEveryEvent(t *testing.T) {
	env, _ := open(t)
	invoke(t, env, "00000000-0000-4000-8000-000000000001")
	var got []string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		got = got[:0]
		for _, event := range invoke(t, env, "00000000-0000-4000-8000-000000000002") {
			got = append(got, shape(event))
		}
		if slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "platform.report") }) {
			break
		}
	}
	report := slices.IndexFunc(got, func(s string) bool { return strings.HasPrefix(s, "platform.report") })
	want := []string{
		"platform.initStart functionName functionVersion initializationType instanceId instanceMaxMemory phase runtimeVersion runtimeVersionArn",
		"platform.telemetrySubscription name state types",
		"platform.initRuntimeDone initializationType phase status",
		"platform.extension events name state",
		"platform.initReport initializationType metrics{durationMs} phase status",
		"platform.start requestId tracing{spanId,type,value} version",
		"function = hello from the function",
		"platform.runtimeDone metrics{durationMs,producedBytes} requestId spans status tracing{spanId,type,value}",
		"platform.report metrics{billedDurationMs,durationMs,initDurationMs,maxMemoryUsedMB,memorySizeMB} requestId spans status tracing{spanId,type,value}",
	}
	var seen []string
	for _, s := range got[:report+1] {
		if s == `extension = subscribed: "OK"` {
			continue // its own line, at some time of the init phase
		}
		seen = append(seen, s)
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("what the extension received (-want +got):\n%s", diff)
	}
	if len(seen) == report+1 {
		t.Error("the line of the extension itself is missing")
	}
}

func TestExtension_EnvironmentIsFrozen_MissesNothing(t *testing.T) {
	env, _ := open(t)
	invoke(t, env, "00000000-0000-4000-8000-000000000001")
	if err := env.Freeze(); err != nil {
		t.Fatal(err)
	}
	events := invoke(t, env, "00000000-0000-4000-8000-000000000002")
	if len(events) == 0 || !strings.HasPrefix(shape(events[len(events)-1]), "platform.report") &&
		!slices.ContainsFunc(events, func(e map[string]any) bool { return e["type"] == "platform.report" }) {
		t.Errorf("the report of the invocation before the freeze has not arrived: %d events", len(events))
	}
}

func TestXRay_Segment_IsKept(t *testing.T) {
	env, s := open(t)
	invoke(t, env, "00000000-0000-4000-8000-000000000001")
	select {
	case segment := <-s.segments:
		if !strings.Contains(string(segment), `"trace_id":"1-581cf771-a006649127e371903a2de979"`) {
			t.Errorf("segment %s", segment)
		}
	case <-time.After(20 * time.Second):
		t.Error("no segment")
	}
}

// packaged is the bootstrap of the function's package as an environment.Runtime.
type packaged struct{}

func (packaged) Command(p sandbox.Paths) (environment.Command, error) {
	return environment.Command{Args: []string{p.Task + "/bootstrap"}}, nil
}

func (packaged) Release() {}
