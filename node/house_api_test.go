package node_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hearthd/hearth/api/own"
	"github.com/hearthd/hearth/internal/clock"
	"github.com/hearthd/hearth/node"
)

// inHouse runs a test in a house whose store ends with it.
func inHouse(t *testing.T, change func(*node.Options), test func(*house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		store := node.MemoryStore()
		h := furnish(t, store, change)
		test(h)
		h.leave()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// answered is want that reads the answer.
func answered[T any](h *house, status int, method, path string, body any) (answer T) {
	h.Helper()
	text := h.want(status, method, path, body)
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		h.Fatalf("%s %s: %s: %v", method, path, text, err)
	}
	return answer
}

// publish publishes a version of a function, which has to be Active.
func (h *house) publish(name string) (version string) {
	h.Helper()
	synctest.Wait()
	return answered[struct{ Version string }](h, 201, "POST", functions+"/"+name+"/versions", members{}).Version
}

func TestHouse_AnAlias_LeadsToItsVersion(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.create("works")
		version := h.publish("works")
		h.want(200, "PUT", functions+"/works/code", members{"ZipFile": code(h.T, "new code")})
		h.want(201, "POST", functions+"/works/aliases", members{"Name": "live", "FunctionVersion": version})
		synctest.Wait()

		h.want(200, "POST", functions+"/works/invocations?Qualifier=live", members{})
		var ran []string
		for _, box := range h.driver.Open() {
			text, err := os.ReadFile(filepath.Join(box.Spec().Task, "bootstrap"))
			if err != nil {
				h.Fatal(err)
			}
			ran = append(ran, string(text))
		}
		if diff := cmp.Diff([]string{"works"}, ran); diff != "" {
			h.Errorf("the code that ran (-want +got):\n%s", diff)
		}
	})
}

func TestHouse_ALayer_IsInTheEnvironment(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.create("works")
		synctest.Wait()
		layer := answered[struct{ LayerVersionArn string }](h, 201, "POST", "/2018-10-31/layers/tools/versions", members{
			"Content": members{"ZipFile": code(h.T, "of the layer")},
		})
		h.want(200, "PUT", functions+"/works/configuration", members{"Layers": []string{layer.LayerVersionArn}})
		h.invoke("works")
		text, err := os.ReadFile(filepath.Join(h.driver.Open()[0].Spec().Opt, "bootstrap"))
		if err != nil || string(text) != "of the layer" {
			h.Errorf("/opt/bootstrap: %q, %v", text, err)
		}
	})
}

func TestHouse_ProvisionedConcurrency_IsReadyAhead(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.create("works")
		version := h.publish("works")
		path := "/2019-09-30/functions/works/provisioned-concurrency?Qualifier=" + version
		h.want(202, "PUT", path, members{"ProvisionedConcurrentExecutions": 2})
		synctest.Wait()
		type config struct {
			Status                                                                             string
			AllocatedProvisionedConcurrentExecutions, AvailableProvisionedConcurrentExecutions int
		}
		if diff := cmp.Diff(config{"READY", 2, 2}, answered[config](h, 200, "GET", path, nil)); diff != "" {
			h.Errorf("(-want +got):\n%s", diff)
		}
		if n := len(h.driver.Open()); n != 2 {
			h.Errorf("%d sandboxes before any invocation", n)
		}
		h.want(204, "DELETE", path, nil)
		synctest.Wait()
		if n := len(h.driver.Open()); n != 0 {
			h.Errorf("%d sandboxes of what is provisioned no more", n)
		}
	})
}

// lines are those that a log view answered with.
func lines(h *house, text string) (lines []own.LogLine) {
	h.Helper()
	for line := range strings.Lines(text) {
		var l own.LogLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			h.Fatalf("%s: %v", line, err)
		}
		lines = append(lines, l)
	}
	return lines
}

