package observe_test

import (
	"strings"
	"testing"

	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote/observe"
	"github.com/hearthd/hearth/cmd/hearth/remote/remotetest"
)

func TestEvents_Counts(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers["GET /_hearth/events"] = remotetest.Success(`{"delayed":2,"accepted":7}`)
	got := d.Run(t, observe.NewEventsCommand, "events")
	for _, line := range []string{"delayed      2      to be run again later\n", "accepted     7      from callers, and for destinations\n"} {
		if !strings.Contains(got.Stdout, line) {
			t.Errorf("outcome = %+v, want the line %q", got, line)
		}
	}
	if got := d.Run(t, observe.NewEventsCommand, "events", "--json"); got.Code != exit.OK || !strings.Contains(got.Stdout, `"accepted": 7,`) {
		t.Errorf("--json: outcome = %+v", got)
	}
}
