package hearth

import "time"

// EventKind names a platform event, in the Telemetry API's spelling.
type EventKind string

// The platform events that an environment emits, in the order of its life.
const (
	EventInitStart       EventKind = "platform.initStart"
	EventInitRuntimeDone EventKind = "platform.initRuntimeDone"
	EventInitReport      EventKind = "platform.initReport"
	EventStart           EventKind = "platform.start"
	EventRuntimeDone     EventKind = "platform.runtimeDone"
	EventReport          EventKind = "platform.report"
)

// Phases that an initialization runs in: ahead of the first event, or again
// inside an invocation after it failed or after a reset.
const (
	PhaseInit   = "init"
	PhaseInvoke = "invoke"
)

// Statuses of a phase or an invocation.
const (
	StatusSuccess = "success"
	StatusFailure = "failure"
	StatusError   = "error"
	StatusTimeout = "timeout"
)

// PlatformEvent is one thing that the platform, not the function, says about
// an environment. Fields that do not belong to the kind are zero.
type PlatformEvent struct {
	Kind EventKind
	Time time.Time

	RequestID string // start, runtimeDone, report
	TraceID   string // start, runtimeDone, report
	Phase     string // init*
	Status    string // *Done, *Report
	ErrorType string // of a Status other than success; may be empty

	Duration      time.Duration // *Done, *Report
	InitDuration  time.Duration // report of a cold start
	MemorySize    int           // report: MB configured
	MaxMemoryUsed int           // report: MB, the environment's peak so far
	ProducedBytes int64         // runtimeDone

	// Note is a line of prose that AWS prints between start and end, such as
	// the notice of a timeout. Text format only. On report.
	Note string
}

// Billed rounds what an invocation used up to whole milliseconds, as AWS bills
// it: the invoke phase and, since August 2025, the init phase.
func (e *PlatformEvent) Billed() time.Duration {
	total := e.Duration + e.InitDuration
	return (total + time.Millisecond - 1).Truncate(time.Millisecond)
}

// LogEvent is one line of a log group.
type LogEvent struct {
	Time    time.Time `json:"time"`
	Stream  string    `json:"stream"`
	Message string    `json:"message"`
}
