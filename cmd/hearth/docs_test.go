package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// everyCommand calls f for each command and its path, without "hearth".
func everyCommand(parent *cobra.Command, f func(path string, cmd *cobra.Command)) {
	for _, cmd := range parent.Commands() {
		f(strings.TrimPrefix(cmd.CommandPath(), "hearth "), cmd)
		everyCommand(cmd, f)
	}
}

func TestREADME_NamesEveryVerb(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range everyVerb().Commands() {
		if !regexp.MustCompile(`\bhearth (help )?` + cmd.Name() + `\b`).Match(readme) {
			t.Errorf("README.md does not name hearth %s", cmd.Name())
		}
	}
}

// TestDocs_NameCommandsThatAreThere looks at every `hearth verb --flag` in the
// documents that users read.
func TestDocs_NameCommandsThatAreThere(t *testing.T) {
	commands := map[string]*cobra.Command{}
	root := everyVerb()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	everyCommand(root, func(path string, cmd *cobra.Command) { commands[path] = cmd })
	called := regexp.MustCompile("(?m)(?:`|^    (?:.*\\$\\()?)hearth ((?:[a-z-]+ ?)+)([^`\n]*)")
	for _, name := range []string{"README.md", "examples/README.md", "docs/events.md", "docs/SECURITY.md", "docs/settings.md", "docs/fidelity.md"} {
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range called.FindAllStringSubmatch(string(text), -1) {
			words := strings.Fields(match[1])
			cmd := commands[words[0]]
			if cmd == nil {
				t.Errorf("%s: there is no hearth %s", name, words[0])
				continue
			}
			if len(words) > 1 && commands[words[0]+" "+words[1]] != nil {
				cmd = commands[words[0]+" "+words[1]]
			}
			line, _, _ := strings.Cut(match[2], " # ")
			for _, flag := range regexp.MustCompile(`(?:^|\s)--([a-z0-9-]+)`).FindAllStringSubmatch(line, -1) {
				if cmd.Flag(flag[1]) == nil && cmd.InheritedFlags().Lookup(flag[1]) == nil {
					t.Errorf("%s: hearth %s has no --%s", name, match[1], flag[1])
				}
			}
		}
	}
}

func TestListings_HaveJSON(t *testing.T) {
	everyCommand(everyVerb(), func(path string, cmd *cobra.Command) {
		lists := strings.HasPrefix(cmd.Short, "List") || strings.HasPrefix(cmd.Short, "Count") || strings.HasPrefix(cmd.Short, "Show")
		if lists && cmd.Runnable() && path != "clock" && cmd.Flag("json") == nil && cmd.InheritedFlags().Lookup("json") == nil {
			t.Errorf("hearth %s has no --json", path)
		}
	})
}