func TestHouse_Logs_AreInTheStreamOfTheEnvironment(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.create("works")
		environment := h.invoke("works")
		pass(time.Second) // the report comes after the answer
		got := lines(h, h.want(200, "GET", "/_hearth/logs?function=works", nil))
		var kinds []string
		for _, l := range got {
			if l.Stream != environment {
				h.Errorf("%q is in %s, want %s", l.Message, l.Stream, environment)
			}
			kind, _, _ := strings.Cut(l.Message, " ")
			kinds = append(kinds, kind)
		}
		if diff := cmp.Diff([]string{"INIT_START", "START", "END", "REPORT"}, kinds); diff != "" {
			h.Errorf("(-want +got):\n%s", diff)
		}
		if status, answer := h.request("GET", "/_hearth/logs?function=none", nil); status != 404 {
			h.Errorf("of no function: %d %s", status, answer)
		}
	})
}

func TestHouse_FollowedLogs_GoOn(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.create("works")
		synctest.Wait()
		ctx, stop := context.WithCancel(h.Context())
		w, ended := httptest.NewRecorder(), make(chan struct{})
		go func() {
			defer close(ended)
			h.node.Handler().ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "http://127.0.0.1:4566/_hearth/logs?function=works&follow=1", nil))
		}()
		synctest.Wait()
		h.invoke("works")
		pass(time.Minute)
		stop()
		<-ended
		if text := w.Body.String(); !strings.Contains(text, "REPORT RequestId") {
			h.Errorf("followed from before the invocation: %s", text)
		}
	})
}

// TestHouse_TestClock_BringsRetriesForward has a clock that stands still: the retries
// come when it is advanced, each once.
func TestHouse_TestClock_BringsRetriesForward(t *testing.T) {
	inHouse(t, func(o *node.Options) { o.Clock = clock.NewTest(time.Now()) }, func(h *house) {
		h.create("fails")
		h.want(202, "POST", functions+"/fails/invocations", members{"n": 1}, "X-Amz-Invocation-Type", "Event")
		pass(10 * time.Minute)
		if n := len(h.callsOf("fails")); n != 1 {
			h.Errorf("%d attempts while the clock stands, want one", n)
		}
		got := answered[own.Advance](h, 200, "POST", "/_hearth/clock/advance", members{"by": "5m"})
		if n := len(h.callsOf("fails")); n != 3 {
			h.Errorf("%d attempts after %+v, want all three", n, got)
		}
		if got.Stopped != "" || got.To.Sub(got.From) != 5*time.Minute {
			h.Errorf("it advanced by %v: %s", got.To.Sub(got.From), got.Stopped)
		}
	})
}

func TestHouse_ClockOutlivesTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, c := node.MemoryStore(), clock.NewTest(time.Now())
		for range 2 {
			h := furnish(t, store, func(o *node.Options) { o.Clock = c })
			h.leave()
		}
		if _, err := c.Advance(t.Context(), time.Hour); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestHouse_LinkToCode_NeedsNoSignature(t *testing.T) {
	inHouse(t, func(o *node.Options) { o.Auth, o.AccessKeys = true, keys }, func(h *house) {
		fn := node.NewFunction(single)
		archive := archive(h.T, "linked")
		fn.Code.Digest, fn.Code.Size = digest(archive), int64(len(archive))
		if err := h.node.Put(h.Context(), fn, archive); err != nil {
			h.Fatal(err)
		}
		location := h.signed(200, "GET", functions+"/"+single.Function)
		var got struct{ Code struct{ Location string } }
		if err := json.Unmarshal([]byte(location), &got); err != nil {
			h.Fatal(err)
		}
		link, err := url.Parse(got.Code.Location)
		if err != nil {
			h.Fatal(err)
		}
		text := h.want(200, "GET", link.RequestURI(), nil)
		z, err := zip.NewReader(bytes.NewReader([]byte(text)), int64(len(text)))
		if err != nil || len(z.File) != 1 || z.File[0].Name != "bootstrap" {
			h.Errorf("the link leads to %q (%v)", text, err)
		}
		query := link.Query()
		for name := range query {
			query.Del(name)
		}
		if status, _ := h.request("GET", link.Path+"?"+query.Encode(), nil); status != 403 {
			h.Errorf("without what the link was signed with: %d", status)
		}
	})
}

