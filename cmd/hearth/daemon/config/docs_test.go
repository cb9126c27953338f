package config_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/hearthd/hearth/cmd/hearth/daemon/config"
)

var update = flag.Bool("update", false, "rewrite the part of docs/settings.md that is made from the source")

const (
	settingsPage  = "../../../../docs/settings.md"
	settingsBegin = "<!-- settings: go test ./cmd/hearth/daemon/config -run TestSettingsPage -update -->\n"
	settingsEnd   = "<!-- end of settings -->\n"
)

// settingsTable is what docs/settings.md says of the flags of `hearth serve`.
func settingsTable() string {
	cfg := config.Default(func(string) string { return "" })
	cfg.DataDir = "/var/lib/hearth as root, else ~/.local/share/hearth"
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.SortFlags = false
	cfg.AddFlags(flags)
	var table strings.Builder
	table.WriteString("\n| setting | default | what |\n|---|---|---|\n")
	flags.VisitAll(func(f *pflag.Flag) {
		value, usage := pflag.UnquoteUsage(f)
		name := f.Name
		if value != "" {
			name += " " + value
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", name, f.DefValue, strings.ReplaceAll(usage, "|", `\|`))
	})
	return table.String() + "\n"
}

func TestSettingsPage_HasEveryFlag(t *testing.T) {
	page, err := os.ReadFile(settingsPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(page), settingsBegin)
	got, after, ends := strings.Cut(rest, settingsEnd)
	if !begins || !ends {
		t.Fatalf("%s has no %q and %q", settingsPage, settingsBegin, settingsEnd)
	}
	want := settingsTable()
	if *update {
		if err := os.WriteFile(settingsPage, []byte(before+settingsBegin+want+settingsEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs from the flags (-flags +page); run this test with -update:\n%s", settingsPage, diff)
	}
}
