package own_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	wire "github.com/hearthd/hearth/api/own"
	"github.com/hearthd/hearth/edge/own"
)

// ask sends a request and returns the status and body of its answer.
func ask(t *testing.T, h http.Handler, method, target, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:4566"+target, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

// part is a Part that does what it is.
type part func(*own.Report)

func (p part) Report(r *own.Report) { p(r) }

// counted are Events.
type counted wire.Events

func (c counted) Events() wire.Events { return wire.Events(c) }

func TestHealth_SaysTheVersion(t *testing.T) {
	code, body := ask(t, own.New(own.Options{Version: "v9"}), http.MethodGet, wire.HealthPath, "")
	if want := `{"status":"ok","version":"v9"}` + "\n"; code != http.StatusOK || body != want {
		t.Errorf("%d %s, want %s", code, body, want)
	}
}

func TestStatus_NoParts(t *testing.T) {
	_, body := ask(t, own.New(own.Options{Version: "v9"}), http.MethodGet, wire.StatusPath, "")
	if want := `{"version":"v9","clock":"real"}` + "\n"; body != want {
		t.Errorf("%s, want %s", body, want)
	}
}

// A part that nobody here knows has its section, in its place.
func TestStatus_SectionsInTheOrderOfParts(t *testing.T) {
	h := own.New(own.Options{Version: "v9", Events: counted{Ready: 1, Running: 2, Delayed: 3, Accepted: 4}, Parts: []own.Part{
		part(func(r *own.Report) { r.Set("pollers", map[string]int{"sqs": 2}) }),
		part(func(r *own.Report) { r.Set("auth", false) }),
		part(func(r *own.Report) { r.Set("auth", true) }),
	}})
	_, body := ask(t, h, http.MethodGet, wire.StatusPath, "")
	if want := `{"version":"v9","clock":"real","pollers":{"sqs":2},"auth":true,"events":{"ready":1,"running":2,"delayed":3}}` + "\n"; body != want {
		t.Errorf("%s, want %s", body, want)
	}
}

func TestStatus_IsTheClients(t *testing.T) {
	want := wire.Status{
		Version: "v9", Sandbox: "process", Network: "none", Clock: "real", Auth: true, Missing: []string{"memory"},
		Functions:    []wire.FunctionCount{{Account: "1", Region: "eu", Functions: 1}},
		Environments: wire.Environments{All: 4, Idle: 1, Starting: 1, Invocations: 2, MaxConcurrency: 10, Memory: 512, MaxMemory: 1024},
		Events:       wire.EventCount{Ready: 1},
	}
	h := own.New(own.Options{Version: "v9", Events: counted{Ready: 1}, Parts: []own.Part{part(func(r *own.Report) {
		r.Set("sandbox", want.Sandbox)
		r.Set("network", want.Network)
		r.Set("auth", want.Auth)
		r.Set("missing", want.Missing)
		r.Functions([]*hearth.Function{{Name: hearth.Name{Account: "1", Region: "eu", Function: "f"}, Version: hearth.Latest}})
		r.Environments(want.Environments)
	})}})
	_, body := ask(t, h, http.MethodGet, wire.StatusPath, "")
	var got wire.Status
	dec := json.NewDecoder(strings.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&got); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

func TestStatus_CountsFunctionsByAccountAndRegion(t *testing.T) {
	fn := func(account, region, version string) *hearth.Function {
		return &hearth.Function{Name: hearth.Name{Account: account, Region: region, Function: "f"}, Version: version}
	}
	h := own.New(own.Options{Parts: []own.Part{part(func(r *own.Report) {
		r.Functions([]*hearth.Function{
			fn("2", "us-east-1", hearth.Latest), fn("1", "us-east-1", hearth.Latest), fn("1", "us-east-1", "1"), fn("1", "eu-west-1", hearth.Latest), fn("1", "eu-west-1", hearth.Latest),
		})
	})}})
	_, body := ask(t, h, http.MethodGet, wire.StatusPath, "")
	var got wire.Status
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	want := []wire.FunctionCount{{Account: "1", Region: "eu-west-1", Functions: 2}, {Account: "1", Region: "us-east-1", Functions: 1}, {Account: "2", Region: "us-east-1", Functions: 1}}
	if diff := cmp.Diff(want, got.Functions); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestStatus_NoFunctions_IsAnEmptyList(t *testing.T) {
	h := own.New(own.Options{Parts: []own.Part{part(func(r *own.Report) { r.Functions(nil) })}})
	if _, body := ask(t, h, http.MethodGet, wire.StatusPath, ""); !strings.Contains(body, `"functions":[]`) {
		t.Error(body)
	}
}

func TestStatus_SectionThatIsNoJSON(t *testing.T) {
	var log bytes.Buffer
	h := own.New(own.Options{
		Parts:  []own.Part{part(func(r *own.Report) { r.Set("strange", make(chan int)) })},
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	code, body := ask(t, h, http.MethodGet, wire.StatusPath, "")
	if want := `{"message":"The answer cannot be shown; hearth's log says why."}` + "\n"; code != http.StatusInternalServerError || body != want {
		t.Errorf("%d %s", code, body)
	}
	if !strings.Contains(log.String(), "strange") {
		t.Errorf("the log does not name the section: %s", &log)
	}
}

// metrics asks for the metrics.
func metrics(t *testing.T, opts own.Options) wire.Metrics {
	t.Helper()
	code, body := ask(t, own.New(opts), http.MethodGet, wire.MetricsPath, "")
	var got wire.Metrics
	if err := json.Unmarshal([]byte(body), &got); err != nil || code != http.StatusOK {
		t.Fatalf("%d %s: %v", code, body, err)
	}
	return got
}

func TestMetrics_OfAllParts_AreDocumented(t *testing.T) {
	got := metrics(t, own.Options{
		Events: counted{
			Ready: 1, Running: 2, Delayed: 3, Accepted: 40, Succeeded: 20, Exhausted: 1, Expired: 2, Refused: 3, Dropped: 4,
			Failures: 5, Throttles: 6, Undelivered: 7, JournalBytes: 8,
		},
		Parts: []own.Part{
			part(func(r *own.Report) { r.Functions([]*hearth.Function{{Version: hearth.Latest}, {Version: "1"}}) }),
			part(func(r *own.Report) {
				r.Environments(wire.Environments{All: 4, Idle: 1, Starting: 1, Invocations: 2, MaxConcurrency: 10, Memory: 512, MaxMemory: 1024})
			}),
			part(func(r *own.Report) { r.Metric("PollersRunning", 0.5) }),
		},
	})
	want := wire.Metrics{
		"Functions":            1,
		"ConcurrentExecutions": 2, "ConcurrentExecutionsLimit": 10,
		"Environments": 4, "EnvironmentsIdle": 1, "EnvironmentsStarting": 1, "EnvironmentsMemory": 512, "EnvironmentsMemoryLimit": 1024,
		"AsyncEventsReady": 1, "AsyncEventsRunning": 2, "AsyncEventsDelayed": 3,
		"AsyncEventsReceived": 40, "AsyncEventsSucceeded": 20, "AsyncEventsDropped": 10,
		"AsyncErrors": 5, "AsyncThrottles": 6, "DestinationDeliveryFailures": 7, "AsyncJournalBytes": 8,
		"PollersRunning": 0.5,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	manual, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range got {
		if name != "PollersRunning" && !bytes.Contains(manual, []byte("`"+name+"`")) {
			t.Errorf("docs/operations.md does not say what %s is", name)
		}
	}
}

func TestMetrics_NoParts_IsAnEmptyObject(t *testing.T) {
	if _, body := ask(t, own.New(own.Options{}), http.MethodGet, wire.MetricsPath, ""); body != "{}\n" {
		t.Error(body)
	}
}

// JSON has neither: a part that divides by zero must not hide the others.
func TestMetrics_WithoutANumber_AreLeftOut(t *testing.T) {
	got := metrics(t, own.Options{Parts: []own.Part{part(func(r *own.Report) {
		r.Metric("Ratio", math.NaN())
		r.Metric("Rate", math.Inf(1))
		r.Metric("Good", 1)
	})}})
	if diff := cmp.Diff(wire.Metrics{"Good": 1}, got); diff != "" {
		t.Error(diff)
	}
}

func TestMetrics_NoBoundOfMemory_HasNoLimit(t *testing.T) {
	got := metrics(t, own.Options{Parts: []own.Part{part(func(r *own.Report) { r.Environments(wire.Environments{}) })}})
	if _, ok := got["EnvironmentsMemoryLimit"]; ok {
		t.Errorf("%v", got)
	}
}

func TestEvents_AllCounts(t *testing.T) {
	want := wire.Events{Ready: 1, Accepted: 3, JournalBytes: 4, JournalEntries: 5, JournalCommits: 6}
	_, body := ask(t, own.New(own.Options{Events: counted(want)}), http.MethodGet, wire.EventsPath, "")
	var got wire.Events
	if err := json.Unmarshal([]byte(body), &got); err != nil || got != want {
		t.Errorf("%s: %v", body, err)
	}
}

func TestPaths_OfWhatThereIsNot_AreNotFound(t *testing.T) {
	h := own.New(own.Options{})
	for _, path := range []string{wire.EventsPath, wire.TracesPath, "/_hearth/nope", "/_hearth/"} {
		if code, body := ask(t, h, http.MethodGet, path, ""); code != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
}

func TestPaths_OtherMethods_AreRefused(t *testing.T) {
	h := own.New(own.Options{})
	for _, path := range []string{wire.HealthPath, wire.StatusPath, wire.MetricsPath, wire.ClockPath} {
		if code, body := ask(t, h, http.MethodPost, path, ""); code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
}

// named answers with a name.
func named(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
}

func TestRoutes_AreServed(t *testing.T) {
	h := own.New(own.Options{Routes: []own.Route{{Path: wire.LogsPath, Handler: named("logs")}, {Path: "/_hearth/code/", Handler: named("code")}}})
	for path, want := range map[string]string{wire.LogsPath: "logs", "/_hearth/code/0123": "code"} {
		if _, body := ask(t, h, http.MethodGet, path, ""); body != want {
			t.Errorf("%s: %s", path, body)
		}
	}
}

// The Lambda API gets its paths as they were sent: with what a mux would clean away.
func TestBeside_SharesByPrefix(t *testing.T) {
	var seen []string
	lambda := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = append(seen, r.URL.EscapedPath()) })
	h := own.New(own.Options{}).Beside(lambda)
	paths := []string{"/2015-03-31/functions/a%2Fb//x", "/", "/_hearth"}
	for _, path := range paths {
		ask(t, h, http.MethodGet, path, "")
	}
	if code, _ := ask(t, h, http.MethodGet, wire.HealthPath, ""); code != http.StatusOK {
		t.Errorf("health: %d", code)
	}
	if diff := cmp.Diff(paths, seen); diff != "" {
		t.Errorf("the Lambda API saw (-want +got):\n%s", diff)
	}
}

// gate is a Guard that lets nobody in but through what is open.
type gate struct{ open []string }

func (g *gate) Guard(handler http.Handler, open ...string) http.Handler {
	g.open = open
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(open, r.URL.Path) {
			http.Error(w, "who are you?", http.StatusForbidden)
			return
		}
		handler.ServeHTTP(w, r)
	})
}

func TestGuard_OpenAreHealthAndWhatSaysSo(t *testing.T) {
	g := &gate{}
	h := own.New(own.Options{Guard: g, Routes: []own.Route{{Path: wire.LogsPath, Handler: named("logs")}, {Path: "/_hearth/code/", Handler: named("code"), Open: true}}})
	if diff := cmp.Diff([]string{wire.HealthPath, "/_hearth/code/"}, g.open); diff != "" {
		t.Errorf("open (-want +got):\n%s", diff)
	}
	for path, want := range map[string]int{wire.HealthPath: 200, "/_hearth/code/": 200, wire.LogsPath: 403, wire.StatusPath: 403, wire.MetricsPath: 403, wire.ClockPath: 403} {
		if code, body := ask(t, h, http.MethodGet, path, ""); code != want {
			t.Errorf("%s: %d %s, want %d", path, code, body, want)
		}
	}
}

// kept are Traces, which note what they were asked for.
type kept struct {
	asked    own.TraceQuery
	segments []json.RawMessage
	err      error
}

func (k *kept) Traces(q own.TraceQuery) ([]json.RawMessage, error) {
	k.asked = q
	return k.segments, k.err
}

func TestTraces_ALineEach(t *testing.T) {
	k := &kept{segments: []json.RawMessage{[]byte(`{"id":"1"}`), []byte(`{"id":"2"}`)}}
	_, body := ask(t, own.New(own.Options{Traces: k}), http.MethodGet, wire.TracesPath+"?traceId=1-x&since=2026-03-01T12:00:00Z&limit=7", "")
	if want := "{\"id\":\"1\"}\n{\"id\":\"2\"}\n"; body != want {
		t.Errorf("%q, want %q", body, want)
	}
	if want := (own.TraceQuery{TraceID: "1-x", Since: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Limit: 7}); k.asked != want {
		t.Errorf("asked for %+v, want %+v", k.asked, want)
	}
}

func TestTraces_BadQueries(t *testing.T) {
	h := own.New(own.Options{Traces: &kept{}})
	for _, query := range []string{"since=yesterday", "limit=many", "limit=-1"} {
		if code, body := ask(t, h, http.MethodGet, wire.TracesPath+"?"+query, ""); code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, code, body)
		}
	}
}

func TestTraces_Unreadable(t *testing.T) {
	h := own.New(own.Options{Traces: &kept{err: errors.New("/secret/place: no")}})
	if code, body := ask(t, h, http.MethodGet, wire.TracesPath, ""); code != http.StatusInternalServerError || strings.Contains(body, "secret") {
		t.Errorf("%d %s", code, body)
	}
}
