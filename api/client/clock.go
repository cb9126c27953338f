package client

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/hearthd/hearth/api/own"
)

// Clock asks for the daemon's clock.
func (c *Client) Clock(ctx context.Context) (own.Clock, error) {
	var clock own.Clock
	if err := c.call(ctx, request{method: http.MethodGet, path: own.ClockPath}, nil, &clock); err != nil {
		return own.Clock{}, fmt.Errorf("ask for the daemon's clock: %w", err)
	}
	return clock, nil
}

// AdvanceClock advances a test clock and waits up to wait, in real time, for
// everything that this sets going.
func (c *Client) AdvanceClock(ctx context.Context, by, wait time.Duration) (own.Advance, error) {
	var advance own.Advance
	in := own.AdvanceRequest{By: by.String(), Wait: wait.String()}
	if err := c.call(ctx, request{method: http.MethodPost, path: own.AdvancePath}, in, &advance); err != nil {
		return own.Advance{}, fmt.Errorf("advance the daemon's clock: %w", err)
	}
	return advance, nil
}
