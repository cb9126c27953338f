// Package doctor looks at this host, without a daemon: what hearth can isolate and
// limit here, and which managed runtimes it can serve (`hearth doctor`,
// `hearth runtimes`).
package doctor

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/cmd/hearth/terminal"
	"github.com/hearthd/hearth/node/host"
	"github.com/hearthd/hearth/node/launch"
)

// NewCommand returns `hearth doctor`.
func NewCommand(t *terminal.Terminal, enter launch.Enter) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this host can run and enforce, and how to get the rest",
		Long: `Look at this host, without a daemon: what hearth can isolate and limit here,
which managed runtimes it can serve, and what to install or configure for more.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := enter.Prepare(launch.SandboxAuto); err != nil {
				return err
			}
			return runDoctor(cmd.Context(), t, []host.Probe{host.System, host.Sandbox, host.Runtimes}, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func runDoctor(ctx context.Context, t *terminal.Terminal, probes []host.Probe, asJSON bool) error {
	checks := []host.Check{}
	for _, probe := range probes {
		found, err := probe(ctx)
		if err != nil {
			return err
		}
		checks = append(checks, found...)
	}
	if asJSON {
		return t.PrintJSON(checks)
	}
	rows := make([][]string, len(checks))
	for i, check := range checks {
		rows[i] = []string{check.Name, string(check.Status), check.Detail}
	}
	if err := t.PrintTable([]string{"CHECK", "STATUS", "FOUND"}, rows); err != nil {
		return err
	}
	return printFixes(t, checks)
}

func printFixes(t *terminal.Terminal, checks []host.Check) error {
	fixable := slices.DeleteFunc(slices.Clone(checks), func(check host.Check) bool { return check.Fix == "" })
	if len(fixable) == 0 {
		return nil
	}
	if _, err := fmt.Fprint(t.Stdout, "\nTo get the rest:\n"); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	for _, check := range fixable {
		if _, err := fmt.Fprintf(t.Stdout, "  %s: %s\n", check.Name, check.Fix); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	return nil
}
