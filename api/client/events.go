package client

import (
	"context"
	"fmt"
	"net/http"

	"github.com/hearthd/hearth/api/own"
)

// Events asks for the counts of the daemon's events.
func (c *Client) Events(ctx context.Context) (own.Events, error) {
	var events own.Events
	if err := c.call(ctx, request{method: http.MethodGet, path: own.EventsPath}, nil, &events); err != nil {
		return own.Events{}, fmt.Errorf("ask for the daemon's events: %w", err)
	}
	return events, nil
}
