package observe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/api/client"
	"github.com/hearthd/hearth/api/own"
	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote"
)

// NewClockCommand returns `hearth clock`.
func NewClockCommand(d *remote.Daemon) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "clock",
		Short: "Show and advance the clock of a daemon under test",
		Long: `Show and advance the clock of a daemon that was started with
"hearth serve --clock test". Such a clock stands still until it is advanced.

Retries of events, their age, and how long environments are idle follow it.
Functions do not: what runs takes real time, and so do its time-outs.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newClockNowCommand(d), newClockAdvanceCommand(d))
	return cmd
}

func newClockNowCommand(d *remote.Daemon) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "now",
		Short: "Show the daemon's time, and what is due when",
		Args:  cobra.NoArgs,
		RunE: d.Run(func(ctx context.Context, c *client.Client, _ []string) error {
			state, err := c.Clock(ctx)
			if err != nil {
				return err
			}
			if asJSON {
				return d.PrintJSON(state)
			}
			fmt.Fprintf(d.Stdout, "%s (%s clock)\n", state.Now.Format(time.RFC3339Nano), state.Clock)
			printFirings(d, state.Pending, "is due")
			return nil
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newClockAdvanceCommand(d *remote.Daemon) *cobra.Command {
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
		Args: cobra.ExactArgs(1),
		RunE: d.Run(func(ctx context.Context, c *client.Client, args []string) error {
			by, err := time.ParseDuration(args[0])
			if err != nil || by < 0 {
				return exit.Usagef("%q is not a duration such as 90s, 2m or 6h", args[0])
			}
			return advanceClock(ctx, d, c, by, wait, asJSON)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().DurationVar(&wait, "wait", own.DefaultAdvanceWait, "give up on what was set going, in real time; the clock stays where it came to")
	return cmd
}

// errClockStopped: the clock did not come as far as it should have.
var errClockStopped = errors.New("the clock stopped on the way")

func advanceClock(ctx context.Context, d *remote.Daemon, c *client.Client, by, wait time.Duration, asJSON bool) error {
	stop := d.Spin("advancing the clock")
	report, err := c.AdvanceClock(ctx, by, wait)
	stop()
	if err != nil {
		return err
	}
	if asJSON {
		err = d.PrintJSON(report)
	} else {
		printFirings(d, report.Fired, "")
		if report.More > 0 {
			fmt.Fprintf(d.Stdout, "... and %d more\n", report.More)
		}
		fmt.Fprintln(d.Stdout, report.To.Format(time.RFC3339Nano))
	}
	if err == nil && report.Stopped != "" {
		err = fmt.Errorf("%w: %s", errClockStopped, report.Stopped)
	}
	return err
}

func printFirings(d *remote.Daemon, firings []own.Firing, verb string) {
	for _, f := range firings {
		if verb != "" {
			fmt.Fprintf(d.Stdout, "%s %s: %s\n", f.At.Format(time.RFC3339Nano), verb, f.What)
		} else {
			fmt.Fprintf(d.Stdout, "%s %s\n", f.At.Format(time.RFC3339Nano), f.What)
		}
	}
}
