package doctor

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
	"github.com/hearthd/hearth/node/host"
)

func newRuntimesInstallCommand(t *terminal.Terminal) *cobra.Command {
	var packages []string
	cmd := &cobra.Command{
		Use:   "install java|python|node",
		Short: "Get what a family of runtimes has on AWS besides its interpreter",
		Long: `Get what a family of runtimes has on AWS besides its interpreter, and put it
where the daemon looks for it. Functions that start later have it.

  java     AWS's runtime interface client, without which Java functions do not
           run; with Maven
  python   boto3, for each Python that serves a runtime; with its own pip
  node     the AWS SDK for JavaScript, for all versions of Node.js; with npm.
           That is the clients of the services that functions use most;
           --package adds others, which later installations get again

What a function packages itself, or has in a layer, goes before these SDKs.
Another installation gets what is newest then.`,
		Example: `  hearth runtimes install python
  hearth runtimes install node --package @aws-sdk/client-athena`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"java", "python", "node"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(packages) > 0 && args[0] != "node" {
				return exit.Usagef("--package is for node alone")
			}
			return install(cmd.Context(), args[0], packages, host.Output{Progress: t.Stderr, Result: t.Stdout})
		},
	}
	cmd.Flags().StringArrayVar(&packages, "package", nil, "get this npm package `NAME` as well; may be given several times")
	return cmd
}

func install(ctx context.Context, family string, packages []string, to host.Output) (err error) {
	switch family {
	case "python":
		err = host.InstallPythonSDK(ctx, to)
	case "node":
		err = host.InstallNodeSDK(ctx, to, packages)
	default:
		err = host.InstallJavaClient(ctx, to)
	}
	if errors.Is(err, host.ErrNoHome) || errors.Is(err, host.ErrPackageName) {
		return exit.Usagef("%w", err)
	}
	return err
}
