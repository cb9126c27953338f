package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/internal/lambdaclient"
)

// statusInterval is the time between two looks of --wait.
const statusInterval = 100 * time.Millisecond

func newStatusCommand(c *cli) *cobra.Command {
	var wait time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say whether a daemon serves at the endpoint",
		Args:  positional(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runStatus(cmd.Context(), c, wait, asJSON)
		},
	}
	cmd.Flags().DurationVar(&wait, "wait", 0, "wait up to this long for a daemon that is starting")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func runStatus(ctx context.Context, c *cli, wait time.Duration, asJSON bool) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	health, err := waitHealthy(ctx, client, wait)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.stdout, health)
	}
	_, err = fmt.Fprintf(c.stdout, "hearth %s at %s: %s\n", health.Version, client.Endpoint(), health.Status)
	return err
}

// waitHealthy asks for the daemon's health, again and again for up to wait
// while nothing listens or the daemon says that it is not ready.
func waitHealthy(ctx context.Context, client *lambdaclient.Client, wait time.Duration) (lambdaclient.Health, error) {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	ticker := time.NewTicker(statusInterval)
	defer ticker.Stop()
	for {
		health, err := client.Health(ctx)
		if err == nil || !isStarting(err) {
			return health, err
		}
		select {
		case <-deadline.C:
			return lambdaclient.Health{}, err
		case <-ctx.Done():
			return lambdaclient.Health{}, ctx.Err()
		case <-ticker.C:
		}
	}
}

// isStarting reports whether an error may go away once a daemon has started.
func isStarting(err error) bool {
	if _, ok := errors.AsType[*lambdaclient.UnreachableError](err); ok {
		return true
	}
	answer, ok := errors.AsType[*lambdaclient.Error](err)
	return ok && answer.StatusCode == 503
}
