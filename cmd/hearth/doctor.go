package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
)

// A hostCheck is one thing that hearth needs of a host, and what was found.
type hostCheck struct {
	Name   string      // what: "user namespaces"
	Status checkStatus // how well it is there
	Detail string      // what was found
	Fix    string      `json:",omitempty"` // what the operator can do, unless Status is checkOK
}

// checkStatus is the verdict of a hostCheck.
type checkStatus string

const (
	checkOK      checkStatus = "ok"
	checkLimited checkStatus = "limited" // functions run, something is not enforced
	checkMissing checkStatus = "missing" // some functions cannot run
)

// hostProbe looks at one aspect of the host. It leaves nothing behind.
type hostProbe func(ctx context.Context, c *cli) ([]hostCheck, error)

func newDoctorCommand(c *cli, probes ...hostProbe) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this host can run and enforce, and how to get the rest",
		Long: `Look at this host, without a daemon: what hearth can isolate and limit here,
which managed runtimes it can serve, and what to install or configure for more.`,
		Args: positional(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.prepareUser(sandboxAuto); err != nil {
				return err
			}
			return runDoctor(cmd.Context(), c, probes, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func runDoctor(ctx context.Context, c *cli, probes []hostProbe, asJSON bool) error {
	checks := []hostCheck{}
	for _, probe := range probes {
		found, err := probe(ctx, c)
		if err != nil {
			return err
		}
		checks = append(checks, found...)
	}
	if asJSON {
		return printJSON(c.stdout, checks)
	}
	rows := make([][]string, len(checks))
	for i, check := range checks {
		rows[i] = []string{check.Name, string(check.Status), check.Detail}
	}
	if err := printTable(c.stdout, []string{"CHECK", "STATUS", "FOUND"}, rows); err != nil {
		return err
	}
	return printFixes(c, checks)
}

func printFixes(c *cli, checks []hostCheck) error {
	fixable := slices.DeleteFunc(slices.Clone(checks), func(check hostCheck) bool { return check.Fix == "" })
	if len(fixable) == 0 {
		return nil
	}
	if _, err := fmt.Fprint(c.stdout, "\nTo get the rest:\n"); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	for _, check := range fixable {
		if _, err := fmt.Fprintf(c.stdout, "  %s: %s\n", check.Name, check.Fix); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	return nil
}
