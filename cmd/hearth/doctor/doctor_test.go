package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/hearthd/hearth/cmd/hearth/terminal"
	"github.com/hearthd/hearth/node/host"
)

func TestDoctor_FixesBelowTheTable(t *testing.T) {
	probe := func(context.Context) ([]host.Check, error) {
		return []host.Check{
			{Name: "good", Status: host.OK, Detail: "fine"},
			{Name: "bad", Status: host.Missing, Detail: "gone", Fix: "apt-get install it"},
		}, nil
	}
	var stdout bytes.Buffer
	if err := runDoctor(t.Context(), &terminal.Terminal{Stdout: &stdout}, []host.Probe{probe}, false); err != nil {
		t.Fatal(err)
	}
	want := "CHECK  STATUS   FOUND\ngood   ok       fine\nbad    missing  gone\n\nTo get the rest:\n  bad: apt-get install it\n"
	if got := stdout.String(); got != want {
		t.Errorf("stdout:\n%swant:\n%s", got, want)
	}
}

func TestDoctor_ThisHost(t *testing.T) {
	var stdout bytes.Buffer
	cmd := NewCommand(&terminal.Terminal{Stdout: &stdout}, nil)
	cmd.SetArgs([]string{"--json"})
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	var checks []host.Check
	if err := json.Unmarshal(stdout.Bytes(), &checks); err != nil || len(checks) == 0 {
		t.Fatalf("no checks (%v): %s", err, &stdout)
	}
	for _, check := range checks {
		if check.Name == "" || check.Detail == "" || (check.Fix == "") != (check.Status == host.OK) {
			t.Errorf("check is incomplete: %+v", check)
		}
	}
}
