package single

import (
	"io"
	"strings"
	"testing"

	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
)

func TestRun_RefusesWhatIsNone(t *testing.T) {
	dir := dirWith(t, map[string]string{"bootstrap": ""})
	for flag, want := range map[string]string{
		"--sandbox=moon":     `--sandbox: "moon" is none of auto, namespace, process`,
		"--network=moon":     `--network: "moon" is none of none, nat, host`,
		"--network=":         `--network: "" is none of none, nat, host`,
		"--runtime-map=moon": "--runtime-map: ",
	} {
		cmd := NewRunCommand(&terminal.Terminal{Stdout: io.Discard, Stderr: io.Discard}, nil)
		cmd.SetArgs([]string{dir, "--sandbox=process", flag})
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		err := cmd.ExecuteContext(t.Context())
		if exit.Code(t.Context(), err) != exit.Usage || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want a usage error with %s", flag, err, want)
		}
	}
}
