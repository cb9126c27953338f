package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/hearthd/hearth/api/own"
)

// Health asks the daemon how it is.
func (c *Client) Health(ctx context.Context) (own.Health, error) {
	var health own.Health
	if err := c.call(ctx, request{method: http.MethodGet, path: own.HealthPath}, nil, &health); err != nil {
		return own.Health{}, fmt.Errorf("ask for the daemon's health: %w", err)
	}
	return health, nil
}

// LogsInput says which log lines to read.
type LogsInput struct {
	FunctionName string
	Follow       bool      // go on with new lines until the context is done
	Since        time.Time // zero: from the first that is kept
}

// Logs yields the lines of a function's log as they arrive. An error ends the
// sequence; the end of ctx is one.
func (c *Client) Logs(ctx context.Context, in LogsInput) iter.Seq2[own.LogLine, error] {
	return func(yield func(own.LogLine, error) bool) {
		query := url.Values{"function": {in.FunctionName}}
		if in.Follow {
			query.Set("follow", "1")
		}
		if !in.Since.IsZero() {
			query.Set("since", in.Since.UTC().Format(time.RFC3339Nano))
		}
		resp, err := c.send(ctx, request{method: http.MethodGet, path: own.LogsPath, query: query})
		if err != nil {
			yield(own.LogLine{}, fmt.Errorf("read the log of %s: %w", in.FunctionName, err))
			return
		}
		defer resp.Body.Close()
		decoder := json.NewDecoder(resp.Body)
		for {
			var line own.LogLine
			err := decoder.Decode(&line)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(own.LogLine{}, fmt.Errorf("read the log of %s: %w", in.FunctionName, err))
				return
			}
			if !yield(line, nil) {
				return
			}
		}
	}
}
