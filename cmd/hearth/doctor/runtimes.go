package doctor

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/cmd/hearth/terminal"
	"github.com/hearthd/hearth/runtimes"
)

// NewRuntimesCommand returns `hearth runtimes`.
func NewRuntimesCommand(t *terminal.Terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "runtimes",
		Short: "List the managed runtimes that this host serves, and install what they need",
		Long: `List Lambda's managed runtimes and the interpreter of this host that serves
each, with the AWS SDK that functions find there, or what to install for it.
provided.* runtimes need nothing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			checks, err := probeRuntimes(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return t.PrintJSON(checks)
			}
			rows := make([][]string, len(checks))
			for i, check := range checks {
				rows[i] = []string{check.Name, check.Detail, check.Fix}
			}
			return t.PrintTable([]string{"RUNTIME", "SERVED BY", "TO GET IT"}, rows)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.AddCommand(newRuntimesInstallCommand(t))
	return cmd
}

// probeRuntimes looks for the interpreters of the managed runtimes.
func probeRuntimes(ctx context.Context) ([]hostCheck, error) {
	dir, err := os.MkdirTemp("", "hearth-doctor-")
	if err != nil {
		return nil, fmt.Errorf("look for interpreters: %w", err)
	}
	defer os.RemoveAll(dir)
	set, err := runtimes.New(runtimes.Options{Dir: dir, Env: os.Environ()})
	if err != nil {
		return nil, fmt.Errorf("look for interpreters: %w", err)
	}
	var checks []hostCheck
	for _, r := range runtimes.All() {
		if !r.Served || r.Family == runtimes.Provided {
			continue
		}
		check := hostCheck{Name: r.Name, Status: checkOK}
		interpreter, err := set.Find(ctx, r)
		if err == nil {
			err = set.Check(ctx, r.Name) // Java needs more than the interpreter
		}
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("look for interpreters: %w", ctx.Err())
		case err != nil:
			check.Status, check.Detail, check.Fix = checkMissing, "not on this host", err.Error()
		default:
			check.Detail = interpreter.Executable + " (" + interpreter.Version + ")"
			describeSDK(&check, set, interpreter)
		}
		checks = append(checks, check)
	}
	return checks, nil
}

// describeSDK adds to a check which SDK functions find that do not package it, or
// how to get it.
func describeSDK(check *hostCheck, set *runtimes.Set, interpreter runtimes.Interpreter) {
	version := set.SDK(interpreter)
	switch {
	case version != "":
		check.Detail += ", " + version
	case interpreter.Family == runtimes.Python:
		check.Status, check.Detail = checkLimited, check.Detail+", no boto3"
		check.Fix = "hearth runtimes install python"
	case interpreter.Family == runtimes.Node:
		check.Status, check.Detail = checkLimited, check.Detail+", no @aws-sdk"
		check.Fix = "hearth runtimes install node"
	}
}
