package runtimeapi

// The APIs that an extension can subscribe to.
const (
	TelemetryAPI = "telemetry" // PUT /2022-07-01/telemetry
	LogsAPI      = "logs"      // PUT /2020-08-15/logs
)

// Subscriptions takes what the extensions of one environment subscribe to. It
// outlives sessions: a subscription belongs to the name of an extension, and a
// reset does not end it.
type Subscriptions interface {
	// Subscribe takes the body, at most MaxSubscription bytes, of a request by
	// the extension of that name, and returns the answer to it: JSON, without a
	// newline. api is TelemetryAPI or LogsAPI. It is called during init phases
	// only, at times from several goroutines; who comes later is refused with
	// 403 before it.
	Subscribe(extension, api string, body []byte) (status int, reply []byte)
}

// MaxSubscription is the most that a subscription may say, in bytes.
const MaxSubscription = 64 << 10
