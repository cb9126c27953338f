package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/api/own"
)

// asyncHandler notes in a file what it was given, and fails if the event says
// so, by default; an update of the code can make it do better.
const asyncHandler = `import json, os
def handler(event, context):
    runs = os.open(os.environ["RUNS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    note = {"Function": context.function_name, "ID": context.aws_request_id, "ARN": context.invoked_function_arn, "Event": event, "Code": "first"}
    os.write(runs, (json.dumps(note) + "\n").encode())
    os.close(runs)
    if event.get("fail"):
        raise Exception("as the event says")
    return {"was": event.get("n")}
`

// async is a daemon on a test clock, and a function that notes its runs.
type async struct {
	*testing.T
	d    *daemon
	fn   function
	runs string
}

// asyncRun is what the function noted.
type asyncRun struct {
	Function, ID, ARN, Code string
	Event                   json.RawMessage
}

func startAsync(t *testing.T) *async {
	t.Helper()
	t.Parallel()
	a := &async{T: t, runs: filepath.Join(t.TempDir(), "runs")}
	a.d = startDaemon(t, "--sandbox", "process", "--clock", "test")
	a.fn = a.function()
	return a
}

// function creates another function that notes its runs.
func (a *async) function(options ...func(*lambda.CreateFunctionInput)) function {
	a.Helper()
	return a.d.create(a.T, a.d.newest(a.T, "python"), "app.handler", files{"app.py": asyncHandler},
		append(options, environment("RUNS", a.runs))...)
}

// send sends an event, which must be accepted, and returns its request id.
func (a *async) send(payload string) string {
	a.Helper()
	out, err := a.d.client().Invoke(ctxFor(a.T), &lambda.InvokeInput{
		FunctionName: &a.fn.name, InvocationType: types.InvocationTypeEvent, Payload: []byte(payload),
	})
	if err != nil {
		a.Fatal(err)
	}
	if out.StatusCode != http.StatusAccepted || len(out.Payload) != 0 || out.ExecutedVersion != nil || out.FunctionError != nil {
		a.Errorf("answer %d %q %v %v", out.StatusCode, out.Payload, aws.ToString(out.ExecutedVersion), aws.ToString(out.FunctionError))
	}
	id, _ := middleware.GetRequestIDMetadata(out.ResultMetadata)
	return id
}

// advance moves the clock; when it returns, everything that came due has ended.
func (a *async) advance(by string) (fired []string) {
	a.Helper()
	p := hearth(a.T, nil, "clock", "advance", by, "--json", "--endpoint", a.d.endpoint)
	var report own.Advance
	if err := json.Unmarshal([]byte(p.stdout), &report); err != nil || p.code != 0 {
		a.Fatalf("exit code %d, %v: %s%s", p.code, err, p.stdout, p.stderr)
	}
	for _, f := range report.Fired {
		fired = append(fired, fmt.Sprintf("%s after %v", f.What, f.At.Sub(report.From)))
	}
	return fired
}

// ran returns the runs so far.
func (a *async) ran() (runs []asyncRun) {
	a.Helper()
	lines, err := os.ReadFile(a.runs)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.Fatal(err)
	}
	for line := range bytes.Lines(lines) {
		var r asyncRun
		if err := json.Unmarshal(line, &r); err != nil {
			a.Fatal(err)
		}
		runs = append(runs, r)
	}
	return runs
}

