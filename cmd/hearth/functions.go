package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
)

func newFunctionsCommand(c *cli) *cobra.Command {
	var asJSON bool
	list := func(cmd *cobra.Command, _ []string) error {
		return runFunctions(cmd.Context(), c, asJSON)
	}
	cmd := &cobra.Command{
		Use:   "functions",
		Short: "List, show and delete functions",
		Long:  "List the daemon's functions; the commands below show or delete one.",
		Args:  positional(cobra.NoArgs),
		RunE:  list,
	}
	listCommand := &cobra.Command{
		Use:   "list",
		Short: "List all functions",
		Args:  positional(cobra.NoArgs),
		RunE:  list,
	}
	cmd.PersistentFlags().BoolVar(&asJSON, "json", false, "print JSON, in AWS's terms")
	cmd.AddCommand(listCommand, newFunctionsGetCommand(c, &asJSON), newFunctionsDeleteCommand(c))
	return cmd
}

func runFunctions(ctx context.Context, c *cli, asJSON bool) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	functions, err := client.ListFunctions(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.stdout, functions)
	}
	if len(functions) == 0 {
		fmt.Fprintln(c.stderr, "no functions yet; deploy one with: hearth deploy DIR")
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
	return printTable(c.stdout, []string{"NAME", "RUNTIME", "HANDLER", "MEMORY", "TIMEOUT", "CODE", "MODIFIED"}, rows)
}

func newFunctionsGetCommand(c *cli, asJSON *bool) *cobra.Command {
	return &cobra.Command{
		Use:               "get NAME",
		Short:             "Show one function's configuration",
		Args:              positional(cobra.ExactArgs(1)),
		ValidArgsFunction: c.completeFunctions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runFunctionsGet(cmd.Context(), c, args[0], *asJSON)
		},
	}
}

func runFunctionsGet(ctx context.Context, c *cli, name string, asJSON bool) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	f, err := client.GetFunction(ctx, name)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.stdout, f)
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
	return printTable(c.stdout, rows[0], rows[1:])
}

func newFunctionsDeleteCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:               "delete NAME",
		Short:             "Delete a function with all its versions",
		Args:              positional(cobra.ExactArgs(1)),
		ValidArgsFunction: c.completeFunctions,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			return client.DeleteFunction(cmd.Context(), args[0])
		},
	}
}
