// Package observe shows what a daemon does: its status, events, traces and the log
// of a function. Of a daemon under test it moves the clock as well.
package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/api/client"
	"github.com/hearthd/hearth/api/own"
	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote"
)

type logsOptions struct {
	follow bool
	since  string
	json   bool
}

// NewLogsCommand returns `hearth logs`.
func NewLogsCommand(d *remote.Daemon) *cobra.Command {
	var o logsOptions
	cmd := &cobra.Command{
		Use:   "logs NAME",
		Short: "Print a function's log",
		Example: `  hearth logs hello --follow
  hearth logs hello --since 10m
  hearth logs hello --since 2026-11-21T10:00:00Z --json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: d.CompleteFunction,
		RunE: d.Run(func(ctx context.Context, c *client.Client, args []string) error {
			return o.run(ctx, d, c, args[0])
		}),
	}
	flags := cmd.Flags()
	flags.BoolVarP(&o.follow, "follow", "f", false, "go on with new lines until interrupted")
	flags.StringVar(&o.since, "since", "", "from this `TIME` on: a duration before now such as 10m, or RFC 3339")
	flags.BoolVar(&o.json, "json", false, "print one JSON object per line")
	return cmd
}

func (o logsOptions) run(ctx context.Context, d *remote.Daemon, c *client.Client, name string) error {
	since, err := parseSince(o.since, time.Now())
	if err != nil {
		return err
	}
	input := client.LogsInput{FunctionName: name, Follow: o.follow, Since: since}
	for line, err := range c.Logs(ctx, input) {
		if o.follow && ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil // interrupted: how following ends
		}
		if err != nil {
			return err
		}
		if err := printLogLine(d, line, o.json); err != nil {
			return err
		}
	}
	return nil
}

// parseSince reads --since; empty is the zero time: from the first line kept.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		if ago < 0 {
			return time.Time{}, exit.Usagef("--since %s is in the future", text)
		}
		return now.Add(-ago), nil
	}
	since, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, exit.Usagef("--since %s is neither a duration such as 10m nor a time such as 2026-11-21T10:00:00Z", text)
	}
	return since, nil
}

func printLogLine(d *remote.Daemon, line own.LogLine, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(d.Stdout)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(line); err != nil {
			return fmt.Errorf("print: %w", err)
		}
		return nil
	}
	// Trailing newlines only: REPORT lines end in a tab, as on AWS.
	_, err := fmt.Fprintf(d.Stdout, "%s %s\n", line.Time.UTC().Format("2006-01-02T15:04:05.000Z"), strings.TrimRight(line.Message, "\r\n"))
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
