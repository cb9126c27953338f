package schema_test

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/telemetry/schema"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var at = time.Date(2026, 11, 21, 1, 20, 2, 123456789, time.UTC)

func environment() *schema.Environment {
	return &schema.Environment{
		Function: &hearth.Function{
			Name: hearth.Name{Account: "123456789012", Region: "eu-west-1", Function: "f"}, Version: hearth.Latest, MemorySize: 128,
		},
		RuntimeVersion: "python:3.13.v12", RuntimeVersionARN: "arn:aws:lambda:eu-west-1::runtime:0badc0de",
		InstanceID: "2026/11/21/[$LATEST]0123456789abcdef",
	}
}

// events has one of each kind, with every field.
func events() []hearth.PlatformEvent {
	const id, trace, tenant = "6b3c1cb1-0d5e-4b6a-8f0f-3f6f5f1f0a11", "Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1", "blue"
	span := func(name string, d time.Duration) hearth.Span { return hearth.Span{Name: name, Start: at, Duration: d} }
	arn := "arn:aws:lambda:eu-west-1:123456789012:function:f:live"
	all := []hearth.PlatformEvent{
		{Kind: hearth.EventInitStart, InitType: hearth.InitOnDemand, Phase: hearth.PhaseInit},
		{Kind: hearth.EventSubscription, Name: "ext", State: "Subscribed", Types: []string{"platform", "function"}},
		{Kind: hearth.EventLogsSubscription, Name: "old", State: "Subscribed", Types: []string{"platform"}},
		{Kind: hearth.EventInitRuntimeDone, InitType: hearth.InitOnDemand, Phase: hearth.PhaseInit, Status: hearth.StatusSuccess},
		{Kind: hearth.EventExtension, Name: "ext", State: "Ready", Events: []string{"INVOKE", "SHUTDOWN"}},
		{Kind: hearth.EventExtension, Name: "bad", State: "Crashed", ErrorType: "Extension.Crash"},
		{Kind: hearth.EventInitReport, InitType: hearth.InitOnDemand, Phase: hearth.PhaseInit, Status: hearth.StatusError, ErrorType: "Extension.Crash", Duration: 463590 * time.Microsecond},
		{Kind: hearth.EventStart, RequestID: id, TraceID: trace, TenantID: tenant, ARN: arn},
		{
			Kind: hearth.EventRuntimeDone, RequestID: id, TraceID: trace, TenantID: tenant, Status: hearth.StatusError, ErrorType: "Runtime.ExitError",
			Duration: 140 * time.Millisecond, ProducedBytes: 16,
			Spans: []hearth.Span{span("responseLatency", 23*time.Millisecond), span("responseDuration", 2*time.Millisecond), span("runtimeOverhead", time.Millisecond)},
		},
		{Kind: hearth.EventFault, RequestID: id, Status: hearth.StatusError, ErrorType: "Runtime.ExitError"},
		{
			Kind: hearth.EventReport, RequestID: id, TraceID: trace, TenantID: tenant, Status: hearth.StatusSuccess, Duration: 220 * time.Millisecond,
			InitDuration: 116670 * time.Microsecond, MemorySize: 128, MaxMemoryUsed: 90, Spans: []hearth.Span{span("extensionOverhead", time.Millisecond)},
		},
		{Kind: hearth.EventLogsDropped, Records: 123, Bytes: 12345, Reason: "Consumer seems to have fallen behind as it has not acknowledged receipt of logs."},
	}
	for i := range all {
		all[i].Time = at.Add(time.Duration(i) * time.Millisecond)
	}
	return all
}

func TestAppendEvent_EachVersion(t *testing.T) {
	for _, v := range []schema.Version{
		schema.Telemetry2022July, schema.Telemetry2022December, schema.Telemetry2025, schema.Logs2020, schema.Logs2021,
	} {
		t.Run(string(v), func(t *testing.T) {
			var got []byte
			for _, ev := range events() {
				got = environment().AppendEvent(got, v, &ev)
			}
			file := "testdata/" + string(v) + ".golden"
			if *update {
				if err := os.WriteFile(file, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAppendLine_JSONObject_IsAnObjectSinceDecember2022(t *testing.T) {
	for v, want := range map[schema.Version]string{
		schema.Telemetry2022July: `"{\"a\":1}"`, schema.Telemetry2022December: `{"a":1}`, schema.Telemetry2025: `{"a":1}`,
		schema.Logs2020: `"{\"a\":1}"`, schema.Logs2021: `"{\"a\":1}"`,
	} {
		got := string(schema.AppendLine(nil, v, at, hearth.SourceFunction, []byte(`{"a":1}`), 0))
		if want := `{"time":"2026-11-21T01:20:02.123Z","type":"function","record":` + want + "}\n"; got != want {
			t.Errorf("%s: got %s, want %s", v, got, want)
		}
	}
}

func TestAppendLine_NotAnObject_IsAString(t *testing.T) {
	for _, line := range []string{"plain <text>", "[1]", `{"broken":`, "{} {}", "", "two\nlines"} {
		got := schema.AppendLine(nil, schema.Telemetry2025, at, hearth.SourceExtension, []byte(line), 0)
		var e struct{ Type, Record string }
		if err := json.Unmarshal(got, &e); err != nil || e.Record != line || e.Type != "extension" {
			t.Errorf("%q became %s (%v)", line, got, err)
		}
	}
}

func TestAppendLine_Limit_CutsTheText(t *testing.T) {
	for _, unit := range []string{"\x01", "x", "é", `{"a":1}`} {
		got := schema.AppendLine(nil, schema.Telemetry2025, at, hearth.SourceFunction, []byte(strings.Repeat(unit, 5000)), 2000)
		if len(got) > 2000 || !json.Valid(got) || strings.Contains(string(got), "\ufffd") {
			t.Errorf("%q: %d bytes, ending in %q", unit, len(got), got[len(got)-10:])
		}
	}
}
