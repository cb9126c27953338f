// Command hearth is AWS Lambda on your own machines: the daemon (serve), single
// functions without one (run, rie), and a client for a running daemon.
//
// There is one file per verb. main.go holds what all share, exit.go what the
// exit codes mean.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/internal/lambdaclient"
	"github.com/hearthd/hearth/internal/sigv4"
	"github.com/hearthd/hearth/sandbox/namespace"
)

// version is set by the linker; see the Makefile.
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends things in order; the second ends them at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], &cli{
		stdin:  os.Stdin,
		stdout: os.Stdout,
		stderr: os.Stderr,
		getenv: os.Getenv,
		tty:    isTerminal(os.Stderr) && os.Getenv("TERM") != "dumb",
		enter:  namespace.EnterUserNamespace,
	}))
}

// cli is what a verb needs of the outside world. Tests give it buffers.
type cli struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	tty            bool // stderr is a terminal: progress may be drawn on it
	// enter executes this program again as root of a user namespace, and
	// returns only when that failed. Nil: not possible, as in tests.
	enter func(argv []string) error

	endpoint string // --endpoint; empty: see client
}

// commands lists the verbs, in the order of the help.
func (c *cli) commands() []*cobra.Command {
	return []*cobra.Command{
		newServeCommand(c),
		newRunCommand(c),
		newRIECommand(c),
		newDeployCommand(c),
		newInvokeCommand(c),
		newFunctionsCommand(c),
		newLayersCommand(c),
		newLogsCommand(c),
		newTracesCommand(c),
		newEventsCommand(c),
		newClockCommand(c),
		newStatusCommand(c),
		newRuntimesCommand(c),
		newDoctorCommand(c, probeHost, probeSandbox, probeRuntimes),
		newVersionCommand(c),
		newExitCodesTopic(),
	}
}

// run executes one command line and returns the exit code. Errors are printed
// here and nowhere else.
func run(ctx context.Context, args []string, c *cli) int {
	root := c.newRootCommand()
	root.SetArgs(args)
	root.SetIn(c.stdin)
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	code := exitCode(ctx, err)
	if code == exitInterrupted {
		return code
	}
	fmt.Fprintln(c.stderr, "hearth:", err)
	if h := hint(err); h != "" {
		fmt.Fprintln(c.stderr, h)
	}
	if code == exitUsage {
		fmt.Fprintf(c.stderr, "See: %s --help\n", cmd.CommandPath())
	}
	return code
}

func (c *cli) newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "hearth",
		Short: "AWS Lambda on your own machines",
		Long: `hearth serves the AWS Lambda API and runs Lambda functions, on this machine.

Start the daemon with "hearth serve"; the aws CLI, the SDKs and Terraform then
work with AWS_ENDPOINT_URL=` + defaultEndpoint + `. "hearth run DIR" runs one
function without a daemon.`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
	}
	root.PersistentFlags().StringVar(&c.endpoint, "endpoint", "",
		"`URL` of the daemon (default $HEARTH_ENDPOINT, $AWS_ENDPOINT_URL_LAMBDA, $AWS_ENDPOINT_URL, "+defaultEndpoint+")")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddCommand(c.commands()...)
	return root
}

func unknownCommand(cmd *cobra.Command, name string) error {
	cmd.SuggestionsMinimumDistance = 2
	for _, suggestion := range cmd.SuggestionsFor(name) {
		return usagef("unknown command %q; did you mean %q?", name, suggestion)
	}
	return usagef("unknown command %q", name)
}

// defaultEndpoint is where `hearth serve` listens unless told otherwise.
const defaultEndpoint = "http://127.0.0.1:4566"

// client returns a client of the daemon that flags and environment name. It
// signs with the credentials of the environment, if there are any. The caller
// closes it.
func (c *cli) client() (*lambdaclient.Client, error) {
	endpoint := c.endpoint
	for _, name := range []string{"HEARTH_ENDPOINT", "AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL"} {
		if endpoint == "" {
			endpoint = c.getenv(name)
		}
	}
	if endpoint == "" {
		endpoint = defaultEndpoint
	}
	client, err := lambdaclient.New(endpoint)
	if err != nil {
		return nil, &usageError{err}
	}
	if id, secret := c.getenv("AWS_ACCESS_KEY_ID"), c.getenv("AWS_SECRET_ACCESS_KEY"); id != "" && secret != "" {
		client.SignWith(sigv4.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: c.getenv("AWS_SESSION_TOKEN")},
			cmp.Or(c.getenv("AWS_REGION"), c.getenv("AWS_DEFAULT_REGION"), defaultRegion))
	}
	return client, nil
}

// defaultRegion is that of requests which name none.
const defaultRegion = "us-east-1"

// positional makes the errors of an argument validator usage errors.
func positional(validate cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := validate(cmd, args); err != nil {
			return &usageError{err}
		}
		return nil
	}
}

// completeFunctions completes the names of the daemon's functions in a shell.
func (c *cli) completeFunctions(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	client, err := c.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	defer client.Close()
	functions, err := client.ListFunctions(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := make([]string, len(functions))
	for i, f := range functions {
		names[i] = f.FunctionName
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func newVersionCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this binary",
		Args:  positional(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(c.stdout, "hearth", version)
			return err
		},
	}
}

// usageError is a command line that makes no sense.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// errFunctionFailed marks an invocation that reached its function and failed
// there: what the function answered has been printed, the error says what it was.
var errFunctionFailed = errors.New("function failed")