func TestHouse_Status_CountsWhatThereIs(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.create("works")
		h.create("fails")
		h.publish("works")
		h.invoke("works")
		h.want(202, "POST", functions+"/fails/invocations", members{}, "X-Amz-Invocation-Type", "Event")
		pass(time.Second)
		got := answered[own.Status](h, 200, "GET", "/_hearth/status", nil)
		want := own.Status{
			Version: "v9", Sandbox: "mem", Network: "none", Clock: own.ClockReal,
			Functions:    []own.FunctionCount{{Account: "000000000000", Region: "us-east-1", Functions: 2}},
			Environments: own.Environments{All: 2, Idle: 2, MaxConcurrency: 1000},
			Events:       own.EventCount{Delayed: 1},
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(own.Status{}, "Missing", "Environments.Memory")); diff != "" {
			h.Errorf("(-want +got):\n%s", diff)
		}
		if events := answered[own.Events](h, 200, "GET", "/_hearth/events", nil); events.Accepted != 1 || events.Failures != 1 {
			h.Errorf("events: %+v", events)
		}
	})
}

func TestHouse_FunctionURL_LeadsToWhereItListens(t *testing.T) {
	inHouse(t, func(o *node.Options) { o.Listen = "127.0.0.1:4566" }, func(h *house) {
		h.create("works")
		got := answered[struct{ FunctionUrl string }](h, 201, "POST", "/2021-10-31/functions/works/url", members{"AuthType": "NONE"}) //nolint:revive // AWS's name
		if !strings.HasPrefix(got.FunctionUrl, "http") || !strings.Contains(got.FunctionUrl, "localhost:4566") {
			h.Errorf("the URL is %s", got.FunctionUrl)
		}
	})
}

func TestHouse_Segments_AreTraces(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.create("traced")
		h.invoke("traced")
		pass(time.Second)
		text := h.want(200, "GET", "/_hearth/traces?traceId="+traceID, nil)
		if !strings.Contains(text, `"name":"traced"`) {
			h.Errorf("traces: %s", text)
		}
	})
}

// Zeros have their meaning in every part that has to know it.
func TestHouse_NoLimitsGiven_HasAWSs(t *testing.T) {
	inHouse(t, func(o *node.Options) { o.MaxConcurrency, o.MaxAge = 0, 0 }, func(h *house) {
		type limits struct{ ConcurrentExecutions, UnreservedConcurrentExecutions int }
		account := answered[struct{ AccountLimit limits }](h, 200, "GET", "/2016-08-19/account-settings", nil)
		if diff := cmp.Diff(limits{1000, 1000}, account.AccountLimit); diff != "" {
			h.Errorf("account (-want +got):\n%s", diff)
		}
		if got := answered[own.Status](h, 200, "GET", "/_hearth/status", nil); got.Environments.MaxConcurrency != 1000 || got.Network != "none" {
			h.Errorf("status: %+v", got)
		}
	})
}

func TestHouse_NoLimitsGiven_RunsEventsSideBySide(t *testing.T) {
	inHouse(t, func(o *node.Options) { o.MaxConcurrency = 0 }, func(h *house) {
		h.create("slow")
		synctest.Wait()
		began := time.Now()
		for range 3 {
			h.want(202, "POST", functions+"/slow/invocations", members{}, "X-Amz-Invocation-Type", "Event")
		}
		pass(time.Minute)
		for _, c := range h.callsOf("slow") {
			if after := c.at.Sub(began); after >= slowness {
				h.Errorf("an event ran after %v: it waited for another one", after)
			}
		}
		if n := len(h.callsOf("slow")); n != 3 {
			h.Errorf("%d events ran", n)
		}
	})
}

// archive is code as bytes.
func archive(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(code(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// signed is want with a signature of the first of keys.
func (h *house) signed(status int, method, path string) string {
	h.Helper()
	r := httptest.NewRequestWithContext(h.Context(), method, "http://127.0.0.1:4566"+path, http.NoBody)
	sign(r)
	w := httptest.NewRecorder()
	h.node.Handler().ServeHTTP(w, r)
	text, err := io.ReadAll(w.Body)
	if err != nil || w.Code != status {
		h.Fatalf("%s %s: %d %s (%v)", method, path, w.Code, text, err)
	}
	return string(text)
}
