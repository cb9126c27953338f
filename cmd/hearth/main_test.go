package main

import (
	"runtime/debug"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote/remotetest"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
)

// hearth runs a command line as main does.
func hearth(t *testing.T, args ...string) remotetest.Outcome {
	t.Helper()
	return remotetest.Capture(nil, "", func(term *terminal.Terminal) int { return run(t.Context(), args, term, nil) })
}

// everyVerb returns the commands of the program, to be looked at.
func everyVerb() *cobra.Command {
	return newRootCommand(&terminal.Terminal{Getenv: func(string) string { return "" }}, nil)
}

func TestRun_UsageErrors(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"unknown command", []string{"invok"}, `unknown command "invok"; did you mean "invoke"?`},
		{"unknown subcommand", []string{"functions", "remove"}, "unknown command"},
		{"help on an unknown command", []string{"help", "invok"}, `unknown command "invok"; did you mean "invoke"?`},
		{"help on an unknown subcommand", []string{"help", "functions", "remove"}, `unknown command "functions remove"`},
		{"unknown flag", []string{"invoke", "--nope", "f"}, "unknown flag: --nope"},
		{"missing argument", []string{"invoke"}, "accepts 1 arg(s), received 0"},
		{"flag value", []string{"status", "--wait", "soon"}, "invalid argument"},
		{"flags that exclude each other", []string{"invoke", "f", "--async", "--dry-run"}, "--async or --dry-run, not both"},
		{"payload file", []string{"invoke", "f", "--payload", "@/does/not/exist"}, "no such file"},
		{"tail without a response", []string{"invoke", "f", "--async", "--tail"}, "--tail needs a response"},
		{"stdin twice", []string{"invoke", "f", "--payload", "-", "--client-context", "-"}, "not both"},
		{"since", []string{"logs", "f", "--since", "yesterday"}, "neither a duration"},
		{"since in the future", []string{"logs", "f", "--since", "-5m"}, "in the future"},
		{"deploy of nothing", []string{"deploy", "/does/not/exist"}, "no such file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := hearth(t, test.args...)
			if got.Code != exit.Usage {
				t.Errorf("exit code = %d, want %d", got.Code, exit.Usage)
			}
			if !strings.Contains(got.Stderr, test.want) || !strings.Contains(got.Stderr, "--help") {
				t.Errorf("stderr does not contain %q and --help:\n%s", test.want, got.Stderr)
			}
			if got.Stdout != "" {
				t.Errorf("stdout = %q, want nothing", got.Stdout)
			}
		})
	}
}

// Every verb explains itself: a newcomer reads the help first.
func TestHelp_EveryCommand(t *testing.T) {
	for _, cmd := range everyVerb().Commands() {
		if cmd.Short == "" {
			t.Errorf("%s has no short help", cmd.Name())
		}
		got := hearth(t, cmd.Name(), "--help")
		if got.Code != exit.OK || got.Stdout == "" || got.Stderr != "" {
			t.Errorf("%s --help: exit code %d, %d bytes on stdout, stderr %q", cmd.Name(), got.Code, len(got.Stdout), got.Stderr)
		}
	}
}

func TestVersion(t *testing.T) {
	if got := hearth(t, "version"); got.Stdout != "hearth "+ownVersion()+"\n" {
		t.Errorf("stdout = %q", got.Stdout)
	}
}

func TestVersion_OfALinkerOrOfTheBuild(t *testing.T) {
	commit := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.modified", Value: "false"}}
	dirty := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.modified", Value: "true"}}
	for name, test := range map[string]struct {
		linked string
		info   *debug.BuildInfo
		want   string
	}{
		"linked":     {"v1.2.3", &debug.BuildInfo{Main: debug.Module{Version: "v0.1.0"}}, "v1.2.3"},
		"go install": {"", &debug.BuildInfo{Main: debug.Module{Version: "v0.1.0"}, Settings: commit}, "v0.1.0"},
		"a commit":   {"", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: commit}, "0123456789ab"},
		"changed":    {"", &debug.BuildInfo{Settings: dirty}, "0123456789ab+dirty"},
		"no commit":  {"", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "unknown"},
		"nothing":    {"", nil, "unknown"},
	} {
		if got := programVersion(test.linked, test.info); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
