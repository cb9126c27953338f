package observe_test

import (
	"net/http"
	"testing"

	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote/observe"
	"github.com/hearthd/hearth/cmd/hearth/remote/remotetest"
)

func TestStatus_WaitsForStart(t *testing.T) {
	d := remotetest.NewDaemon(t)
	asked := 0
	d.Answers["GET /_hearth/health"] = func(w http.ResponseWriter, r *http.Request) {
		asked++
		if asked < 3 {
			remotetest.Failure(503, "ServiceException", "starting")(w, r)
			return
		}
		remotetest.Success(`{"status":"ok","version":"v1"}`)(w, r)
	}
	if got := d.Run(t, observe.NewStatusCommand, "status", "--wait", "1m"); got.Code != exit.OK || asked != 3 {
		t.Errorf("outcome = %+v after %d questions, want success after 3", got, asked)
	}
}

func TestStatus_GivesUp(t *testing.T) {
	got := remotetest.RunIn(t, map[string]string{"HEARTH_ENDPOINT": "http://127.0.0.1:1"}, "", observe.NewStatusCommand, "status", "--wait", "1ms")
	if got.Code != exit.Unreachable {
		t.Errorf("outcome = %+v, want code %d", got, exit.Unreachable)
	}
}

func TestStatus_OfTheDaemon(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers["GET /_hearth/health"] = remotetest.Success(`{"status":"ok","version":"v9"}`)
	d.Answers["GET /_hearth/status"] = remotetest.Success(`{"sandbox":"namespace","network":"none","clock":"real","auth":true,"missing":["CPU","pids"],
		"functions":[{"account":"111122223333","region":"eu-west-1","functions":2}],"environments":{"all":3,"idle":1,"maxConcurrency":10,"maxMemory":512,"memory":384},
		"events":{"ready":1,"delayed":4}}`)
	want := "hearth v9 at " + d.URL + ": ok\n" + `functions     2 in eu-west-1 of account 111122223333
environments  3, 1 of them idle and 0 starting; 384 of 512 MB
invocations   0 of at most 10 at a time
events        1 ready, 0 running, 4 to be run again later
sandbox       namespace
network       none
clock         real
access        signed requests only
not enforced  CPU, pids; see: hearth doctor
`
	if got := d.Run(t, observe.NewStatusCommand, "status"); got != (remotetest.Outcome{Stdout: want}) {
		t.Errorf("outcome = %+v, want\n%s", got, want)
	}
}

// TestStatus_Withheld: whoever may not know more still learns that it is there.
func TestStatus_Withheld(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers["GET /_hearth/health"] = remotetest.Success(`{"status":"ok","version":"v9"}`)
	d.Answers["GET /_hearth/status"] = remotetest.Failure(403, "AccessDeniedException", "no")
	if got, want := d.Run(t, observe.NewStatusCommand, "status"), (remotetest.Outcome{Stdout: "hearth v9 at " + d.URL + ": ok\n"}); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
}
