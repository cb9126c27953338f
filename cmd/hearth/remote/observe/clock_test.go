package observe_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote/observe"
	"github.com/hearthd/hearth/cmd/hearth/remote/remotetest"
)

const advance = "POST /_hearth/clock/advance"

func TestClockNow_SaysWhatIsDue(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers["GET /_hearth/clock"] = remotetest.Success(`{"clock":"test","now":"2026-11-21T10:00:00Z","pending":[{"at":"2026-11-21T10:01:00Z","what":"retry of f"}]}`)
	want := remotetest.Outcome{Stdout: "2026-11-21T10:00:00Z (test clock)\n2026-11-21T10:01:00Z is due: retry of f\n"}
	if got := d.Run(t, observe.NewClockCommand, "clock", "now"); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
	if got := d.Run(t, observe.NewClockCommand, "clock", "now", "--json"); got.Code != exit.OK || !strings.Contains(got.Stdout, `"what": "retry of f"`) {
		t.Errorf("--json: outcome = %+v", got)
	}
}

func TestClockAdvance_SaysWhatCameDue(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers[advance] = remotetest.Success(`{"from":"2026-11-21T10:00:00Z","to":"2026-11-21T10:02:00Z","fired":[{"at":"2026-11-21T10:01:00Z","what":"retry of f"}],"more":3}`)
	want := remotetest.Outcome{Stdout: "2026-11-21T10:01:00Z retry of f\n... and 3 more\n2026-11-21T10:02:00Z\n"}
	if got := d.Run(t, observe.NewClockCommand, "clock", "advance", "2m", "--wait", "5s"); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
	if diff := cmp.Diff([]string{advance + ` {"by":"2m0s","wait":"5s"}`}, d.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// A clock that stops on the way is a failure, whose report is printed all the same.
func TestClockAdvance_Stopped(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers[advance] = remotetest.Success(`{"from":"2026-11-21T10:00:00Z","to":"2026-11-21T10:01:00Z","fired":[],"stopped":"f runs on"}`)
	want := remotetest.Outcome{Code: exit.Internal, Stdout: "2026-11-21T10:01:00Z\n", Stderr: "hearth: the clock stopped on the way: f runs on\n"}
	if got := d.Run(t, observe.NewClockCommand, "clock", "advance", "2m"); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
}

func TestClockAdvance_BadDurations(t *testing.T) {
	for _, by := range []string{"soon", "-1m", "5"} {
		d := remotetest.NewDaemon(t)
		if got := d.Run(t, observe.NewClockCommand, "clock", "advance", "--", by); got.Code != exit.Usage || len(d.Calls()) > 0 {
			t.Errorf("%s: outcome = %+v after %q, want code %d and no call", by, got, d.Calls(), exit.Usage)
		}
	}
}
