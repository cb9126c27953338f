package lambdaclient

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
)

// Health is what a daemon says of itself.
type Health struct {
	Status  string `json:"status"` // ok
	Version string `json:"version"`
}

// Health asks the daemon how it is.
func (c *Client) Health(ctx context.Context) (Health, error) {
	var health Health
	if err := c.call(ctx, request{method: http.MethodGet, path: "/_hearth/health"}, nil, &health); err != nil {
		return Health{}, fmt.Errorf("ask for the daemon's health: %w", err)
	}
	return health, nil
}

// LogsInput says which log lines to read.
type LogsInput struct {
	FunctionName string
	Follow       bool      // go on with new lines until the context is done
	Since        time.Time // zero: from the first that is kept
}

// LogLine is one line of a function's log.
type LogLine struct {
	Time    time.Time `json:"time"`
	Stream  string    `json:"stream"` // log stream: one per execution environment
	Message string    `json:"message"`
}

// Logs yields the lines of a function's log as they arrive. An error ends the
// sequence; the end of ctx is one.
func (c *Client) Logs(ctx context.Context, in LogsInput) iter.Seq2[LogLine, error] {
	return func(yield func(LogLine, error) bool) {
		query := url.Values{"function": {in.FunctionName}}
		if in.Follow {
			query.Set("follow", "1")
		}
		if !in.Since.IsZero() {
			query.Set("since", in.Since.UTC().Format(time.RFC3339Nano))
		}
		resp, err := c.send(ctx, request{method: http.MethodGet, path: "/_hearth/logs", query: query})
		if err != nil {
			yield(LogLine{}, fmt.Errorf("read the log of %s: %w", in.FunctionName, err))
			return
		}
		defer resp.Body.Close()
		decoder := json.NewDecoder(resp.Body)
		for {
			var line LogLine
			err := decoder.Decode(&line)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(LogLine{}, fmt.Errorf("read the log of %s: %w", in.FunctionName, err))
				return
			}
			if !yield(line, nil) {
				return
			}
		}
	}
}
