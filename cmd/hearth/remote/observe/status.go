package observe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/api/client"
	"github.com/hearthd/hearth/api/own"
	"github.com/hearthd/hearth/cmd/hearth/remote"
)

// statusInterval is the time between two looks of --wait.
const statusInterval = 100 * time.Millisecond

// NewStatusCommand returns `hearth status`.
func NewStatusCommand(d *remote.Daemon) *cobra.Command {
	var wait time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say whether a daemon serves at the endpoint, and what it does",
		Long: `Say whether a daemon serves at the endpoint, and how many functions, execution
environments and asynchronous events it has. Under --auth the counts take the
action hearth:status and a key of the daemon's own account; without it the
command says only that the daemon is there.`,
		Args: cobra.NoArgs,
		RunE: d.Run(func(ctx context.Context, c *client.Client, _ []string) error {
			return printStatus(ctx, d, c, wait, asJSON)
		}),
	}
	cmd.Flags().DurationVar(&wait, "wait", 0, "wait up to this long for a daemon that is starting")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printStatus(ctx context.Context, d *remote.Daemon, c *client.Client, wait time.Duration, asJSON bool) error {
	health, err := waitHealthy(ctx, c, wait)
	if err != nil {
		return err
	}
	status, err := c.Status(ctx)
	if err != nil && !isWithheld(err) {
		return err
	}
	known := err == nil
	if asJSON {
		shape := struct {
			own.Health
			Endpoint string      `json:"endpoint"`
			Daemon   *own.Status `json:"daemon,omitempty"`
		}{Health: health, Endpoint: c.Endpoint()}
		if known {
			shape.Daemon = &status
		}
		return d.PrintJSON(shape)
	}
	if _, err := fmt.Fprintf(d.Stdout, "hearth %s at %s: %s\n", health.Version, c.Endpoint(), health.Status); err != nil || !known {
		return err
	}
	return d.PrintRows(statusRows(status))
}

// isWithheld reports whether a daemon does not tell its status: the caller may
// not know it, or it is of an older version.
func isWithheld(err error) bool {
	answer, ok := errors.AsType[*client.Error](err)
	return ok && (answer.StatusCode == http.StatusForbidden || answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusNotFound)
}

func statusRows(s own.Status) [][]string {
	functions := make([]string, len(s.Functions))
	for i, f := range s.Functions {
		functions[i] = fmt.Sprintf("%d in %s of account %s", f.Functions, f.Region, f.Account)
	}
	if len(functions) == 0 {
		functions = []string{"none yet; deploy one with: hearth deploy DIR"}
	}
	access := "any credentials"
	if s.Auth {
		access = "signed requests only"
	}
	e := s.Environments
	rows := [][]string{
		{"functions", strings.Join(functions, ", ")},
		{"environments", fmt.Sprintf("%d, %d of them idle and %d starting; %d of %d MB", e.All, e.Idle, e.Starting, e.Memory, e.MaxMemory)},
		{"invocations", fmt.Sprintf("%d of at most %d at a time", e.Invocations, e.MaxConcurrency)},
		{"events", fmt.Sprintf("%d ready, %d running, %d to be run again later", s.Events.Ready, s.Events.Running, s.Events.Delayed)},
		{"sandbox", s.Sandbox},
		{"network", s.Network},
		{"clock", s.Clock},
		{"access", access},
	}
	if len(s.Missing) > 0 {
		rows = append(rows, []string{"not enforced", strings.Join(s.Missing, ", ") + "; see: hearth doctor"})
	}
	return rows
}

// waitHealthy asks for the daemon's health, again and again for up to wait
// while nothing listens or the daemon says that it is not ready.
func waitHealthy(ctx context.Context, c *client.Client, wait time.Duration) (own.Health, error) {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	ticker := time.NewTicker(statusInterval)
	defer ticker.Stop()
	for {
		health, err := c.Health(ctx)
		if err == nil || !isStarting(err) {
			return health, err
		}
		select {
		case <-deadline.C:
			return own.Health{}, err
		case <-ctx.Done():
			return own.Health{}, ctx.Err()
		case <-ticker.C:
		}
	}
}

// isStarting reports whether an error may go away once a daemon has started.
func isStarting(err error) bool {
	if _, ok := errors.AsType[*client.UnreachableError](err); ok {
		return true
	}
	answer, ok := errors.AsType[*client.Error](err)
	return ok && answer.StatusCode == 503
}
