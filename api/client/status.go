package client

import (
	"context"
	"fmt"
	"net/http"

	"github.com/hearthd/hearth/api/own"
)

// Status asks the daemon what it does.
func (c *Client) Status(ctx context.Context) (own.Status, error) {
	var status own.Status
	if err := c.call(ctx, request{method: http.MethodGet, path: own.StatusPath}, nil, &status); err != nil {
		return own.Status{}, fmt.Errorf("ask for the daemon's status: %w", err)
	}
	return status, nil
}
