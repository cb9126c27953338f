package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/internal/lambdaclient"
)

type invokeOptions struct {
	payload       string
	qualifier     string
	clientContext string
	stream        bool
	async         bool
	dryRun        bool
	tail          bool
	json          bool
}

func newInvokeCommand(c *cli) *cobra.Command {
	var o invokeOptions
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
		Args:              positional(cobra.ExactArgs(1)),
		ValidArgsFunction: c.completeFunctions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runInvoke(cmd.Context(), c, args[0], o)
		},
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

func runInvoke(ctx context.Context, c *cli, name string, o invokeOptions) error {
	input, err := o.input(c, name)
	if err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	if o.stream {
		return runInvokeStream(ctx, c, client, input)
	}
	stop := c.spin("waiting for " + name)
	output, err := client.Invoke(ctx, input)
	stop()
	if err != nil {
		return err
	}
	if err := o.print(c, output); err != nil {
		return err
	}
	if output.FunctionError != "" {
		return fmt.Errorf("%w: %s", errFunctionFailed, functionErrorText(output))
	}
	return nil
}

// runInvokeStream prints a response as it comes.
func runInvokeStream(ctx context.Context, c *cli, client *lambdaclient.Client, input lambdaclient.InvokeInput) error {
	stop := sync.OnceFunc(c.spin("waiting for " + input.FunctionName))
	defer stop()
	output, err := client.InvokeStream(ctx, input, func(piece []byte) error {
		stop()
		if _, err := c.stdout.Write(piece); err != nil {
			return fmt.Errorf("print: %w", err)
		}
		return nil
	})
	stop()
	if err != nil {
		return err
	}
	if input.Tail {
		if err := printLine(c.stderr, output.LogTail); err != nil {
			return err
		}
	}
	if output.ErrorCode != "" {
		return fmt.Errorf("%w: %s", errFunctionFailed, strings.TrimSuffix(output.ErrorCode+": "+output.ErrorDetails, ": "))
	}
	return nil
}

// input turns the command line into an invocation.
func (o invokeOptions) input(c *cli, name string) (lambdaclient.InvokeInput, error) {
	input := lambdaclient.InvokeInput{FunctionName: name, Qualifier: o.qualifier, InvocationType: lambdaclient.RequestResponse, Tail: o.tail || o.json}
	switch {
	case o.async && o.dryRun:
		return input, usagef("an invocation is --async or --dry-run, not both")
	case o.stream && (o.async || o.dryRun || o.json):
		return input, usagef("--stream prints what a function writes, as it comes: leave --async, --dry-run and --json out")
	case o.async && o.tail, o.dryRun && o.tail:
		return input, usagef("--tail needs a response to wait for: leave --async or --dry-run out")
	case o.async:
		input.InvocationType, input.Tail = lambdaclient.Event, false
	case o.dryRun:
		input.InvocationType, input.Tail = lambdaclient.DryRun, false
	}
	if o.payload == "-" && o.clientContext == "-" {
		return input, usagef("standard input can be --payload or --client-context, not both")
	}
	var err error
	if input.Payload, err = c.readValue("--payload", o.payload); err != nil {
		return input, err
	}
	input.ClientContext, err = c.readValue("--client-context", o.clientContext)
	return input, err
}

// readValue reads a flag whose value is JSON, @file, or - for standard input.
// What is in it is the receiver's to judge.
func (c *cli) readValue(flag, value string) ([]byte, error) {
	switch {
	case value == "-":
		return c.readAll(flag, c.stdin)
	case strings.HasPrefix(value, "@"):
		f, err := os.Open(value[1:])
		if err != nil {
			return nil, usagef("%s: %w", flag, err)
		}
		defer f.Close()
		return c.readAll(flag, f)
	default:
		return []byte(value), nil
	}
}

// readAll reads a payload of at most the size that a daemon accepts.
func (c *cli) readAll(flag string, r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, hearth.MaxPayload+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", flag, err)
	}
	if len(data) > hearth.MaxPayload {
		return nil, hearth.Errorf(hearth.ErrTooLarge, "%s is larger than %d bytes", flag, hearth.MaxPayload)
	}
	return data, nil
}

func (o invokeOptions) print(c *cli, output lambdaclient.InvokeOutput) error {
	if o.json {
		return printInvocation(c, output)
	}
	if o.tail {
		if err := printLine(c.stderr, output.LogTail); err != nil {
			return err
		}
	}
	switch {
	case o.async:
		fmt.Fprintln(c.stderr, "queued as", output.RequestID)
		return nil
	case o.dryRun:
		fmt.Fprintln(c.stderr, "it could be invoked")
		return nil
	default:
		return printLine(c.stdout, output.Payload)
	}
}

// printInvocation prints --json. A payload that is not JSON, which only a
// function's raw response can be, is printed as a string.
func printInvocation(c *cli, output lambdaclient.InvokeOutput) error {
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
	return printJSON(c.stdout, shape)
}

// functionErrorText says in one line what a failed function answered.
func functionErrorText(output lambdaclient.InvokeOutput) string {
	var payload struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}
	if json.NewDecoder(bytes.NewReader(output.Payload)).Decode(&payload) != nil || payload.ErrorType == "" {
		return output.FunctionError
	}
	return payload.ErrorType + ": " + payload.ErrorMessage
}
