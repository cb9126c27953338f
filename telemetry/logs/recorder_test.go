package logs_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/telemetry/logs"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// sink keeps lines as a stream has them.
type sink struct{ bytes.Buffer }

func (s *sink) Append(_ time.Time, message []byte) { s.Write(append(message, '\n')) }
func (*sink) Name() string                         { return "2026/11/21/[$LATEST]0123456789abcdef" }

func function(format, level string) *hearth.Function {
	return &hearth.Function{
		Name:    hearth.Name{Account: "123456789012", Region: "eu-west-1", Function: "f"},
		Version: hearth.Latest, MemorySize: 512, Logging: hearth.Logging{Format: format, SystemLevel: level},
	}
}

var runtime = logs.Runtime{Version: "python:3.13.v12", ARN: "arn:aws:lambda:eu-west-1::runtime:0badc0de"}

const requestID = "6b3c1cb1-0d5e-4b6a-8f0f-3f6f5f1f0a11"

// life is what an environment emits: a cold start, an error, a time-out, and
// an init phase that failed and is run again.
func life() []hearth.PlatformEvent {
	at := time.Date(2026, 11, 21, 1, 20, 2, 123456789, time.UTC)
	micros := func(n int) time.Duration { return time.Duration(n) * time.Microsecond }
	end := func(status, errorType string, took, initTook time.Duration, note string) []hearth.PlatformEvent {
		return []hearth.PlatformEvent{
			{Kind: hearth.EventStart, RequestID: requestID},
			{Kind: hearth.EventRuntimeDone, RequestID: requestID, Status: status, ErrorType: errorType, Duration: took, ProducedBytes: 17},
			{
				Kind: hearth.EventReport, RequestID: requestID, Status: status, ErrorType: errorType, Note: note,
				Duration: took, InitDuration: initTook, MemorySize: 512, MaxMemoryUsed: 36,
			},
		}
	}
	initialize := func(phase, status, errorType string, took time.Duration) []hearth.PlatformEvent {
		return []hearth.PlatformEvent{
			{Kind: hearth.EventInitStart, Phase: phase},
			{Kind: hearth.EventInitRuntimeDone, Phase: phase, Status: status, ErrorType: errorType},
			{Kind: hearth.EventInitReport, Phase: phase, Status: status, ErrorType: errorType, Duration: took},
		}
	}
	var all []hearth.PlatformEvent
	for _, events := range [][]hearth.PlatformEvent{
		initialize(hearth.PhaseInit, hearth.StatusSuccess, "", micros(110100)),
		end(hearth.StatusSuccess, "", micros(3010), micros(110100), ""),
		end(hearth.StatusSuccess, "", micros(1004), 0, ""),
		end(hearth.StatusError, "Runtime.ExitError", micros(383300), 0, ""),
		end(hearth.StatusTimeout, "Sandbox.Timedout", 3*time.Second, 0, "2026-11-21T01:20:05.123Z "+requestID+" Task timed out after 3.00 seconds"),
		initialize(hearth.PhaseInit, hearth.StatusError, "Extension.Crash", micros(463590)),
		initialize(hearth.PhaseInvoke, hearth.StatusTimeout, "", 10*time.Second),
	} {
		all = append(all, events...)
	}
	for i := range all {
		if all[i].Phase != "" {
			all[i].InitType = hearth.InitOnDemand
		}
		all[i].Time = at.Add(time.Duration(i) * time.Millisecond)
	}
	return all
}

// record renders events for a function.
func record(fn *hearth.Function, events []hearth.PlatformEvent) []byte {
	var s sink
	r := logs.NewRecorder(&s, fn, runtime)
	for i := range events {
		r.Record(&events[i])
	}
	return s.Bytes()
}

func TestRecord_Text(t *testing.T) {
	golden(t, "text.golden", record(function(hearth.LogText, ""), life()))
}

func TestRecord_JSON(t *testing.T) {
	golden(t, "json-info.golden", record(function(hearth.LogJSON, "INFO"), life()))
}

func TestRecord_JSONLevels(t *testing.T) {
	golden(t, "json-debug.golden", record(function(hearth.LogJSON, "DEBUG"), life()))
	golden(t, "json-warn.golden", record(function(hearth.LogJSON, "WARN"), life()))
}

func TestRecord_RuntimeWithoutAVersionHasNoInitStart(t *testing.T) {
	var s sink
	logs.NewRecorder(&s, function(hearth.LogText, ""), logs.Runtime{}).
		Record(&hearth.PlatformEvent{Kind: hearth.EventInitStart, Phase: hearth.PhaseInit})
	if s.Len() != 0 {
		t.Errorf("got %q", s.String())
	}
}

func TestTail_WholeInvocation(t *testing.T) {
	r := logs.NewRecorder(new(sink), function(hearth.LogText, ""), runtime)
	events := life()
	for i := range events[:3] {
		r.Record(&events[i])
	}
	r.Record(&events[3])
	r.Output(hearth.SourceFunction, []byte("hello"))
	r.Record(&events[5])
	golden(t, "tail.golden", r.CutTail(true))
}

func TestTail_OfTheNextInvocationBeginsAnew(t *testing.T) {
	r := logs.NewRecorder(new(sink), function(hearth.LogText, ""), runtime)
	r.Output(hearth.SourceFunction, []byte("first"))
	if tail := r.CutTail(false); tail != nil {
		t.Errorf("nobody asked for %q", tail)
	}
	r.Output(hearth.SourceFunction, []byte("second"))
	if tail := r.CutTail(true); string(tail) != "second\n" {
		t.Errorf("got %q", tail)
	}
}

