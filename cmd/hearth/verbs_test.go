package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const invocations = "POST /2015-03-31/functions/f/invocations"

func TestInvoke_Response(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers[invocations] = success(`{"a":1}`)
	got := hearthAt(t, d, "invoke", "f", "--payload", `{"name":"x"}`)
	if want := (outcome{exitOK, "{\"a\":1}\n", ""}); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
	if diff := cmp.Diff([]string{invocations + ` {"name":"x"}`}, d.seen()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestInvoke_PayloadFromStdin(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers[invocations] = success(`null`)
	hearthIn(t, map[string]string{"HEARTH_ENDPOINT": d.url}, `{"from":"stdin"}`, "invoke", "f", "--payload", "-")
	if diff := cmp.Diff([]string{invocations + ` {"from":"stdin"}`}, d.seen()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestInvoke_PayloadTooLarge(t *testing.T) {
	got := hearthIn(t, nil, strings.Repeat(" ", 7<<20), "invoke", "f", "--payload", "-")
	if got.code != exitInvalid || !strings.Contains(got.stderr, "larger than 6291556 bytes") {
		t.Errorf("outcome = %+v, want code %d and the limit", got, exitInvalid)
	}
}

func TestInvoke_FunctionError(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers[invocations] = success(`{"errorMessage":"boom","errorType":"ValueError"}`, "X-Amz-Function-Error: Unhandled")
	got := hearthAt(t, d, "invoke", "f")
	want := outcome{exitFunction, `{"errorMessage":"boom","errorType":"ValueError"}` + "\n", "hearth: function failed: ValueError: boom\n"}
	if got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
}

func TestInvoke_ErrorAnswers(t *testing.T) {
	tests := []struct {
		status     int
		code, text string
		want       int
	}{
		{404, "ResourceNotFoundException", "Function not found: f", exitNotFound},
		{429, "TooManyRequestsException", "Rate Exceeded.", exitThrottled},
		{400, "InvalidRequestContentException", "Could not parse", exitInvalid},
		{500, "ServiceException", "oops", exitInternal},
	}
	for _, test := range tests {
		t.Run(test.code, func(t *testing.T) {
			d := newFakeDaemon(t)
			d.answers[invocations] = failure(test.status, test.code, test.text)
			got := hearthAt(t, d, "invoke", "f")
			want := outcome{test.want, "", "hearth: invoke f: " + test.text + " (" + test.code + ")\n"}
			if got != want {
				t.Errorf("outcome = %+v, want %+v", got, want)
			}
		})
	}
}

func TestRun_HintsAtCredentials(t *testing.T) {
	for code, want := range map[string]string{
		"MissingAuthenticationTokenException": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
		"UnrecognizedClientException":         "AWS_ACCESS_KEY_ID is no access key of this daemon's list",
		"InvalidSignatureException":           "AWS_SECRET_ACCESS_KEY is not the one that belongs to AWS_ACCESS_KEY_ID",
	} {
		d := newFakeDaemon(t)
		d.answers[invocations] = failure(403, code, "no")
		if got := hearthAt(t, d, "invoke", "f"); got.code != exitDenied || !strings.Contains(got.stderr, want) {
			t.Errorf("%s: outcome = %+v, want code %d and %q", code, got, exitDenied, want)
		}
	}
}

func TestInvoke_Tail(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers[invocations] = success(`1`, "X-Amz-Log-Result: U1RBUlQK")
	got := hearthAt(t, d, "invoke", "f", "--tail")
	if want := (outcome{exitOK, "1\n", "START\n"}); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
}

func TestInvoke_Async(t *testing.T) {
	d := newFakeDaemon(t)
	var invocationType string
	d.answers[invocations] = func(w http.ResponseWriter, r *http.Request) {
		invocationType = r.Header.Get("X-Amz-Invocation-Type")
		w.Header().Set("X-Amzn-RequestId", "id-1")
		w.WriteHeader(http.StatusAccepted)
	}
	got := hearthAt(t, d, "invoke", "f", "--async")
	if want := (outcome{exitOK, "", "queued as id-1\n"}); got != want || invocationType != "Event" {
		t.Errorf("outcome = %+v with type %q, want %+v with type Event", got, invocationType, want)
	}
}

func TestInvoke_JSON(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers[invocations] = success(`not json`, "X-Amz-Executed-Version: 7", "X-Amz-Log-Result: bG9n", "X-Amzn-RequestId: id")
	got := hearthAt(t, d, "invoke", "f", "--json")
	want := `{
  "StatusCode": 200,
  "ExecutedVersion": "7",
  "RequestId": "id",
  "LogResult": "log",
  "Payload": "not json"
}
`
	if got.stdout != want {
		t.Errorf("stdout = %s, want %s", got.stdout, want)
	}
}

func TestFunctions_Table(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers["GET /2015-03-31/functions"] = success(`{"Functions":[
		{"FunctionName":"a","Runtime":"python3.13","Handler":"app.handler","MemorySize":128,"Timeout":3,"CodeSize":765,"LastModified":"2026-11-21T10:00:00.000+0000"},
		{"FunctionName":"image","PackageType":"Image","MemorySize":512,"Timeout":60,"CodeSize":12345,"LastModified":"2026-11-21T10:00:00.000+0000"}]}`)
	want := "" +
		"NAME   RUNTIME     HANDLER      MEMORY  TIMEOUT  CODE   MODIFIED\n" +
		"a      python3.13  app.handler  128 MB  3 s      765    2026-11-21T10:00:00.000+0000\n" +
		"image  Image                    512 MB  60 s     12345  2026-11-21T10:00:00.000+0000\n"
	if got := hearthAt(t, d, "functions"); got.stdout != want {
		t.Errorf("stdout:\n%swant:\n%s", got.stdout, want)
	}
}

func TestFunctions_None(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers["GET /2015-03-31/functions"] = success(`{"Functions":[]}`)
	if got, want := hearthAt(t, d, "functions"), "no functions yet; deploy one with: hearth deploy DIR\n"; got.stderr != want || got.stdout != "" {
		t.Errorf("outcome = %+v, want %q on stderr", got, want)
	}
	if got := hearthAt(t, d, "functions", "list", "--json"); got.stdout != "[]\n" {
		t.Errorf("JSON = %q, want an empty list", got.stdout)
	}
}

func TestFunctionsGet_JSON(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers["GET /2015-03-31/functions/f/configuration"] = success(`{"FunctionName":"f","RevisionId":"r"}`)
	got := hearthAt(t, d, "functions", "get", "f", "--json")
	var shape map[string]any
	if err := json.Unmarshal([]byte(got.stdout), &shape); err != nil || shape["FunctionName"] != "f" || shape["RevisionId"] != "r" {
		t.Errorf("stdout (%v):\n%s", err, got.stdout)
	}
}

func TestFunctionsDelete(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers["DELETE /2015-03-31/functions/f"] = success(``)
	if got := hearthAt(t, d, "functions", "delete", "f"); got.code != exitOK {
		t.Errorf("outcome = %+v", got)
	}
	if got := hearthAt(t, d, "functions", "delete", "g"); got.code != exitNotFound {
		t.Errorf("outcome = %+v, want code %d", got, exitNotFound)
	}
}

func TestLogs_Lines(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers["GET /_hearth/logs"] = success(`{"time":"2026-11-21T10:00:00.0256Z","stream":"s","message":"REPORT\t\n"}` + "\n")
	if got, want := hearthAt(t, d, "logs", "f"), "2026-11-21T10:00:00.025Z REPORT\t\n"; got.stdout != want {
		t.Errorf("stdout = %q, want %q", got.stdout, want)
	}
	if got, want := hearthAt(t, d, "logs", "f", "--json"), `{"time":"2026-11-21T10:00:00.0256Z","stream":"s","message":"REPORT\t\n"}`+"\n"; got.stdout != want {
		t.Errorf("JSON = %q, want %q", got.stdout, want)
	}
}

// Interrupting is how following ends; it is not an error.
func TestLogs_FollowInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d := newFakeDaemon(t)
	d.answers["GET /_hearth/logs"] = func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"message":"one"}`+"\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	stdout := &cancelOnWrite{cancel: cancel}
	var stderr bytes.Buffer
	code := run(ctx, []string{"logs", "f", "--follow", "--endpoint", d.url}, &cli{stdout: stdout, stderr: &stderr, getenv: func(string) string { return "" }})
	if code != exitOK || stderr.Len() > 0 || !strings.HasSuffix(stdout.String(), " one\n") {
		t.Errorf("exit code %d, stdout %q, stderr %q; want 0, the line, nothing", code, stdout, &stderr)
	}
}

// cancelOnWrite is the user who interrupts once there was something to read.
type cancelOnWrite struct {
	bytes.Buffer
	cancel context.CancelFunc
}

func (w *cancelOnWrite) Write(p []byte) (int, error) {
	w.cancel()
	return w.Buffer.Write(p)
}

func TestParseSince(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		text string
		want time.Time
	}{
		{"", time.Time{}},
		{"90s", now.Add(-90 * time.Second)},
		{"2026-11-21T10:00:00Z", now.Add(-2 * time.Hour)},
	}
	for _, test := range tests {
		got, err := parseSince(test.text, now)
		if err != nil || !got.Equal(test.want) {
			t.Errorf("parseSince(%q) = %v, %v; want %v", test.text, got, err, test.want)
		}
	}
}

func TestStatus_WaitsForStart(t *testing.T) {
	d := newFakeDaemon(t)
	asked := 0
	d.answers["GET /_hearth/health"] = func(w http.ResponseWriter, r *http.Request) {
		asked++
		if asked < 3 {
			failure(503, "ServiceException", "starting")(w, r)
			return
		}
		success(`{"status":"ok","version":"v1"}`)(w, r)
	}
	if got := hearthAt(t, d, "status", "--wait", "1m"); got.code != exitOK || asked != 3 {
		t.Errorf("outcome = %+v after %d questions, want success after 3", got, asked)
	}
}

func TestStatus_GivesUp(t *testing.T) {
	got := hearthIn(t, map[string]string{"HEARTH_ENDPOINT": "http://127.0.0.1:1"}, "", "status", "--wait", "1ms")
	if got.code != exitUnreachable {
		t.Errorf("outcome = %+v, want code %d", got, exitUnreachable)
	}
}

func TestDoctor_FixesBelowTheTable(t *testing.T) {
	probe := func(context.Context, *cli) ([]hostCheck, error) {
		return []hostCheck{
			{Name: "good", Status: checkOK, Detail: "fine"},
			{Name: "bad", Status: checkMissing, Detail: "gone", Fix: "apt-get install it"},
		}, nil
	}
	var stdout bytes.Buffer
	if err := runDoctor(t.Context(), &cli{stdout: &stdout}, []hostProbe{probe}, false); err != nil {
		t.Fatal(err)
	}
	want := "CHECK  STATUS   FOUND\ngood   ok       fine\nbad    missing  gone\n\nTo get the rest:\n  bad: apt-get install it\n"
	if got := stdout.String(); got != want {
		t.Errorf("stdout:\n%swant:\n%s", got, want)
	}
}

func TestDoctor_ThisHost(t *testing.T) {
	got := hearthIn(t, nil, "", "doctor", "--json")
	var checks []hostCheck
	if err := json.Unmarshal([]byte(got.stdout), &checks); err != nil || len(checks) == 0 {
		t.Fatalf("no checks (%v): %+v", err, got)
	}
	for _, check := range checks {
		if check.Name == "" || check.Detail == "" || (check.Fix == "") != (check.Status == checkOK) {
			t.Errorf("check is incomplete: %+v", check)
		}
	}
}

func TestSpin_ShortWaitDrawsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		stop := (&cli{stderr: &stderr, tty: true}).spin("waiting")
		<-time.After(spinAfter - time.Millisecond)
		stop()
		if stderr.Len() > 0 {
			t.Errorf("drew %q", &stderr)
		}
	})
}

func TestSpin_LongWaitDrawsAndWipes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		stop := (&cli{stderr: &stderr, tty: true}).spin("waiting")
		<-time.After(spinAfter + spinEvery + time.Millisecond)
		stop()
		want := "\r| waiting (0.3 s)\x1b[K\r/ waiting (0.4 s)\x1b[K\r\x1b[K"
		if stderr.String() != want {
			t.Errorf("drew %q, want %q", &stderr, want)
		}
	})
}

func TestSpin_NoTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		stop := (&cli{stderr: &stderr}).spin("waiting")
		<-time.After(time.Minute)
		stop()
		if stderr.Len() > 0 {
			t.Errorf("drew %q into a pipe", &stderr)
		}
	})
}
