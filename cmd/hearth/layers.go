package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/internal/lambdaclient"
)

func newLayersCommand(c *cli) *cobra.Command {
	var asJSON bool
	list := func(cmd *cobra.Command, _ []string) error { return runLayers(cmd.Context(), c, asJSON) }
	cmd := &cobra.Command{
		Use:   "layers",
		Short: "List, publish and delete layers",
		Long: `List the daemon's layers, each with its newest version; the commands below show
all versions of one, publish a version and delete one.

A function gets layers by "hearth deploy --layer ARN". Their files are in /opt,
where python/ and nodejs/node_modules are on the runtimes' search paths, and the
programs in extensions/ are started as extensions.`,
		Args: positional(cobra.NoArgs),
		RunE: list,
	}
	cmd.PersistentFlags().BoolVar(&asJSON, "json", false, "print JSON, in AWS's terms")
	cmd.AddCommand(
		&cobra.Command{Use: "list", Short: "List all layers", Args: positional(cobra.NoArgs), RunE: list},
		newLayersVersionsCommand(c, &asJSON), newLayersPublishCommand(c, &asJSON), newLayersDeleteCommand(c),
	)
	return cmd
}

func runLayers(ctx context.Context, c *cli, asJSON bool) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	layers, err := client.ListLayers(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.stdout, layers)
	}
	if len(layers) == 0 {
		fmt.Fprintln(c.stderr, "no layers yet; publish one with: hearth layers publish NAME DIR")
		return nil
	}
	rows := make([][]string, len(layers))
	for i, l := range layers {
		rows[i] = append([]string{l.LayerName}, layerVersionRow(l.LatestMatchingVersion)...)
	}
	return printTable(c.stdout, append([]string{"NAME"}, layerVersionHeader()...), rows)
}

func layerVersionHeader() []string { return []string{"VERSION", "RUNTIMES", "CREATED", "ARN"} }

func layerVersionRow(v lambdaclient.LayerVersion) []string {
	runtimes := strings.Join(v.CompatibleRuntimes, ",")
	if runtimes == "" {
		runtimes = "-"
	}
	return []string{strconv.FormatInt(v.Version, 10), runtimes, v.CreatedDate, v.LayerVersionArn}
}

func newLayersVersionsCommand(c *cli, asJSON *bool) *cobra.Command {
	return &cobra.Command{
		Use:               "versions NAME",
		Short:             "List the versions of a layer, the newest first",
		Args:              positional(cobra.ExactArgs(1)),
		ValidArgsFunction: c.completeLayers,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			versions, err := client.ListLayerVersions(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(c.stdout, versions)
			}
			if len(versions) == 0 {
				fmt.Fprintf(c.stderr, "no versions of layer %s; publish one with: hearth layers publish %[1]s DIR\n", args[0])
				return nil
			}
			rows := make([][]string, len(versions))
			for i, v := range versions {
				rows[i] = layerVersionRow(v)
			}
			return printTable(c.stdout, layerVersionHeader(), rows)
		},
	}
}

func newLayersPublishCommand(c *cli, asJSON *bool) *cobra.Command {
	var in lambdaclient.LayerInput
	cmd := &cobra.Command{
		Use:   "publish NAME DIR|ZIP",
		Short: "Publish a directory or archive as the next version of a layer",
		Example: `  hearth layers publish heartbeat examples/extension
  hearth layers publish deps layer.zip --runtime python3.13 --runtime python3.12`,
		Args:              positional(cobra.ExactArgs(2)),
		ValidArgsFunction: c.completeLayerAndFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runLayersPublish(cmd.Context(), c, args[0], args[1], in, *asJSON)
		},
	}
	cmd.Flags().StringVar(&in.Description, "description", "", "what the version is")
	cmd.Flags().StringArrayVar(&in.CompatibleRuntimes, "runtime", nil, "compatible runtime `ID`; may be repeated")
	cmd.Flags().StringArrayVar(&in.CompatibleArchitectures, "architecture", nil, "compatible architecture, x86_64 or arm64; may be repeated")
	return cmd
}

func runLayersPublish(ctx context.Context, c *cli, name, path string, in lambdaclient.LayerInput, asJSON bool) error {
	archive, err := readCode(ctx, path)
	if err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	stop := c.spin("publishing " + name)
	version, err := client.PublishLayerVersion(ctx, name, in, archive)
	stop()
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.stdout, version)
	}
	_, err = fmt.Fprintln(c.stdout, version.LayerVersionArn)
	return err
}

func newLayersDeleteCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:               "delete NAME VERSION",
		Short:             "Delete a version of a layer; functions that have it keep it",
		Args:              positional(cobra.ExactArgs(2)),
		ValidArgsFunction: c.completeLayers,
		RunE: func(cmd *cobra.Command, args []string) error {
			version, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil || version < 1 {
				return usagef("%q is not the number of a version; see: hearth layers versions %s", args[1], args[0])
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			return client.DeleteLayerVersion(cmd.Context(), args[0], version)
		},
	}
}

// completeLayers completes the names of the daemon's layers in a shell.
func (c *cli) completeLayers(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return c.layerNames(cmd.Context(), func(l lambdaclient.Layer) string { return l.LayerName })
}

// completeLayerAndFile completes a layer's name and then a path.
func (c *cli) completeLayerAndFile(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 1 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return c.completeLayers(cmd, args, word)
}

// completeLayerARN completes the ARN of the newest version of a layer.
func (c *cli) completeLayerARN(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return c.layerNames(cmd.Context(), func(l lambdaclient.Layer) string { return l.LatestMatchingVersion.LayerVersionArn })
}

func (c *cli) layerNames(ctx context.Context, name func(lambdaclient.Layer) string) ([]string, cobra.ShellCompDirective) {
	client, err := c.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	defer client.Close()
	layers, err := client.ListLayers(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := make([]string, len(layers))
	for i, l := range layers {
		names[i] = name(l)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
