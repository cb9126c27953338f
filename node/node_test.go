package node_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/api/own"
	"github.com/hearthd/hearth/internal/clock"
	"github.com/hearthd/hearth/node"
	"github.com/hearthd/hearth/node/launch"
)

// open opens a node of plain processes in a directory, on a store in memory. Without
// change its options are the daemon's defaults.
func open(t *testing.T, dir string, change func(*node.Options)) *node.Node {
	t.Helper()
	driver, err := launch.OpenDriver(launch.DriverOptions{
		Dir: t.TempDir(), Sandbox: launch.SandboxProcess, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := driver.Close(); err != nil {
			t.Errorf("close the driver: %v", err)
		}
	})
	if change == nil {
		change = func(*node.Options) {}
	}
	o := node.Options{
		Version: "v9", Dir: dir, Store: node.MemoryStore(), Driver: driver, Account: "000000000000", Region: "us-east-1",
		Listen: "127.0.0.1:4566", Network: launch.NetworkNAT, MaxConcurrency: 1000, MaxMemory: 1024,
		IdleTimeout: time.Minute, FreezeAfter: time.Second, MaxAge: time.Hour,
	}
	change(&o)
	n, err := node.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// opened is open for a node that ends with the test.
func opened(t *testing.T, change func(*node.Options)) *node.Node {
	t.Helper()
	n := open(t, t.TempDir(), change)
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return n
}

// onTestClock gives a node a clock that is kept in its directory.
func onTestClock(t *testing.T) func(*node.Options) {
	return func(o *node.Options) {
		test, err := clock.OpenTest(filepath.Join(o.Dir, "clock"))
		if err != nil {
			t.Fatal(err)
		}
		o.Clock = test
	}
}

// ask sends a request to a node and returns the status and body of its answer.
func ask(t *testing.T, n *node.Node, method, target, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:4566"+target, strings.NewReader(body))
	n.Handler().ServeHTTP(w, r)
	text, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(text)
}

func TestNode_Health(t *testing.T) {
	code, body := ask(t, opened(t, nil), http.MethodGet, "/_hearth/health", "")
	if want := `{"status":"ok","version":"v9"}` + "\n"; code != http.StatusOK || body != want {
		t.Errorf("%d %s, want %s", code, body, want)
	}
}

func TestNode_StatusAtRest(t *testing.T) {
	_, body := ask(t, opened(t, onTestClock(t)), http.MethodGet, "/_hearth/status", "")
	var got own.Status
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Missing) == 0 {
		t.Error("plain processes enforce everything, the status says")
	}
	got.Missing = nil
	want := own.Status{
		Version: "v9", Sandbox: "process", Network: "none", Clock: "test", Functions: []own.FunctionCount{},
		Environments: own.Environments{MaxConcurrency: 1000, MaxMemory: 1024},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

// Each group of operations is wired in: one of each answers, and not with what an
// unknown path gets.
func TestNode_ServesEveryGroup(t *testing.T) {
	n := opened(t, nil)
	const fn = "/2015-03-31/functions/none"
	for target, want := range map[string]int{
		"/2015-03-31/functions":                                                200,
		"/2018-10-31/layers":                                                   200,
		"/2015-03-31/event-source-mappings":                                    200,
		"/2020-04-22/code-signing-configs":                                     200,
		"/2025-11-30/capacity-providers":                                       200,
		"/2016-08-19/account-settings":                                         200,
		fn + "/aliases":                                                        404,
		fn + "/policy":                                                         404,
		"/2019-09-25/functions/none/event-invoke-config":                       404,
		"/2021-10-31/functions/none/url":                                       404,
		"/2019-09-30/functions/none/concurrency":                               404,
		"/2021-07-20/functions/none/runtime-management-config":                 404,
		"/2017-03-31/tags/arn:aws:lambda:us-east-1:000000000000:function:none": 404,
		"/_hearth/events":                                                      200,
		"/_hearth/traces":                                                      200,
		"/_hearth/clock":                                                       200,
		"/_hearth/nope":                                                        404,
	} {
		code, body := ask(t, n, http.MethodGet, target, "")
		if code != want || strings.Contains(body, "is no operation") {
			t.Errorf("%s: %d %s, want %d", target, code, body, want)
		}
	}
}

// keys are those that requests can be signed with.
var keys = []node.AccessKey{{
	AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "a secret of some length", Account: "123456789012",
	Principal: "arn:aws:iam::123456789012:root", Organization: "o-a1b2c3d4e5",
}}

func TestNode_AuthGuardsItsOwnPaths(t *testing.T) {
	n := opened(t, func(o *node.Options) { o.Auth = true; o.AccessKeys = keys })
	for target, want := range map[string]int{"/_hearth/health": 200, "/_hearth/status": 403, "/_hearth/clock": 403, "/2015-03-31/functions": 403} {
		if code, body := ask(t, n, http.MethodGet, target, ""); code != want {
			t.Errorf("%s: %d %s, want %d", target, code, body, want)
		}
	}
}

func TestTraces_BadQueries(t *testing.T) {
	n := opened(t, nil)
	for _, query := range []string{"since=yesterday", "limit=many", "limit=-1"} {
		if code, body := ask(t, n, http.MethodGet, "/_hearth/traces?"+query, ""); code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, code, body)
		}
	}
}

func TestClock_Real_IsNotAdvanced(t *testing.T) {
	code, body := ask(t, opened(t, nil), http.MethodPost, "/_hearth/clock/advance", `{"by":"2m"}`)
	if code != http.StatusConflict || !strings.Contains(body, "hearth serve --clock test") {
		t.Errorf("%d %s", code, body)
	}
}

func TestClock_BadAdvances(t *testing.T) {
	n := opened(t, onTestClock(t))
	for _, body := range []string{"", "2m", `{"by":"soon"}`, `{"by":"-1s"}`, `{"by":"1s","wait":"long"}`, `{"by":"` + strings.Repeat("1", 2000) + `s"}`} {
		if code, answer := ask(t, n, http.MethodPost, "/_hearth/clock/advance", body); code != http.StatusBadRequest {
			t.Errorf("%.20s: %d %s", body, code, answer)
		}
	}
}

// now returns where a node's clock stands.
func now(t *testing.T, n *node.Node) time.Time {
	t.Helper()
	_, body := ask(t, n, http.MethodGet, "/_hearth/clock", "")
	var state own.Clock
	if err := json.Unmarshal([]byte(body), &state); err != nil {
		t.Fatal(err)
	}
	return state.Now
}

func TestClock_Test_GoesOnWhereItBegan(t *testing.T) {
	dir := t.TempDir()
	var times [2]time.Time
	for i := range times {
		n := open(t, dir, onTestClock(t))
		times[i] = now(t, n)
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !times[1].Equal(times[0]) {
		t.Errorf("a clock that was not advanced is at %v at the second start, want %v", times[1], times[0])
	}
}

func TestClock_Test_GoesOnWhereItStood(t *testing.T) {
	dir := t.TempDir()
	n := open(t, dir, onTestClock(t))
	start := now(t, n)
	code, body := ask(t, n, http.MethodPost, "/_hearth/clock/advance", `{"by":"90m"}`)
	if got := now(t, n); code != http.StatusOK || !got.Equal(start.Add(90*time.Minute)) {
		t.Errorf("%d %s: the clock stands at %v, want 90 minutes after %v", code, body, got, start)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	n = open(t, dir, onTestClock(t))
	if got := now(t, n); !got.Equal(start.Add(90 * time.Minute)) {
		t.Errorf("at the next start: %v, want 90 minutes after %v", got, start)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}
