package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/internal/lambdaclient"
)

// advanceWait is how long an advance waits for what it set going.
const advanceWait = time.Minute

func newClockCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "clock",
		Short: "Show and advance the clock of a daemon under test",
		Long: `Show and advance the clock of a daemon that was started with
"hearth serve --clock test". Such a clock stands still until it is advanced.

Retries of events, their age, and how long environments are idle follow it.
Functions do not: what runs takes real time, and so do its time-outs.`,
		Args: positional(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newClockNowCommand(c), newClockAdvanceCommand(c))
	return cmd
}

func newClockNowCommand(c *cli) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "now",
		Short: "Show the daemon's time, and what is due when",
		Args:  positional(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			state, err := client.Clock(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.stdout, state)
			}
			fmt.Fprintf(c.stdout, "%s (%s clock)\n", state.Now.Format(time.RFC3339Nano), state.Clock)
			printFirings(c, state.Pending, "is due")
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newClockAdvanceCommand(c *cli) *cobra.Command {
	var asJSON bool
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "advance DURATION",
		Short: "Advance the daemon's clock and say what came due",
		Long: `Advance the daemon's clock, from one thing that is due to the next. At each,
events are run to their end before the clock goes on, so that one advance plays
a whole story: a failed event, its first retry a minute later, its second two
minutes after that. When the command returns, all of it has happened.`,
		Example: `  hearth clock advance 2m
  hearth clock advance 6h --json`,
		Args: positional(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			by, err := time.ParseDuration(args[0])
			if err != nil || by < 0 {
				return usagef("%q is not a duration such as 90s, 2m or 6h", args[0])
			}
			return runClockAdvance(cmd.Context(), c, by, wait, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().DurationVar(&wait, "wait", advanceWait, "give up on what was set going, in real time; the clock stays where it came to")
	return cmd
}

// errClockStopped: the clock did not come as far as it should have.
var errClockStopped = errors.New("the clock stopped on the way")

func runClockAdvance(ctx context.Context, c *cli, by, wait time.Duration, asJSON bool) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	stop := c.spin("advancing the clock")
	report, err := client.AdvanceClock(ctx, by, wait)
	stop()
	if err != nil {
		return err
	}
	if asJSON {
		err = printJSON(c.stdout, report)
	} else {
		printFirings(c, report.Fired, "")
		if report.More > 0 {
			fmt.Fprintf(c.stdout, "... and %d more\n", report.More)
		}
		fmt.Fprintln(c.stdout, report.To.Format(time.RFC3339Nano))
	}
	if err == nil && report.Stopped != "" {
		err = fmt.Errorf("%w: %s", errClockStopped, report.Stopped)
	}
	return err
}

func printFirings(c *cli, firings []lambdaclient.Firing, verb string) {
	for _, f := range firings {
		if verb != "" {
			fmt.Fprintf(c.stdout, "%s %s: %s\n", f.At.Format(time.RFC3339Nano), verb, f.What)
		} else {
			fmt.Fprintf(c.stdout, "%s %s\n", f.At.Format(time.RFC3339Nano), f.What)
		}
	}
}
