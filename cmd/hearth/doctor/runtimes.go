package doctor

import (
	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/cmd/hearth/terminal"
	"github.com/hearthd/hearth/node/host"
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
			checks, err := host.Runtimes(cmd.Context())
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
