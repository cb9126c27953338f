package lambdaclient

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// DefaultAdvanceWait is how long an advance waits for what it set going, in real
// time, unless the request says so.
const DefaultAdvanceWait = time.Minute

// Clock is a daemon's clock.
type Clock struct {
	Clock   string    `json:"clock"` // real or test
	Now     time.Time `json:"now"`
	Pending []Firing  `json:"pending,omitempty"` // of a test clock: what is due next
}

// Firing is something that came due, or will.
type Firing struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
}

// Advance is what an advance of a test clock did.
type Advance struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Fired []Firing  `json:"fired"`
	More  int       `json:"more,omitempty"` // besides those in Fired
	// Stopped says why To is not as far as was asked for.
	Stopped string `json:"stopped,omitempty"`
}

// Clock asks for the daemon's clock.
func (c *Client) Clock(ctx context.Context) (Clock, error) {
	var clock Clock
	if err := c.call(ctx, request{method: http.MethodGet, path: "/_hearth/clock"}, nil, &clock); err != nil {
		return Clock{}, fmt.Errorf("ask for the daemon's clock: %w", err)
	}
	return clock, nil
}

// AdvanceClock advances a test clock and waits up to wait, in real time, for
// everything that this sets going.
func (c *Client) AdvanceClock(ctx context.Context, by, wait time.Duration) (Advance, error) {
	var advance Advance
	in := map[string]string{"by": by.String(), "wait": wait.String()}
	if err := c.call(ctx, request{method: http.MethodPost, path: "/_hearth/clock/advance"}, in, &advance); err != nil {
		return Advance{}, fmt.Errorf("advance the daemon's clock: %w", err)
	}
	return advance, nil
}
