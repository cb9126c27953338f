package deploy

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/api/client"
	"github.com/hearthd/hearth/cmd/hearth/remote"
)

// NewFunctionsCommand returns `hearth functions`: what there is, and how to be rid of it.
func NewFunctionsCommand(d *remote.Daemon) *cobra.Command {
	var asJSON bool
	list := d.Run(func(ctx context.Context, c *client.Client, _ []string) error {
		return listFunctions(ctx, d, c, asJSON)
	})
	cmd := &cobra.Command{
		Use:   "functions",
		Short: "List, show and delete functions",
		Long:  "List the daemon's functions; the commands below show or delete one.",
		Args:  cobra.NoArgs,
		RunE:  list,
	}
	listCommand := &cobra.Command{
		Use:   "list",
		Short: "List all functions",
		Args:  cobra.NoArgs,
		RunE:  list,
	}
	cmd.PersistentFlags().BoolVar(&asJSON, "json", false, "print JSON, in AWS's terms")
	cmd.AddCommand(listCommand, newFunctionsGetCommand(d, &asJSON), newFunctionsDeleteCommand(d))
	return cmd
}

func listFunctions(ctx context.Context, d *remote.Daemon, c *client.Client, asJSON bool) error {
	functions, err := c.ListFunctions(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return d.PrintJSON(functions)
	}
	if len(functions) == 0 {
		fmt.Fprintln(d.Stderr, "no functions yet; deploy one with: hearth deploy DIR")
		return nil
	}
	rows := make([][]string, len(functions))
	for i, f := range functions {
		kind := f.Runtime
		if kind == "" {
			kind = f.PackageType
		}
		rows[i] = []string{f.FunctionName, kind, f.Handler, strconv.Itoa(f.MemorySize) + " MB", strconv.Itoa(f.Timeout) + " s", strconv.FormatInt(f.CodeSize, 10), f.LastModified}
	}
	return d.PrintTable([]string{"NAME", "RUNTIME", "HANDLER", "MEMORY", "TIMEOUT", "CODE", "MODIFIED"}, rows)
}

func newFunctionsGetCommand(d *remote.Daemon, asJSON *bool) *cobra.Command {
	return &cobra.Command{
		Use:               "get NAME",
		Short:             "Show one function's configuration",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: d.CompleteFunction,
		RunE: d.Run(func(ctx context.Context, c *client.Client, args []string) error {
			return showFunction(ctx, d, c, args[0], *asJSON)
		}),
	}
}

func showFunction(ctx context.Context, d *remote.Daemon, c *client.Client, name string, asJSON bool) error {
	f, err := c.GetFunction(ctx, name)
	if err != nil {
		return err
	}
	if asJSON {
		return d.PrintJSON(f)
	}
	rows := [][]string{
		{"Name", f.FunctionName},
		{"ARN", f.FunctionArn},
		{"Version", f.Version},
		{"Runtime", f.Runtime},
		{"Handler", f.Handler},
		{"Memory", strconv.Itoa(f.MemorySize) + " MB"},
		{"Timeout", strconv.Itoa(f.Timeout) + " s"},
		{"Code", fmt.Sprintf("%d bytes, SHA-256 %s", f.CodeSize, f.CodeSha256)},
		{"State", f.State},
		{"Modified", f.LastModified},
	}
	for _, layer := range f.Layers {
		rows = append(rows, []string{"Layer", layer.Arn})
	}
	for _, optional := range [][]string{
		{"Description", f.Description}, {"State reason", f.StateReason}, {"Update reason", f.LastUpdateStatusReason},
	} {
		if optional[1] != "" {
			rows = append(rows, optional)
		}
	}
	return d.PrintTable(rows[0], rows[1:])
}

func newFunctionsDeleteCommand(d *remote.Daemon) *cobra.Command {
	return &cobra.Command{
		Use:               "delete NAME",
		Short:             "Delete a function with all its versions",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: d.CompleteFunction,
		RunE: d.Run(func(ctx context.Context, c *client.Client, args []string) error {
			return c.DeleteFunction(ctx, args[0])
		}),
	}
}
