package observe

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/api/client"
	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
)

type tracesOptions struct {
	traceID string
	since   string
	limit   int
	json    bool
}

// NewTracesCommand returns `hearth traces`.
func NewTracesCommand(d *remote.Daemon) *cobra.Command {
	var o tracesOptions
	cmd := &cobra.Command{
		Use:   "traces",
		Short: "List the X-Ray segments that functions sent",
		Long: `List the segments that functions and extensions sent to the X-Ray daemon of their
environment, the oldest first. The trace id of an invocation is in the header
X-Amzn-Trace-Id of its answer, and in REPORT lines of traced invocations.`,
		Example: `  hearth traces --since 10m
  hearth traces --trace-id 1-5759e988-bd862e3fe1be46a994272793 --json`,
		Args: cobra.NoArgs,
		RunE: d.Run(func(ctx context.Context, c *client.Client, _ []string) error {
			return o.run(ctx, d, c)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.traceID, "trace-id", "", "of one trace, by its `ID`")
	flags.StringVar(&o.since, "since", "", "that began at this `TIME` or later: a duration before now such as 10m, or RFC 3339")
	flags.IntVar(&o.limit, "limit", 0, "the latest `N` only (default 1000)")
	flags.BoolVar(&o.json, "json", false, "print the segments as they were sent, one JSON object per line")
	return cmd
}

// segment is what the listing shows of one. Times are seconds since 1970.
type segment struct {
	TraceID    string  `json:"trace_id"`
	Name       string  `json:"name"`
	StartTime  float64 `json:"start_time"`
	EndTime    float64 `json:"end_time"`
	InProgress bool    `json:"in_progress"`
	Error      bool    `json:"error"`
	Fault      bool    `json:"fault"`
	Throttle   bool    `json:"throttle"`
}

func (o tracesOptions) run(ctx context.Context, d *remote.Daemon, c *client.Client) error {
	since, err := parseSince(o.since, time.Now())
	if err != nil {
		return err
	}
	if o.limit < 0 {
		return exit.Usagef("--limit: %d is negative", o.limit)
	}
	rows := [][]string{}
	for raw, err := range c.Traces(ctx, client.TracesInput{TraceID: o.traceID, Since: since, Limit: o.limit}) {
		if err != nil {
			return err
		}
		var s segment
		if err := json.Unmarshal(raw, &s); err != nil {
			s.Name = "(not readable)"
		}
		if s.StartTime < unixSeconds(since) {
			continue // the daemon goes by days
		}
		if o.json {
			if err := terminal.PrintLine(d.Stdout, raw); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, s.row())
	}
	switch {
	case o.json:
		return nil
	case len(rows) == 0:
		fmt.Fprintln(d.Stderr, "no segments; functions send them to AWS_XRAY_DAEMON_ADDRESS, as the X-Ray SDKs do")
		return nil
	default:
		return d.PrintTable([]string{"TRACE", "STARTED", "TOOK", "STATUS", "NAME"}, rows)
	}
}

func unixSeconds(t time.Time) float64 {
	if t.IsZero() {
		return math.Inf(-1)
	}
	return float64(t.UnixMicro()) / 1e6
}

func (s segment) row() []string {
	took := "-"
	if s.EndTime >= s.StartTime && s.EndTime > 0 {
		took = time.Duration((s.EndTime - s.StartTime) * float64(time.Second)).Round(10 * time.Microsecond).String()
	}
	return []string{s.TraceID, time.UnixMicro(int64(s.StartTime * 1e6)).UTC().Format("2006-01-02T15:04:05.000Z"), took, s.status(), s.Name}
}

// status is X-Ray's word for how it went.
func (s segment) status() string {
	switch {
	case s.InProgress:
		return "in progress"
	case s.Throttle:
		return "throttle"
	case s.Fault:
		return "fault"
	case s.Error:
		return "error"
	default:
		return "ok"
	}
}
