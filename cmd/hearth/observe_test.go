package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/internal/lambdaclient"
)

const (
	tracesPath = "GET /_hearth/traces"
	oldSegment = `{"trace_id":"1-a","id":"1","name":"orders","start_time":1000.5,"end_time":1000.625,"fault":true}`
	newSegment = `{"trace_id":"1-b","id":"2","name":"pay","start_time":32503680000,"in_progress":true}`
)

func TestTraces_Table(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers[tracesPath] = success(oldSegment + "\n" + newSegment + "\n")
	want := "TRACE  STARTED                   TOOK   STATUS       NAME\n" +
		"1-a    1970-01-01T00:16:40.500Z  125ms  fault        orders\n" +
		"1-b    3000-01-01T00:00:00.000Z  -      in progress  pay\n"
	if got := hearthAt(t, d, "traces"); got != (outcome{exitOK, want, ""}) {
		t.Errorf("outcome = %+v, want\n%s", got, want)
	}
}

func TestTraces_SinceAsSent(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers[tracesPath] = success(oldSegment + "\n" + newSegment + "\n")
	if got, want := hearthAt(t, d, "traces", "--since", "1h", "--json"), (outcome{exitOK, newSegment + "\n", ""}); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
}

func TestTraces_None(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers[tracesPath] = success("")
	if got := hearthAt(t, d, "traces", "--trace-id", "1-c"); got.code != exitOK || got.stdout != "" || !strings.Contains(got.stderr, "AWS_XRAY_DAEMON_ADDRESS") {
		t.Errorf("outcome = %+v, want nothing, and where segments go", got)
	}
	if got := hearthAt(t, d, "traces", "--json"); got != (outcome{}) {
		t.Errorf("--json: outcome = %+v, want nothing", got)
	}
}

func TestTraces_BadFlags(t *testing.T) {
	for _, args := range [][]string{{"--since", "yesterday"}, {"--limit", "-1"}, {"name"}} {
		if got := hearthIn(t, nil, "", append([]string{"traces"}, args...)...); got.code != exitUsage {
			t.Errorf("%q: outcome = %+v, want code %d", args, got, exitUsage)
		}
	}
}

func TestEvents_Counts(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers["GET /_hearth/events"] = success(`{"delayed":2,"accepted":7}`)
	got := hearthAt(t, d, "events")
	for _, line := range []string{"delayed      2      to be run again later\n", "accepted     7      from callers, and for destinations\n"} {
		if !strings.Contains(got.stdout, line) {
			t.Errorf("outcome = %+v, want the line %q", got, line)
		}
	}
	if got := hearthAt(t, d, "events", "--json"); got.code != exitOK || !strings.Contains(got.stdout, `"accepted": 7,`) {
		t.Errorf("--json: outcome = %+v", got)
	}
}

func TestStatus_OfTheDaemon(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers["GET /_hearth/health"] = success(`{"status":"ok","version":"v9"}`)
	d.answers["GET /_hearth/status"] = success(`{"sandbox":"namespace","network":"none","clock":"real","auth":true,"missing":["CPU","pids"],
		"functions":[{"account":"111122223333","region":"eu-west-1","functions":2}],"environments":{"all":3,"idle":1,"maxConcurrency":10,"maxMemory":512,"memory":384},
		"events":{"ready":1,"delayed":4}}`)
	want := "hearth v9 at " + d.url + ": ok\n" + `functions     2 in eu-west-1 of account 111122223333
environments  3, 1 of them idle and 0 starting; 384 of 512 MB
invocations   0 of at most 10 at a time
events        1 ready, 0 running, 4 to be run again later
sandbox       namespace
network       none
clock         real
access        signed requests only
not enforced  CPU, pids; see: hearth doctor
`
	if got := hearthAt(t, d, "status"); got != (outcome{exitOK, want, ""}) {
		t.Errorf("outcome = %+v, want\n%s", got, want)
	}
}

// TestStatus_Withheld: whoever may not know more still learns that it is there.
func TestStatus_Withheld(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers["GET /_hearth/health"] = success(`{"status":"ok","version":"v9"}`)
	d.answers["GET /_hearth/status"] = failure(403, "AccessDeniedException", "no")
	if got, want := hearthAt(t, d, "status"), (outcome{exitOK, "hearth v9 at " + d.url + ": ok\n", ""}); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
}

func TestCountFunctions_ByAccountAndRegion(t *testing.T) {
	fn := func(account, region, version string) *hearth.Function {
		return &hearth.Function{Name: hearth.Name{Account: account, Region: region, Function: "f"}, Version: version}
	}
	got := countFunctions([]*hearth.Function{
		fn("2", "us-east-1", hearth.Latest), fn("1", "us-east-1", hearth.Latest), fn("1", "us-east-1", "1"), fn("1", "eu-west-1", hearth.Latest), fn("1", "eu-west-1", hearth.Latest),
	})
	want := []lambdaclient.FunctionCount{{Account: "1", Region: "eu-west-1", Functions: 2}, {Account: "1", Region: "us-east-1", Functions: 1}, {Account: "2", Region: "us-east-1", Functions: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}
