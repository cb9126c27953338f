package observe

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/api/client"
	"github.com/hearthd/hearth/api/own"
	"github.com/hearthd/hearth/cmd/hearth/remote"
)

// NewEventsCommand returns `hearth events`.
func NewEventsCommand(d *remote.Daemon) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Count the asynchronous events of a daemon",
		Long: `Count the events that were handed over with "hearth invoke --async" or invocation
type Event: those that wait, and what has become of others since the daemon
started. On a test clock, "hearth clock now" says when each is due.`,
		Args: cobra.NoArgs,
		RunE: d.Run(func(ctx context.Context, c *client.Client, _ []string) error {
			return printEvents(ctx, d, c, asJSON)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printEvents(ctx context.Context, d *remote.Daemon, c *client.Client, asJSON bool) error {
	events, err := c.Events(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return d.PrintJSON(events)
	}
	return d.PrintTable([]string{"EVENTS", "COUNT", "MEANING"}, eventRows(events))
}

func eventRows(e own.Events) [][]string {
	count := func(name string, n uint64, meaning string) []string {
		return []string{name, strconv.FormatUint(n, 10), meaning}
	}
	return [][]string{
		{"ready", strconv.Itoa(e.Ready), "about to be run"},
		{"running", strconv.Itoa(e.Running), "at this moment"},
		{"delayed", strconv.Itoa(e.Delayed), "to be run again later"},
		{"recovered", strconv.Itoa(e.Recovered), "found when the daemon started"},
		count("accepted", e.Accepted, "from callers, and for destinations"),
		count("succeeded", e.Succeeded, "done"),
		count("exhausted", e.Exhausted, "given up after their last attempt"),
		count("expired", e.Expired, "given up for their age"),
		count("refused", e.Refused, "of functions with a reserved concurrency of zero"),
		count("dropped", e.Dropped, "of functions that were deleted, and of recursive loops"),
		count("undelivered", e.Undelivered, "messages to destinations that are no functions"),
		count("failures", e.Failures, "attempts in which the function failed"),
		count("throttles", e.Throttles, "times that a function could not be run"),
	}
}
