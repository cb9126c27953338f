package hearth

import "time"

// MaxPayload is the size in bytes that the response to a synchronous invocation
// may have on AWS: 6 MiB and 100 bytes of envelope.
const MaxPayload = 6*1024*1024 + 100

// Invocation is one event on its way to a function.
type Invocation struct {
	RequestID string // UUID; the same over retries of one event
	Payload   []byte // JSON; not written to by anyone after creation
	// FunctionID is the ID of the function that the event is for. Another that
	// has its name by the time the event is run does not get it. Empty: it is
	// for whichever has the name.
	FunctionID string

	InvokedARN      string // as the caller named the function, for the context object
	TraceID         string // value of X-Amzn-Trace-Id; empty: none
	ClientContext   string // decoded JSON; empty: none
	CognitoIdentity string // JSON; empty: none
	TenantID        string

	// Tail asks for the last 4 KB of the invocation's log in Result.LogTail.
	Tail bool
	// Stream, when not nil, takes a response as the runtime produces it. One
	// that the runtime sends as a whole is in the Result, as ever, and so is
	// what a function that failed posted last. Whoever made the stream closes
	// it once the invocation has its Result.
	Stream *Stream
}

// Result is how an invocation ended. User code that failed is a result, not a
// Go error.
type Result struct {
	Payload []byte
	// FunctionError is empty on success and "Unhandled" when the function, its
	// runtime or an extension failed.
	FunctionError string
	// ErrorType classifies a failed result for logs and metrics:
	// Sandbox.Timedout, Runtime.ExitError, Function.ResponseSizeTooLarge, ...
	// Empty when the handler itself answered, be it with an error.
	ErrorType       string
	ContentType     string
	ExecutedVersion string
	LogTail         []byte // nil unless asked for

	Duration time.Duration // of the invoke phase
	Init     time.Duration // of the init phase that this invocation waited for; 0 when warm
}

// Unhandled is the only FunctionError that AWS sends today.
const Unhandled = "Unhandled"
