package deploy

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/api/client"
	"github.com/hearthd/hearth/cmd/hearth/code"
	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote"
)

// NewLayersCommand returns `hearth layers`: what there is, more of it and less.
func NewLayersCommand(d *remote.Daemon) *cobra.Command {
	var asJSON bool
	list := d.Run(func(ctx context.Context, c *client.Client, _ []string) error {
		return listLayers(ctx, d, c, asJSON)
	})
	cmd := &cobra.Command{
		Use:   "layers",
		Short: "List, publish and delete layers",
		Long: `List the daemon's layers, each with its newest version; the commands below show
all versions of one, publish a version and delete one.

A function gets layers by "hearth deploy --layer ARN". Their files are in /opt,
where python/ and nodejs/node_modules are on the runtimes' search paths, and the
programs in extensions/ are started as extensions.`,
		Args: cobra.NoArgs,
		RunE: list,
	}
	cmd.PersistentFlags().BoolVar(&asJSON, "json", false, "print JSON, in AWS's terms")
	cmd.AddCommand(
		&cobra.Command{Use: "list", Short: "List all layers", Args: cobra.NoArgs, RunE: list},
		newLayersVersionsCommand(d, &asJSON), newLayersPublishCommand(d, &asJSON), newLayersDeleteCommand(d),
	)
	return cmd
}

func listLayers(ctx context.Context, d *remote.Daemon, c *client.Client, asJSON bool) error {
	layers, err := c.ListLayers(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return d.PrintJSON(layers)
	}
	if len(layers) == 0 {
		fmt.Fprintln(d.Stderr, "no layers yet; publish one with: hearth layers publish NAME DIR")
		return nil
	}
	rows := make([][]string, len(layers))
	for i, l := range layers {
		rows[i] = append([]string{l.LayerName}, layerVersionRow(l.LatestMatchingVersion)...)
	}
	return d.PrintTable(append([]string{"NAME"}, layerVersionHeader()...), rows)
}

func layerVersionHeader() []string { return []string{"VERSION", "RUNTIMES", "CREATED", "ARN"} }

func layerVersionRow(v client.LayerVersion) []string {
	runtimes := strings.Join(v.CompatibleRuntimes, ",")
	if runtimes == "" {
		runtimes = "-"
	}
	return []string{strconv.FormatInt(v.Version, 10), runtimes, v.CreatedDate, v.LayerVersionArn}
}

func newLayersVersionsCommand(d *remote.Daemon, asJSON *bool) *cobra.Command {
	return &cobra.Command{
		Use:               "versions NAME",
		Short:             "List the versions of a layer, the newest first",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeLayer(d),
		RunE: d.Run(func(ctx context.Context, c *client.Client, args []string) error {
			return listVersions(ctx, d, c, args[0], *asJSON)
		}),
	}
}

func listVersions(ctx context.Context, d *remote.Daemon, c *client.Client, name string, asJSON bool) error {
	versions, err := c.ListLayerVersions(ctx, name)
	if err != nil {
		return err
	}
	if asJSON {
		return d.PrintJSON(versions)
	}
	if len(versions) == 0 {
		fmt.Fprintf(d.Stderr, "no versions of layer %s; publish one with: hearth layers publish %[1]s DIR\n", name)
		return nil
	}
	rows := make([][]string, len(versions))
	for i, v := range versions {
		rows[i] = layerVersionRow(v)
	}
	return d.PrintTable(layerVersionHeader(), rows)
}

func newLayersPublishCommand(d *remote.Daemon, asJSON *bool) *cobra.Command {
	var in client.LayerInput
	cmd := &cobra.Command{
		Use:   "publish NAME DIR|ZIP",
		Short: "Publish a directory or archive as the next version of a layer",
		Example: `  hearth layers publish heartbeat examples/extension
  hearth layers publish deps layer.zip --runtime python3.13 --runtime python3.12`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeLayerAndFile(d),
		RunE: d.Run(func(ctx context.Context, c *client.Client, args []string) error {
			return publishLayer(ctx, d, c, args[0], args[1], in, *asJSON)
		}),
	}
	cmd.Flags().StringVar(&in.Description, "description", "", "what the version is")
	cmd.Flags().StringArrayVar(&in.CompatibleRuntimes, "runtime", nil, "compatible runtime `ID`; may be repeated")
	cmd.Flags().StringArrayVar(&in.CompatibleArchitectures, "architecture", nil, "compatible architecture, x86_64 or arm64; may be repeated")
	return cmd
}

func publishLayer(ctx context.Context, d *remote.Daemon, c *client.Client, name, path string, in client.LayerInput, asJSON bool) error {
	archive, err := code.Read(ctx, path)
	if err != nil {
		return err
	}
	stop := d.Spin("publishing " + name)
	version, err := c.PublishLayerVersion(ctx, name, in, archive)
	stop()
	if err != nil {
		return err
	}
	if asJSON {
		return d.PrintJSON(version)
	}
	_, err = fmt.Fprintln(d.Stdout, version.LayerVersionArn)
	return err
}

func newLayersDeleteCommand(d *remote.Daemon) *cobra.Command {
	return &cobra.Command{
		Use:               "delete NAME VERSION",
		Short:             "Delete a version of a layer; functions that have it keep it",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeLayer(d),
		RunE: d.Run(func(ctx context.Context, c *client.Client, args []string) error {
			version, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil || version < 1 {
				return exit.Usagef("%q is not the number of a version; see: hearth layers versions %s", args[1], args[0])
			}
			return c.DeleteLayerVersion(ctx, args[0], version)
		}),
	}
}

// completion is cobra's kind of function that completes a word in a shell.
type completion = func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective)

// completeLayer completes a first argument with the names of the daemon's layers.
func completeLayer(d *remote.Daemon) completion {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return layerNames(cmd.Context(), d, func(l client.Layer) string { return l.LayerName })
	}
}

// completeLayerAndFile completes a layer's name and then a path.
func completeLayerAndFile(d *remote.Daemon) completion {
	layer := completeLayer(d)
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 1 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return layer(cmd, args, word)
	}
}

// completeLayerARN completes the ARN of the newest version of a layer.
func completeLayerARN(d *remote.Daemon) completion {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return layerNames(cmd.Context(), d, func(l client.Layer) string { return l.LatestMatchingVersion.LayerVersionArn })
	}
}

func layerNames(ctx context.Context, d *remote.Daemon, name func(client.Layer) string) ([]string, cobra.ShellCompDirective) {
	return d.Complete(ctx, func(ctx context.Context, c *client.Client) ([]string, error) {
		layers, err := c.ListLayers(ctx)
		names := make([]string, len(layers))
		for i, l := range layers {
			names[i] = name(l)
		}
		return names, err
	})
}
