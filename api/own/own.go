// Package own is the wire of hearth's own paths, which AWS has no counterpart for:
// where they are, and the JSON of their answers. edge/own serves them, api/client
// asks for them.
package own

import "time"

// Prefix begins the paths. With --auth they take a signature, but for health and
// links to code.
const Prefix = "/_hearth/"

// The paths.
const (
	HealthPath  = Prefix + "health"        // GET: Health
	StatusPath  = Prefix + "status"        // GET: Status
	MetricsPath = Prefix + "metrics"       // GET: Metrics
	EventsPath  = Prefix + "events"        // GET: Events
	ClockPath   = Prefix + "clock"         // GET: Clock
	AdvancePath = Prefix + "clock/advance" // POST AdvanceRequest: Advance
	TracesPath  = Prefix + "traces"        // GET, with traceId, since and limit: a JSON object a line
	CodePath    = Prefix + "code/"         // GET of what is below: an archive, by a link that is signed in its own way
	LogsPath    = Prefix + "logs"          // GET, with function, follow and since: a LogLine a line
)

// Health is what a daemon says of itself.
type Health struct {
	Status  string `json:"status"` // ok
	Version string `json:"version"`
}

// Metrics are the numbers of all parts of a daemon by their names, in AWS's words
// where there are: ConcurrentExecutions.
type Metrics map[string]float64

// LogLine is one line of a function's log.
type LogLine struct {
	Time    time.Time `json:"time"`
	Stream  string    `json:"stream"` // log stream: one per execution environment
	Message string    `json:"message"`
}
