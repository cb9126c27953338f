// Package invoke is `hearth invoke`: one event in, and what the function answers
// out, whole or as it comes.
package invoke

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/api/client"
	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
)

type options struct {
	payload       string
	qualifier     string
	clientContext string
	stream        bool
	async         bool
	dryRun        bool
	tail          bool
	json          bool
}

// NewCommand returns `hearth invoke`.
func NewCommand(d *remote.Daemon) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "invoke NAME",
		Short: "Invoke a function and print its response",
		Long: `Invoke a function of the daemon and print its response on standard output.

NAME is a function's name or ARN. When the function fails, its error is printed
like a response and the exit code is 3. A response that is read with --stream
does not say how the function ended, as on AWS: --tail shows it.`,
		Example: `  hearth invoke hello --payload '{"name":"you"}'
  hearth invoke hello --payload @event.json --tail
  hearth invoke writer --stream
  echo '{}' | hearth invoke hello --payload -`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: d.CompleteFunction,
		RunE: d.Run(func(ctx context.Context, c *client.Client, args []string) error {
			return o.run(ctx, d, c, args[0])
		}),
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.payload, "payload", "p", "", "the event: `JSON`, @file, or - for standard input")
	flags.StringVarP(&o.qualifier, "qualifier", "q", "", "version or alias (default $LATEST)")
	flags.StringVar(&o.clientContext, "client-context", "", "client context: `JSON`, @file, or -")
	flags.BoolVar(&o.stream, "stream", false, "print the response while the function writes it, byte for byte (InvokeWithResponseStream)")
	flags.BoolVar(&o.async, "async", false, "queue the event and do not wait (invocation type Event)")
	flags.BoolVar(&o.dryRun, "dry-run", false, "check only that the function could be invoked")
	flags.BoolVar(&o.tail, "tail", false, "print the end of the invocation's log on standard error")
	flags.BoolVar(&o.json, "json", false, "print status, version, log and payload as one JSON object")
	return cmd
}

func (o options) run(ctx context.Context, d *remote.Daemon, c *client.Client, name string) error {
	input, err := o.input(d, name)
	if err != nil {
		return err
	}
	if o.stream {
		return stream(ctx, d, c, input)
	}
	stop := d.Spin("waiting for " + name)
	output, err := c.Invoke(ctx, input)
	stop()
	if err != nil {
		return err
	}
	if err := o.print(d, output); err != nil {
		return err
	}
	if output.FunctionError != "" {
		return exit.FunctionFailed(output.Payload, output.FunctionError)
	}
	return nil
}

// stream prints a response as it comes.
func stream(ctx context.Context, d *remote.Daemon, c *client.Client, input client.InvokeInput) error {
	stop := sync.OnceFunc(d.Spin("waiting for " + input.FunctionName))
	defer stop()
	output, err := c.InvokeStream(ctx, input, func(piece []byte) error {
		stop()
		if _, err := d.Stdout.Write(piece); err != nil {
			return fmt.Errorf("print: %w", err)
		}
		return nil
	})
	stop()
	if err != nil {
		return err
	}
	if input.Tail {
		if err := terminal.PrintLine(d.Stderr, output.LogTail); err != nil {
			return err
		}
	}
	if output.ErrorCode != "" {
		return fmt.Errorf("%w: %s", exit.ErrFunction, strings.TrimSuffix(output.ErrorCode+": "+output.ErrorDetails, ": "))
	}
	return nil
}

// input turns the command line into an invocation.
func (o options) input(d *remote.Daemon, name string) (client.InvokeInput, error) {
	input := client.InvokeInput{FunctionName: name, Qualifier: o.qualifier, InvocationType: client.RequestResponse, Tail: o.tail || o.json}
	switch {
	case o.async && o.dryRun:
		return input, exit.Usagef("an invocation is --async or --dry-run, not both")
	case o.stream && (o.async || o.dryRun || o.json):
		return input, exit.Usagef("--stream prints what a function writes, as it comes: leave --async, --dry-run and --json out")
	case o.async && o.tail, o.dryRun && o.tail:
		return input, exit.Usagef("--tail needs a response to wait for: leave --async or --dry-run out")
	case o.async:
		input.InvocationType, input.Tail = client.Event, false
	case o.dryRun:
		input.InvocationType, input.Tail = client.DryRun, false
	}
	if o.payload == "-" && o.clientContext == "-" {
		return input, exit.Usagef("standard input can be --payload or --client-context, not both")
	}
	var err error
	if input.Payload, err = d.ReadValue("--payload", o.payload); err != nil {
		return input, err
	}
	input.ClientContext, err = d.ReadValue("--client-context", o.clientContext)
	return input, err
}

func (o options) print(d *remote.Daemon, output client.InvokeOutput) error {
	if o.json {
		return printInvocation(d, output)
	}
	if o.tail {
		if err := terminal.PrintLine(d.Stderr, output.LogTail); err != nil {
			return err
		}
	}
	switch {
	case o.async:
		fmt.Fprintln(d.Stderr, "queued as", output.RequestID)
		return nil
	case o.dryRun:
		fmt.Fprintln(d.Stderr, "it could be invoked")
		return nil
	default:
		return terminal.PrintLine(d.Stdout, output.Payload)
	}
}

// printInvocation prints --json. A payload that is not JSON, which only a
// function's raw response can be, is printed as a string.
func printInvocation(d *remote.Daemon, output client.InvokeOutput) error {
	shape := struct {
		StatusCode      int
		ExecutedVersion string          `json:",omitempty"`
		FunctionError   string          `json:",omitempty"`
		RequestID       string          `json:"RequestId,omitempty"`
		LogResult       string          `json:",omitempty"`
		Payload         json.RawMessage `json:",omitempty"`
	}{output.StatusCode, output.ExecutedVersion, output.FunctionError, output.RequestID, string(output.LogTail), output.Payload}
	if len(output.Payload) > 0 && !json.Valid(output.Payload) {
		text, err := json.Marshal(string(output.Payload))
		if err != nil {
			return fmt.Errorf("print: %w", err)
		}
		shape.Payload = text
	}
	return d.PrintJSON(shape)
}
