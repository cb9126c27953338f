package e2e_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/hearthd/hearth/test/compile"
)

// badRuntime compiles testdata/badruntime once.
var badRuntime = sync.OnceValues(func() (string, error) {
	program := filepath.Join(filepath.Dir(hearthBinary), "badruntime")
	if err := compile.Program(context.Background(), "test/e2e/testdata/badruntime", program); err != nil {
		return "", err
	}
	content, err := os.ReadFile(program)
	return string(content), err
})

// misbehave creates a function whose runtime misbehaves in some way, lets it
// do so, and returns what the caller got. After that it must answer again: the
// second result is what it answered.
func misbehave(t *testing.T, how string) (bad, good result) {
	t.Helper()
	program, err := badRuntime()
	if err != nil {
		t.Fatalf("build badruntime: %v\n%s", err, program)
	}
	fn := shared(t).create(t, "provided.al2023", how, files{"bootstrap": program}, timeout(1))
	bad = fn.invoke(t, `"misbehave"`)
	good = fn.invoke(t, `{}`)
	if good.FunctionError != "" {
		t.Errorf("the next invocation failed: %s\n%s", good.Payload, good.Log)
	}
	return bad, good
}

// expectFailure compares a failed invocation's payload; @ is its request id.
func expectFailure(t *testing.T, got result, want string) {
	t.Helper()
	want = strings.ReplaceAll(want, "@", got.RequestID)
	if got.FunctionError != "Unhandled" || got.Payload != want {
		t.Errorf("the caller got %s %s, want Unhandled %s", got.FunctionError, got.Payload, want)
	}
}

// expectPayload compares a successful invocation's payload.
func expectPayload(t *testing.T, got result, want string) {
	t.Helper()
	if got.FunctionError != "" || got.Payload != want {
		t.Errorf("the caller got %s %.200s, want %s", got.FunctionError, got.Payload, want)
	}
}

func TestBadRuntime_NeverPolls(t *testing.T) {
	t.Parallel()
	bad, _ := misbehave(t, "never-polls")
	expectFailure(t, bad, `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: @ Error: Task timed out after 1.00 seconds"}`)
	for _, line := range []string{
		`INIT_REPORT Init Duration: (9999|10\d\d\d)\.\d\d ms\tPhase: init\tStatus: timeout\n`,
		`INIT_REPORT Init Duration: 1\d\d\d\.\d\d ms\tPhase: invoke\tStatus: timeout\n`,
	} {
		if !regexp.MustCompile(line).MatchString(bad.Log) {
			t.Errorf("no line like %q in the log %q", line, bad.Log)
		}
	}
}

func TestBadRuntime_AnswersTwice(t *testing.T) {
	t.Parallel()
	bad, good := misbehave(t, "answers-twice")
	expectPayload(t, bad, `"first"`)
	expectPayload(t, good, `["202","403 InvalidStateTransition"]`)
}

func TestBadRuntime_AnswersAnotherRequest(t *testing.T) {
	t.Parallel()
	bad, good := misbehave(t, "answers-another")
	expectPayload(t, bad, `"right"`)
	expectPayload(t, good, `["400 InvalidRequestID"]`)
}

func TestBadRuntime_AnswersBeforeAsking(t *testing.T) {
	t.Parallel()
	program, err := badRuntime()
	if err != nil {
		t.Fatalf("build badruntime: %v\n%s", err, program)
	}
	fn := shared(t).create(t, "provided.al2023", "answers-before-asking", files{"bootstrap": program})
	expectPayload(t, fn.invoke(t, `{}`), `["400 InvalidRequestID"]`)
}

func TestBadRuntime_SendsHalfABody(t *testing.T) {
	t.Parallel()
	bad, good := misbehave(t, "sends-half")
	expectFailure(t, bad, `{"errorType":"Runtime.TruncatedResponse","errorMessage":"RequestId: @ Error: HTTP request detected as truncated"}`)
	expectPayload(t, good, `null`) // a new process: nothing was said to it
}

func TestBadRuntime_SendsTooMuch(t *testing.T) {
	t.Parallel()
	bad, good := misbehave(t, "sends-too-much")
	expectFailure(t, bad, `{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`)
	expectPayload(t, good, `["413 RequestEntityTooLarge"]`) // the same process
}

func TestBadRuntime_SendsGarbage(t *testing.T) {
	t.Parallel()
	bad, good := misbehave(t, "sends-garbage")
	expectPayload(t, bad, `"right"`)
	expectPayload(t, good, `null`)
}

func TestBadRuntime_NamesAnUnknownResponseMode(t *testing.T) {
	t.Parallel()
	bad, good := misbehave(t, "unknown-mode")
	expectFailure(t, bad, `{"errorType":"Runtime.InvalidResponseModeHeader","errorMessage":"RequestId: @ Error: Invalid function response mode"}`)
	expectPayload(t, good, `["400 InvalidFunctionResponseMode"]`)
}

func TestBadRuntime_IsKilled(t *testing.T) {
	t.Parallel()
	bad, _ := misbehave(t, "kills-itself")
	expectFailure(t, bad, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: @ Error: Runtime exited with error: signal: killed"}`)
}

func TestBadRuntime_LeavesAChild(t *testing.T) {
	t.Parallel()
	bad, _ := misbehave(t, "leaves-a-child")
	expectFailure(t, bad, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: @ Error: Runtime exited with error: exit status 9"}`)
	for _, p := range functionProcesses(testName(t)) {
		if strings.Contains(p, "sleep") {
			t.Errorf("its child is still there after the reset: %s", p)
		}
	}
}

func TestBadRuntime_FloodsTheLog(t *testing.T) {
	t.Parallel()
	bad, _ := misbehave(t, "floods-the-log")
	expectPayload(t, bad, `"right"`)
	if !strings.Contains(bad.Log, "REPORT RequestId: "+bad.RequestID) || len(bad.Log) > 4102 {
		t.Errorf("the tail of 4 MiB of log has %d bytes and ends in %q", len(bad.Log), bad.Log[max(0, len(bad.Log)-200):])
	}
}
