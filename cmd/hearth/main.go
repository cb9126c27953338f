// Command hearth is AWS Lambda on your own machines: the daemon (serve), single
// functions without one (run, rie), and a client for a running daemon.
//
// This package has the table of verbs; each verb is in the package that does its
// work:
//
//	daemon   the daemon: its configuration (config) and its listeners, around a node
//	single   one function without a daemon: a node in memory
//	doctor   what this host can run
//	remote   a daemon's clients: deploy, invoke, observe
//
// Below them are terminal, what a verb reads and prints, exit, how it ends, and
// code, the archives that users name.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/api/client"
	"github.com/hearthd/hearth/cmd/hearth/daemon"
	"github.com/hearthd/hearth/cmd/hearth/doctor"
	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote"
	"github.com/hearthd/hearth/cmd/hearth/remote/deploy"
	"github.com/hearthd/hearth/cmd/hearth/remote/invoke"
	"github.com/hearthd/hearth/cmd/hearth/remote/observe"
	"github.com/hearthd/hearth/cmd/hearth/single"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
	"github.com/hearthd/hearth/node/launch"
)

// version is set by the linker; see the Makefile. Without, the program's build
// information has one.
var version string

// programVersion is what this binary calls itself: what the linker set, or else, of
// "go install" and "go build", the version of the module or the commit that it was
// built from.
func programVersion(linked string, info *debug.BuildInfo) string {
	switch {
	case linked != "":
		return linked
	case info == nil:
		return "unknown"
	case info.Main.Version != "" && info.Main.Version != "(devel)":
		return info.Main.Version
	}
	commit, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+dirty"
		}
	}
	if commit == "" {
		return "unknown"
	}
	return commit[:min(len(commit), 12)] + modified
}

// ownVersion is programVersion of this binary.
func ownVersion() string {
	info, _ := debug.ReadBuildInfo() // nil without
	return programVersion(version, info)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends things in order; the second ends them at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], terminal.OfProcess(), launch.EnterUserNamespace))
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, t *terminal.Terminal, enter launch.Enter) int {
	root := newRootCommand(t, enter)
	root.SetArgs(args)
	root.SetIn(t.Stdin)
	root.SetOut(t.Stdout)
	root.SetErr(t.Stderr)
	return exit.Run(ctx, root, t.Stderr)
}

func newRootCommand(t *terminal.Terminal, enter launch.Enter) *cobra.Command {
	root := &cobra.Command{
		Use:   "hearth",
		Short: "AWS Lambda on your own machines",
		Long: `hearth serves the AWS Lambda API and runs Lambda functions, on this machine.

Start the daemon with "hearth serve"; the aws CLI, the SDKs and Terraform then
work with AWS_ENDPOINT_URL_LAMBDA=` + client.DefaultEndpoint + `. "hearth run DIR" runs one
function without a daemon.`,
		Version: ownVersion(),
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
	}
	d := remote.New(t)
	d.AddFlags(root.PersistentFlags())
	// In the order of the help.
	root.AddCommand(
		daemon.NewCommand(t, enter, ownVersion()),
		single.NewRunCommand(t, enter),
		single.NewRIECommand(t),
		deploy.NewCommand(d),
		invoke.NewCommand(d),
		deploy.NewFunctionsCommand(d),
		deploy.NewLayersCommand(d),
		observe.NewLogsCommand(d),
		observe.NewTracesCommand(d),
		observe.NewEventsCommand(d),
		observe.NewClockCommand(d),
		observe.NewStatusCommand(d),
		doctor.NewRuntimesCommand(t),
		doctor.NewCommand(t, enter),
		newVersionCommand(t),
		exit.NewTopic(),
	)
	root.InitDefaultHelpCmd()
	for _, child := range root.Commands() {
		if child.Name() == "help" {
			child.RunE, child.Run = helpOf, nil
		}
	}
	return root
}

func unknownCommand(cmd *cobra.Command, name string) error {
	cmd.SuggestionsMinimumDistance = 2
	for _, suggestion := range cmd.SuggestionsFor(name) {
		return exit.Usagef("unknown command %q; did you mean %q?", name, suggestion)
	}
	return exit.Usagef("unknown command %q", name)
}

// helpOf is `hearth help COMMAND...`, for which a name that is none is an error.
func helpOf(help *cobra.Command, args []string) error {
	cmd, rest, err := help.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return unknownCommand(help.Root(), strings.Join(args, " "))
	}
	cmd.InitDefaultHelpFlag()
	return cmd.Help()
}

func newVersionCommand(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this binary",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(t.Stdout, "hearth", ownVersion())
			return err
		},
	}
}
