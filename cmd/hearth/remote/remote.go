// Package remote is the daemon that a verb talks to: where it is, whose signature
// requests bear, and what the shell completes from it. The verbs are below:
// deploy changes what it has, invoke calls it, observe shows what it does. All
// they know of it is its HTTP API.
package remote

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hearthd/hearth/api/client"
	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
	"github.com/hearthd/hearth/internal/sigv4"
)

// Daemon is the one that flags and environment name, for the user of a terminal.
type Daemon struct {
	*terminal.Terminal

	endpoint string // --endpoint; empty: see open
}

// New returns the daemon of a terminal's user.
func New(t *terminal.Terminal) *Daemon { return &Daemon{Terminal: t} }

// AddFlags defines the flag that names the daemon.
func (d *Daemon) AddFlags(f *pflag.FlagSet) {
	f.StringVar(&d.endpoint, "endpoint", "",
		"`URL` of the daemon (default $HEARTH_ENDPOINT, $AWS_ENDPOINT_URL_LAMBDA, $AWS_ENDPOINT_URL, "+client.DefaultEndpoint+")")
}

// A Verb does its work with a client, which is closed when it returns.
type Verb func(ctx context.Context, c *client.Client, args []string) error

// Run makes a command's RunE of a verb. It passes on what the daemon warned of.
func (d *Daemon) Run(verb Verb) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := d.open()
		if err != nil {
			return err
		}
		defer c.Close()
		err = verb(cmd.Context(), c, args)
		for _, warning := range c.Warnings() {
			fmt.Fprintf(d.Stderr, "hearth: warning: %s\n", warning)
		}
		return err
	}
}

// open returns a client that signs with the credentials of the environment, if
// there are any.
func (d *Daemon) open() (*client.Client, error) {
	c, err := client.New(cmp.Or(d.endpoint, d.Getenv("HEARTH_ENDPOINT"),
		d.Getenv("AWS_ENDPOINT_URL_LAMBDA"), d.Getenv("AWS_ENDPOINT_URL"), client.DefaultEndpoint))
	if err != nil {
		return nil, exit.Usagef("%w", err)
	}
	if id, secret := d.Getenv("AWS_ACCESS_KEY_ID"), d.Getenv("AWS_SECRET_ACCESS_KEY"); id != "" && secret != "" {
		c.SignWith(sigv4.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: d.Getenv("AWS_SESSION_TOKEN")},
			cmp.Or(d.Getenv("AWS_REGION"), d.Getenv("AWS_DEFAULT_REGION"), client.DefaultRegion))
	}
	return c, nil
}

// Complete completes a word in a shell with names that list gets from the daemon.
func (d *Daemon) Complete(ctx context.Context, list func(context.Context, *client.Client) ([]string, error)) ([]string, cobra.ShellCompDirective) {
	c, err := d.open()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	defer c.Close()
	names, err := list(ctx, c)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// CompleteFunction completes a command's only argument with the names of the
// daemon's functions.
func (d *Daemon) CompleteFunction(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return d.Complete(cmd.Context(), func(ctx context.Context, c *client.Client) ([]string, error) {
		functions, err := c.ListFunctions(ctx)
		names := make([]string, len(functions))
		for i, f := range functions {
			names[i] = f.FunctionName
		}
		return names, err
	})
}