func TestTail_LastBytesOnly(t *testing.T) {
	for _, line := range []int{1, 10, 1000, 4095, 4096, 10000, 100000} {
		r := logs.NewRecorder(new(sink), function(hearth.LogText, ""), runtime)
		var all []byte
		for i := range 1 + 200000/(line+1) {
			text := bytes.Repeat([]byte{byte('a' + i%26)}, line)
			r.Output(hearth.SourceFunction, text)
			all = append(append(all, text...), '\n')
		}
		if got := r.CutTail(true); !bytes.Equal(got, all[len(all)-logs.TailSize:]) {
			t.Errorf("lines of %d bytes: the tail has %d bytes, or others", line, len(got))
		}
	}
}

func TestTail_BrokenCharactersAreReplaced(t *testing.T) {
	r := logs.NewRecorder(new(sink), function(hearth.LogText, ""), runtime)
	r.Output(hearth.SourceFunction, []byte(strings.Repeat("🔥", 2000))) // 4 bytes each, and a newline: three of the first are left
	got := r.CutTail(true)
	if want := "\ufffd\ufffd\ufffd" + strings.Repeat("🔥", 1023) + "\n"; string(got) != want {
		t.Errorf("%d bytes, beginning with %q", len(got), got[:20])
	}
	if !utf8.Valid(got) {
		t.Error("it is not UTF-8")
	}
}

func TestTail_OfJSONHasWholeLines(t *testing.T) {
	r := logs.NewRecorder(new(sink), function(hearth.LogJSON, ""), runtime)
	for range 100 {
		r.Output(hearth.SourceFunction, []byte(`{"message":"`+strings.Repeat("x", 80)+`"}`)) // 95 bytes with its newline
	}
	got := r.CutTail(true)
	if len(got) != 43*95 || !bytes.HasPrefix(got, []byte("{")) {
		t.Errorf("%d bytes, beginning with %q", len(got), got[:20])
	}
}

func TestTail_HasWhatTheLevelKeepsOutOfTheLog(t *testing.T) {
	var s sink
	r := logs.NewRecorder(&s, function(hearth.LogJSON, "WARN"), runtime)
	events := life()
	r.Record(&events[3])
	if tail := r.CutTail(true); !bytes.Contains(tail, []byte(`"platform.start"`)) || s.Len() != 0 {
		t.Errorf("the tail is %q, the log %q", tail, s.String())
	}
}

func TestRecord_ExtensionsAndSubscriptions_Text(t *testing.T) {
	got := record(function(hearth.LogText, ""), []hearth.PlatformEvent{
		{Kind: hearth.EventExtension, Name: "probe.sh", State: "Ready", Events: []string{"SHUTDOWN", "INVOKE"}},
		{Kind: hearth.EventExtension, Name: "probe.sh", State: "Started"},
		{Kind: hearth.EventSubscription, Name: "probe.sh", State: "Subscribed", Types: []string{"platform", "function"}},
		{Kind: hearth.EventLogsSubscription, Name: "probe.sh", State: "Subscribed", Types: []string{"extension"}},
		{Kind: hearth.EventFault, RequestID: requestID, Status: hearth.StatusError},
	})
	want := "EXTENSION\tName: probe.sh\tState: Ready\tEvents: [SHUTDOWN, INVOKE]\n" +
		"EXTENSION\tName: probe.sh\tState: Started\tEvents: []\n" +
		"TELEMETRY\tName: probe.sh\tState: Subscribed\tTypes: [Platform, Function]\n" +
		"LOGS\tName: probe.sh\tState: Subscribed\tTypes: [Extension]\n"
	if string(got) != want {
		t.Errorf("got %q", got)
	}
}

func TestFilter_ApplicationLevel_OfJSON(t *testing.T) {
	fn := function(hearth.LogJSON, "")
	fn.Logging.ApplicationLevel = "WARN"
	var s sink
	r := logs.NewRecorder(&s, fn, runtime)
	var all []byte
	for _, line := range []string{
		`{"level":"INFO","message":"1"}`, `{"level":"WARN","message":"2"}`, `{"level":"warning","message":"3"}`,
		`{"level":"DEBUG"}`, `{"level":40}`, "plain", `{"broken`, `{"level":"CRITICAL","message":"4"}`,
	} {
		r.Output(hearth.SourceFunction, []byte(line))
		all = append(append(all, line...), '\n')
	}
	r.Output(hearth.SourceExtension, []byte("an extension's"))
	r.Message(hearth.LogMessage{Time: time.Now(), Level: hearth.LevelError, Text: []byte("framed error")})
	r.Message(hearth.LogMessage{Time: time.Now(), Level: hearth.LevelInfo, Text: []byte("framed info")})
	want := "{\"level\":\"WARN\",\"message\":\"2\"}\n{\"level\":\"warning\",\"message\":\"3\"}\n" +
		"{\"level\":\"CRITICAL\",\"message\":\"4\"}\nan extension's\nframed error\n"
	if s.String() != want {
		t.Errorf("logged %q", s.String())
	}
	all = append(all, "an extension's\nframed error\nframed info\n"...)
	if tail := r.CutTail(true); !bytes.Equal(tail, all) {
		t.Errorf("the tail is taken before the filter, but is %q", tail)
	}
}

func TestFilter_Text_HasNone(t *testing.T) {
	fn := function(hearth.LogText, "")
	fn.Logging.ApplicationLevel = "FATAL"
	var s sink
	logs.NewRecorder(&s, fn, runtime).Message(hearth.LogMessage{Level: hearth.LevelDebug, Text: []byte("x")})
	if s.String() != "x\n" {
		t.Errorf("logged %q", s.String())
	}
}