// wantRuns compares the function and request id of each run.
func (a *async) wantRuns(want ...string) {
	a.Helper()
	var got []string
	for _, r := range a.ran() {
		got = append(got, r.Function+" "+r.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		a.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestEvent_RunsOnceAndIsForgotten(t *testing.T) {
	a := startAsync(t)
	id := a.send(`{"n": 1}`)
	a.advance("10h")
	a.wantRuns(a.fn.name + " " + id)
	if r := a.ran()[0]; string(r.Event) != `{"n": 1}` || !strings.HasSuffix(r.ARN, ":function:"+a.fn.name) {
		t.Errorf("%+v", r)
	}
}

func TestEvent_ThatFails_IsRetriedAfterOneAndTwoMinutes(t *testing.T) {
	a := startAsync(t)
	id := a.send(`{"fail": true}`)
	retry := "run event " + id + " of " + a.fn.name + " again after "
	if diff := cmp.Diff([]string{retry + "1m0s", retry + "3m0s"}, a.advance("4m")); diff != "" {
		t.Error(diff)
	}
	run := a.fn.name + " " + id
	a.wantRuns(run, run, run)
	a.advance("10h")
	a.wantRuns(run, run, run)
}

func TestEvent_BetweenAttempts_SurvivesAKill(t *testing.T) {
	a := startAsync(t)
	id := a.send(`{"fail": true}`)
	a.advance("90s")
	if err := a.d.kill(); err != nil {
		t.Fatal(err)
	}
	if err := a.d.start(); err != nil {
		t.Fatal(err)
	}
	run := a.fn.name + " " + id
	a.advance("80s") // of the two minutes, 110 s have passed
	a.wantRuns(run, run)
	a.advance("10s")
	a.wantRuns(run, run, run)
	a.advance("10h")
	a.wantRuns(run, run, run)
}

func TestEvent_RunningWhenStopped_IsRunAgain(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, "--sandbox", "process")
	runs := filepath.Join(t.TempDir(), "runs")
	fn := d.create(t, d.newest(t, "python"), "app.handler", files{"app.py": `import os, time
def handler(event, context):
    open(os.environ["RUNS"], "a").write(context.aws_request_id + "\n")
    time.sleep(100)
`}, timeout(120), environment("RUNS", runs))
	_, err := d.client().Invoke(ctxFor(t), &lambda.InvokeInput{FunctionName: &fn.name, InvocationType: types.InvocationTypeEvent})
	if err != nil {
		t.Fatal(err)
	}
	lines := func() []string {
		content, _ := os.ReadFile(runs) // missing at first
		return strings.Fields(string(content))
	}
	eventually(t, "run the event", func() bool { return len(lines()) == 1 })
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "run the event again", func() bool { return len(lines()) == 2 })
	if got := lines(); got[0] != got[1] {
		t.Errorf("request ids %q", got)
	}
	if err := d.kill(); err != nil { // nobody waits for the function to end
		t.Fatal(err)
	}
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.client().DeleteFunction(ctxFor(t), &lambda.DeleteFunctionInput{FunctionName: &fn.name}); err != nil {
		t.Fatal(err)
	}
}

func TestEvent_ThatWaits_RunsOnNewCode(t *testing.T) {
	a := startAsync(t)
	a.send(`{"fail": true}`)
	a.advance("0s")
	a.updateCode("second")
	a.advance("10h")
	a.wantCodes("first", "second")
}

// eventRecord is what a destination is told.
type eventRecord struct {
	Version        string
	Timestamp      time.Time
	RequestContext struct {
		RequestID, FunctionArn, Condition string
		ApproximateInvokeCount            int
	}
	RequestPayload, ResponsePayload json.RawMessage
	ResponseContext                 *struct {
		StatusCode                     int
		ExecutedVersion, FunctionError string
	}
}

// told returns what the last run was told, which must be a destination's.
func (a *async) told(fn function) (r eventRecord) {
	a.Helper()
	runs := a.ran()
	if len(runs) == 0 || runs[len(runs)-1].Function != fn.name {
		a.Fatalf("the destination was told nothing: %+v", runs)
	}
	if err := json.Unmarshal(runs[len(runs)-1].Event, &r); err != nil {
		a.Fatal(err)
	}
	return r
}

// configure sets the function's event invoke config.
func (a *async) configure(in *lambda.PutFunctionEventInvokeConfigInput) {
	a.Helper()
	in.FunctionName = &a.fn.name
	if _, err := a.d.client().PutFunctionEventInvokeConfig(ctxFor(a.T), in); err != nil {
		a.Fatal(err)
	}
}

// destinations is a DestinationConfig of functions; the empty one is none.
func destinations(success, failure function) *types.DestinationConfig {
	c := &types.DestinationConfig{}
	arn := func(f function) *string {
		return aws.String("arn:aws:lambda:us-east-1:000000000000:function:" + f.name)
	}
	if success.name != "" {
		c.OnSuccess = &types.OnSuccess{Destination: arn(success)}
	}
	if failure.name != "" {
		c.OnFailure = &types.OnFailure{Destination: arn(failure)}
	}
	return c
}

func TestEvent_ThatFailed_TellsItsDestination(t *testing.T) {
	a := startAsync(t)
	told := a.function(named("told"))
	a.configure(&lambda.PutFunctionEventInvokeConfigInput{MaximumRetryAttempts: aws.Int32(1), DestinationConfig: destinations(function{}, told)})
	id := a.send(`{"fail": true}`)
	a.advance("10m")
	if n := len(a.ran()); n != 3 {
		t.Errorf("%d runs: %+v", n, a.ran())
	}
	r := a.told(told)
	if c := r.RequestContext; c.RequestID != id || c.Condition != "RetriesExhausted" || c.ApproximateInvokeCount != 2 ||
		c.FunctionArn != "arn:aws:lambda:us-east-1:000000000000:function:"+a.fn.name+":$LATEST" {
		t.Errorf("%+v", c)
	}
	if c := r.ResponseContext; c == nil || c.StatusCode != 200 || c.ExecutedVersion != "$LATEST" || c.FunctionError != "Unhandled" {
		t.Errorf("%+v", c)
	}
	if r.Version != "1.0" || !strings.Contains(string(r.ResponsePayload), "as the event says") || string(r.RequestPayload) != `{"fail": true}` {
		t.Errorf("%s %s %s", r.Version, r.RequestPayload, r.ResponsePayload)
	}
}

func TestEvent_ThatSucceeded_TellsItsDestination(t *testing.T) {
	a := startAsync(t)
	told := a.function(named("told"))
	a.configure(&lambda.PutFunctionEventInvokeConfigInput{DestinationConfig: destinations(told, function{})})
	id := a.send(`{"n": 7}`)
	a.advance("0s")
	r := a.told(told)
	if c := r.RequestContext; c.RequestID != id || c.Condition != "Success" || c.ApproximateInvokeCount != 1 {
		t.Errorf("%+v", c)
	}
	if string(r.ResponsePayload) != `{"was": 7}` || r.ResponseContext == nil || r.ResponseContext.FunctionError != "" {
		t.Errorf("%+v", r)
	}
	if a.ran()[1].ID == id {
		t.Error("the destination was run under the event's own request id")
	}
}

func TestEvent_TooOldForItsRetry_Expires(t *testing.T) {
	a := startAsync(t)
	told := a.function(named("told"))
	a.configure(&lambda.PutFunctionEventInvokeConfigInput{MaximumEventAgeInSeconds: aws.Int32(60), DestinationConfig: destinations(function{}, told)})
	a.send(`{"fail": true}`)
	a.advance("10h")
	// The first retry is due just as the event is 60 s old, the second never.
	if c := a.told(told).RequestContext; c.Condition != "EventAgeExceeded" || c.ApproximateInvokeCount != 2 {
		t.Errorf("%+v", c)
	}
}

func TestEvent_OfAFunctionWithoutConcurrency_GoesToItsDestination(t *testing.T) {
	a := startAsync(t)
	told := a.function(named("told"))
	a.configure(&lambda.PutFunctionEventInvokeConfigInput{DestinationConfig: destinations(function{}, told)})
	if _, err := a.d.client().PutFunctionConcurrency(ctxFor(t), &lambda.PutFunctionConcurrencyInput{
		FunctionName: &a.fn.name, ReservedConcurrentExecutions: aws.Int32(0),
	}); err != nil {
		t.Fatal(err)
	}
	a.send(`{}`)
	a.advance("0s")
	if n := len(a.ran()); n != 1 {
		t.Errorf("%d runs", n)
	}
	r := a.told(told)
	if c := r.RequestContext; c.Condition != "ZeroReservedConcurrency" || c.ApproximateInvokeCount != 0 || r.ResponseContext != nil || r.ResponsePayload != nil {
		t.Errorf("%+v", r)
	}
}

func TestEvent_OfADeletedFunction_IsDropped(t *testing.T) {
	a := startAsync(t)
	a.send(`{"fail": true}`)
	a.advance("0s")
	if _, err := a.d.client().DeleteFunction(ctxFor(t), &lambda.DeleteFunctionInput{FunctionName: &a.fn.name}); err != nil {
		t.Fatal(err)
	}
	a.advance("10h")
	if n := len(a.ran()); n != 1 {
		t.Errorf("%d runs", n)
	}
	if !strings.Contains(a.d.log(), "event dropped: its function is gone") {
		t.Errorf("its end is not in the log:\n%s", a.d.log())
	}
}

func TestEvent_OfAMegabyte_Arrives(t *testing.T) {
	a := startAsync(t)
	payload := `{"n": "` + strings.Repeat("x", 1<<20-9) + `"}`
	a.send(payload)
	a.advance("0s")
	if runs := a.ran(); len(runs) != 1 || string(runs[0].Event) != payload {
		t.Errorf("%d runs", len(runs))
	}
	_, err := a.d.client().Invoke(ctxFor(t), &lambda.InvokeInput{
		FunctionName: &a.fn.name, InvocationType: types.InvocationTypeEvent, Payload: []byte(payload + " "),
	})
	if code := apiError(t, err).ErrorCode(); code != "RequestEntityTooLargeException" {
		t.Errorf("a byte more: %v", err)
	}
}

func TestEvent_ThatCannotBe_IsRefused(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	for name, in := range map[string]*lambda.InvokeInput{
		"ResourceNotFoundException":      {FunctionName: aws.String("no-such-function")},
		"InvalidRequestContentException": {FunctionName: &fn.name, Payload: []byte(`{`)},
	} {
		in.InvocationType = types.InvocationTypeEvent
		_, err := fn.d.client().Invoke(ctxFor(t), in)
		if code := apiError(t, err).ErrorCode(); code != name {
			t.Errorf("got %s, want %s", code, name)
		}
	}
}

func TestInvokeAsync_IsAccepted(t *testing.T) {
	a := startAsync(t)
	out, err := a.d.client().InvokeAsync(ctxFor(t), &lambda.InvokeAsyncInput{ //nolint:staticcheck // old, and served all the same
		FunctionName: &a.fn.name, InvokeArgs: strings.NewReader(`{"n": 1}`),
	})
	if err != nil || out.Status != http.StatusAccepted {
		t.Fatalf("%+v, %v", out, err)
	}
	a.advance("0s")
	if runs := a.ran(); len(runs) != 1 || string(runs[0].Event) != `{"n": 1}` {
		t.Errorf("%+v", runs)
	}
}

func TestInvokeCommand_Async_IsQueued(t *testing.T) {
	a := startAsync(t)
	p := hearth(t, nil, "invoke", a.fn.name, "--async", "--payload", `{"n": 1}`, "--endpoint", a.d.endpoint)
	if p.code != 0 || p.stdout != "" || !strings.HasPrefix(p.stderr, "queued as ") {
		t.Errorf("exit code %d: %s%s", p.code, p.stdout, p.stderr)
	}
	a.advance("0s")
	a.wantRuns(a.fn.name + " " + strings.TrimSpace(strings.TrimPrefix(p.stderr, "queued as ")))
}

func TestClock_Advanced_ClosesIdleEnvironments(t *testing.T) {
	a := startAsync(t)
	a.fn.invoke(t, `{}`)
	if len(functionProcesses(a.fn.name)) == 0 {
		t.Fatal("a warm function has no process: what follows would show nothing")
	}
	a.advance("9m")
	if len(functionProcesses(a.fn.name)) == 0 {
		t.Error("closed before its time")
	}
	a.advance("1m")
	eventually(t, "close the environment", func() bool { return len(functionProcesses(a.fn.name)) == 0 })
}

func TestClock_StandsStill_AndGoesOnWhereItStood(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, "--clock", "test")
	now := func() string {
		p := hearth(t, nil, "clock", "now", "--endpoint", d.endpoint)
		if p.code != 0 || !strings.Contains(p.stdout, "(test clock)") {
			t.Fatalf("exit code %d: %s%s", p.code, p.stdout, p.stderr)
		}
		return p.stdout
	}
	before := now()
	if after := now(); after != before {
		t.Errorf("%s, then %s", before, after)
	}
	if p := hearth(t, nil, "clock", "advance", "48h", "--endpoint", d.endpoint); p.code != 0 {
		t.Errorf("exit code %d: %s", p.code, p.stderr)
	}
	later := now()
	if later == before {
		t.Error("it did not move")
	}
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
	if again := now(); again != later {
		t.Errorf("%s before the restart, then %s", later, again)
	}
}

