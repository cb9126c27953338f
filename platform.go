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

	// EventExtension is the state of an extension at the end of an init phase.
	EventExtension EventKind = "platform.extension"
	// EventSubscription is a subscription to the Telemetry API.
	EventSubscription EventKind = "platform.telemetrySubscription"
	// EventLogsSubscription is a subscription to the Logs API: of that API only.
	EventLogsSubscription EventKind = "platform.logsSubscription"
	// EventLogsDropped is what a subscriber lost because it was too slow.
	EventLogsDropped EventKind = "platform.logsDropped"
	// EventFault is the end of a runtime that failed: Logs API only.
	EventFault EventKind = "platform.fault"
)

// Initialization types, the values of AWS_LAMBDA_INITIALIZATION_TYPE.
const (
	InitOnDemand    = "on-demand"
	InitProvisioned = "provisioned-concurrency"
	InitSnapStart   = "snap-start"
	InitManaged     = "lambda-managed-instances"
)

// LogSource says whose process wrote a line: AWS's two types of log records.
type LogSource string

// Sources of a line.
const (
	SourceFunction  LogSource = "function"  // the runtime and its children
	SourceExtension LogSource = "extension" // an external extension and its children
)

// LogMessage is an event of a function's log that its runtime framed: unlike a
// line it may have newlines, and it brings its time and level.
type LogMessage struct {
	Time  time.Time
	Level LogLevel // empty: it has none
	Text  []byte   // only valid during the call that hands it over
}

// LogLevel is an application's or the system's log level.
type LogLevel string

// Log levels, from the least to the most severe.
const (
	LevelTrace LogLevel = "TRACE"
	LevelDebug LogLevel = "DEBUG"
	LevelInfo  LogLevel = "INFO"
	LevelWarn  LogLevel = "WARN"
	LevelError LogLevel = "ERROR"
	LevelFatal LogLevel = "FATAL"
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

	RequestID string // start, runtimeDone, report, fault
	TraceID   string // start, runtimeDone, report
	TenantID  string // start, runtimeDone, report
	ARN       string // start: as the caller named the function
	InitType  string // init*: InitOnDemand, ...
	Phase     string // init*
	Status    string // *Done, *Report
	ErrorType string // of a Status other than success; may be empty

	Duration      time.Duration // *Done, *Report
	InitDuration  time.Duration // report of a cold start
	MemorySize    int           // report: MB configured
	MaxMemoryUsed int           // report: MB, the environment's peak so far
	ProducedBytes int64         // runtimeDone

	Spans []Span // initReport, runtimeDone, report

	Name    string   // extension, subscription: of the extension
	State   string   // extension: Started, Ready, ...; subscription: Subscribed, ...
	Events  []string // extension: what it registered for
	Types   []string // subscription: function, extension, platform
	Records int      // logsDropped
	Bytes   int      // logsDropped
	Reason  string   // logsDropped

	// Note is a line of prose that AWS prints between start and end, such as
	// the notice of a timeout. Text format only. On report.
	Note string
}

// Span is a part of a phase.
type Span struct {
	Name     string // responseLatency, responseDuration, runtimeOverhead, extensionOverhead
	Start    time.Time
	Duration time.Duration
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
