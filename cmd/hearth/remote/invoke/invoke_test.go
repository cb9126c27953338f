package invoke_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote/invoke"
	"github.com/hearthd/hearth/cmd/hearth/remote/remotetest"
)

const invocations = "POST /2015-03-31/functions/f/invocations"

func TestInvoke_Response(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers[invocations] = remotetest.Success(`{"a":1}`)
	got := d.Run(t, invoke.NewCommand, "invoke", "f", "--payload", `{"name":"x"}`)
	if want := (remotetest.Outcome{Stdout: "{\"a\":1}\n"}); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
	if diff := cmp.Diff([]string{invocations + ` {"name":"x"}`}, d.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestInvoke_PayloadFromStdin(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers[invocations] = remotetest.Success(`null`)
	remotetest.RunIn(t, map[string]string{"HEARTH_ENDPOINT": d.URL}, `{"from":"stdin"}`, invoke.NewCommand, "invoke", "f", "--payload", "-")
	if diff := cmp.Diff([]string{invocations + ` {"from":"stdin"}`}, d.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestInvoke_PayloadTooLarge(t *testing.T) {
	got := remotetest.RunIn(t, nil, strings.Repeat(" ", 7<<20), invoke.NewCommand, "invoke", "f", "--payload", "-")
	if got.Code != exit.Invalid || !strings.Contains(got.Stderr, "larger than 6291556 bytes") {
		t.Errorf("outcome = %+v, want code %d and the limit", got, exit.Invalid)
	}
}

func TestInvoke_FunctionError(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers[invocations] = remotetest.Success(`{"errorMessage":"boom","errorType":"ValueError"}`, "X-Amz-Function-Error: Unhandled")
	got := d.Run(t, invoke.NewCommand, "invoke", "f")
	want := remotetest.Outcome{Code: exit.Function, Stdout: `{"errorMessage":"boom","errorType":"ValueError"}` + "\n", Stderr: "hearth: function failed: ValueError: boom\n"}
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
		{404, "ResourceNotFoundException", "Function not found: f", exit.NotFound},
		{429, "TooManyRequestsException", "Rate Exceeded.", exit.Throttled},
		{400, "InvalidRequestContentException", "Could not parse", exit.Invalid},
		{500, "ServiceException", "oops", exit.Internal},
	}
	for _, test := range tests {
		t.Run(test.code, func(t *testing.T) {
			d := remotetest.NewDaemon(t)
			d.Answers[invocations] = remotetest.Failure(test.status, test.code, test.text)
			got := d.Run(t, invoke.NewCommand, "invoke", "f")
			want := remotetest.Outcome{Code: test.want, Stderr: "hearth: invoke f: " + test.text + " (" + test.code + ")\n"}
			if got != want {
				t.Errorf("outcome = %+v, want %+v", got, want)
			}
		})
	}
}

func TestInvoke_Tail(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers[invocations] = remotetest.Success(`1`, "X-Amz-Log-Result: U1RBUlQK")
	got := d.Run(t, invoke.NewCommand, "invoke", "f", "--tail")
	if want := (remotetest.Outcome{Stdout: "1\n", Stderr: "START\n"}); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
}

func TestInvoke_Async(t *testing.T) {
	d := remotetest.NewDaemon(t)
	var invocationType string
	d.Answers[invocations] = func(w http.ResponseWriter, r *http.Request) {
		invocationType = r.Header.Get("X-Amz-Invocation-Type")
		w.Header().Set("X-Amzn-RequestId", "id-1")
		w.WriteHeader(http.StatusAccepted)
	}
	got := d.Run(t, invoke.NewCommand, "invoke", "f", "--async")
	if want := (remotetest.Outcome{Stderr: "queued as id-1\n"}); got != want || invocationType != "Event" {
		t.Errorf("outcome = %+v with type %q, want %+v with type Event", got, invocationType, want)
	}
}

func TestInvoke_JSON(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers[invocations] = remotetest.Success(`not json`, "X-Amz-Executed-Version: 7", "X-Amz-Log-Result: bG9n", "X-Amzn-RequestId: id")
	got := d.Run(t, invoke.NewCommand, "invoke", "f", "--json")
	want := `{
  "StatusCode": 200,
  "ExecutedVersion": "7",
  "RequestId": "id",
  "LogResult": "log",
  "Payload": "not json"
}
`
	if got.Stdout != want {
		t.Errorf("stdout = %s, want %s", got.Stdout, want)
	}
}

func TestCompletion_FunctionNames(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers["GET /2015-03-31/functions"] = remotetest.Success(`{"Functions":[{"FunctionName":"one"},{"FunctionName":"two"}]}`)
	got := d.Run(t, invoke.NewCommand, "__complete", "invoke", "")
	if !strings.HasPrefix(got.Stdout, "one\ntwo\n") {
		t.Errorf("completions:\n%s", got.Stdout)
	}
}