func TestClock_Real_IsNotAdvanced(t *testing.T) {
	t.Parallel()
	d := shared(t)
	p := hearth(t, nil, "clock", "advance", "2m", "--endpoint", d.endpoint)
	if p.code != 7 || !strings.Contains(p.stderr, "hearth serve --clock test") {
		t.Errorf("exit code %d: %s", p.code, p.stderr)
	}
	if p := hearth(t, nil, "clock", "now", "--endpoint", d.endpoint); p.code != 0 || !strings.Contains(p.stdout, "(real clock)") {
		t.Errorf("exit code %d: %s%s", p.code, p.stdout, p.stderr)
	}
}

func TestClock_NonsenseToAdvance_IsRefused(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, "--clock", "test")
	for _, body := range []string{``, `{}`, `{"by": "-1m"}`, `{"by": "soon"}`, `{"by": "1m", "wait": "-1s"}`} {
		resp, err := http.Post(d.endpoint+"/_hearth/clock/advance", "application/json", strings.NewReader(body)) //nolint:noctx // local
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(resp.Body)
		if err != nil || resp.Body.Close() != nil || resp.StatusCode != http.StatusBadRequest || !bytes.Contains(answer, []byte("message")) {
			t.Errorf("%s: %s %s %v", body, resp.Status, answer, err)
		}
	}
}
