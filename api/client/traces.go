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
	"strconv"
	"time"

	"github.com/hearthd/hearth/api/own"
)

// TracesInput selects X-Ray segments.
type TracesInput struct {
	TraceID string    // empty: of every trace
	Since   time.Time // of the days since; zero: all that are kept
	Limit   int       // the latest that many; 0: the daemon's default, 1000
}

// Traces yields the segments that functions sent, as they sent them, the oldest
// first.
func (c *Client) Traces(ctx context.Context, in TracesInput) iter.Seq2[json.RawMessage, error] {
	query := url.Values{}
	if in.TraceID != "" {
		query.Set("traceId", in.TraceID)
	}
	if !in.Since.IsZero() {
		query.Set("since", in.Since.UTC().Format(time.RFC3339))
	}
	if in.Limit > 0 {
		query.Set("limit", strconv.Itoa(in.Limit))
	}
	return func(yield func(json.RawMessage, error) bool) {
		resp, err := c.send(ctx, request{method: http.MethodGet, path: own.TracesPath, query: query})
		if err != nil {
			yield(nil, fmt.Errorf("read traces: %w", err))
			return
		}
		defer resp.Body.Close()
		decoder := json.NewDecoder(resp.Body)
		for {
			var segment json.RawMessage
			err := decoder.Decode(&segment)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("read traces: %w", err))
				return
			}
			if !yield(segment, nil) {
				return
			}
		}
	}
}
