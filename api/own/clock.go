package own

import "time"

// The clocks that a daemon can have.
const (
	ClockReal = "real" // the machine's
	ClockTest = "test" // one that stands still until it is advanced
)

// DefaultAdvanceWait is how long an advance waits for what it set going, in real
// time, unless the request says so.
const DefaultAdvanceWait = time.Minute

// Clock is a daemon's clock.
type Clock struct {
	Clock   string    `json:"clock"` // ClockReal or ClockTest
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

// AdvanceRequest says by how much to advance a test clock. Both are durations as Go
// writes them: 2m.
type AdvanceRequest struct {
	By   string `json:"by"`
	Wait string `json:"wait,omitempty"` // in real time; empty: DefaultAdvanceWait
}
