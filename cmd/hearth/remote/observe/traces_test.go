package observe_test

import (
	"strings"
	"testing"

	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote/observe"
	"github.com/hearthd/hearth/cmd/hearth/remote/remotetest"
)

const (
	tracesPath = "GET /_hearth/traces"
	oldSegment = `{"trace_id":"1-a","id":"1","name":"orders","start_time":1000.5,"end_time":1000.625,"fault":true}`
	newSegment = `{"trace_id":"1-b","id":"2","name":"pay","start_time":32503680000,"in_progress":true}`
)

func TestTraces_Table(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers[tracesPath] = remotetest.Success(oldSegment + "\n" + newSegment + "\n")
	want := "TRACE  STARTED                   TOOK   STATUS       NAME\n" +
		"1-a    1970-01-01T00:16:40.500Z  125ms  fault        orders\n" +
		"1-b    3000-01-01T00:00:00.000Z  -      in progress  pay\n"
	if got := d.Run(t, observe.NewTracesCommand, "traces"); got != (remotetest.Outcome{Stdout: want}) {
		t.Errorf("outcome = %+v, want\n%s", got, want)
	}
}

func TestTraces_SinceAsSent(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers[tracesPath] = remotetest.Success(oldSegment + "\n" + newSegment + "\n")
	if got, want := d.Run(t, observe.NewTracesCommand, "traces", "--since", "1h", "--json"), (remotetest.Outcome{Stdout: newSegment + "\n"}); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
}

func TestTraces_None(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers[tracesPath] = remotetest.Success("")
	if got := d.Run(t, observe.NewTracesCommand, "traces", "--trace-id", "1-c"); got.Code != exit.OK || got.Stdout != "" || !strings.Contains(got.Stderr, "AWS_XRAY_DAEMON_ADDRESS") {
		t.Errorf("outcome = %+v, want nothing, and where segments go", got)
	}
	if got := d.Run(t, observe.NewTracesCommand, "traces", "--json"); got != (remotetest.Outcome{}) {
		t.Errorf("--json: outcome = %+v, want nothing", got)
	}
}

func TestTraces_BadFlags(t *testing.T) {
	for _, args := range [][]string{{"--since", "yesterday"}, {"--limit", "-1"}, {"name"}} {
		if got := remotetest.NewDaemon(t).Run(t, observe.NewTracesCommand, append([]string{"traces"}, args...)...); got.Code != exit.Usage {
			t.Errorf("%q: outcome = %+v, want code %d", args, got, exit.Usage)
		}
	}
}
