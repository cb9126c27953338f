// Package schema renders what an environment emits as the JSON events of AWS's
// Telemetry API and of the Logs API before it, in each of their versions:
//
//	{"time":"2026-11-21T01:20:02.123Z","type":"platform.start","record":{...}}
//
// JSON system logs are such events too.
package schema

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/hearthd/hearth"
)

// Version is a schema version of either API.
type Version string

// The schema versions, which name their API.
const (
	Telemetry2022July     Version = "2022-07-01"
	Telemetry2022December Version = "2022-12-13" // JSON lines of functions are objects
	Telemetry2025         Version = "2025-01-29" // functionArn and tenantId
	Logs2020              Version = "2020-08-15"
	Logs2021              Version = "2021-03-18" // platform.runtimeDone
)

// logs reports whether a version is the Logs API's.
func (v Version) logs() bool { return v == Logs2020 || v == Logs2021 }

// TimeLayout is how all logs print the time.
const TimeLayout = "2006-01-02T15:04:05.000Z"

// Environment is what events tell about where they happened.
type Environment struct {
	Function          *hearth.Function
	RuntimeVersion    string // as in INIT_START; may be empty
	RuntimeVersionARN string
	InstanceID        string
}

type event struct {
	Time   string `json:"time"`
	Type   string `json:"type"`
	Record any    `json:"record"`
}

// AppendEvent appends the objects that a platform event is in a version, each
// with a newline: none where the version does not know the event, and two for
// the report of the Logs API, where it has an end.
func (e *Environment) AppendEvent(b []byte, v Version, ev *hearth.PlatformEvent) []byte {
	if v.logs() {
		return e.appendLogs(b, v, ev)
	}
	if ev.Kind == hearth.EventFault || ev.Kind == hearth.EventLogsSubscription {
		return b
	}
	return appendRecord(b, ev.Time, string(ev.Kind), e.telemetry(v, ev))
}

// appendLogs is AppendEvent for the Logs API.
func (e *Environment) appendLogs(b []byte, v Version, ev *hearth.PlatformEvent) []byte {
	kind, rec := ev.Kind, record{RequestID: ev.RequestID}
	switch kind {
	case hearth.EventFault:
		return appendRecord(b, ev.Time, string(kind), "RequestId: "+ev.RequestID+" Process exited before completing request")
	case hearth.EventStart:
		rec.Version = e.Function.Version
	case hearth.EventRuntimeDone:
		if v == Logs2020 {
			return b
		}
		rec.Status = ev.Status
		if rec.Status == hearth.StatusError {
			rec.Status = hearth.StatusFailure // what this API calls it
		}
	case hearth.EventReport:
		b = appendRecord(b, ev.Time, "platform.end", rec)
		rec.Metrics, rec.Tracing = reportMetrics(ev), tracing(ev)
	case hearth.EventExtension, hearth.EventLogsSubscription, hearth.EventLogsDropped:
		return appendRecord(b, ev.Time, string(kind), e.telemetry(v, ev))
	default:
		return b
	}
	return appendRecord(b, ev.Time, string(kind), rec)
}

// AppendLine appends a line of a process as one object with a newline. A line
// is a string, but for JSON objects since December 2022. Its text is cut so that
// the object does not exceed limit bytes, which are at least 1024; 0: no limit.
func AppendLine(b []byte, v Version, t time.Time, source hearth.LogSource, line []byte, limit int) []byte {
	start := len(b)
	if isObject(line) && !v.logs() && v != Telemetry2022July {
		b = appendRecord(b, t, string(source), json.RawMessage(line))
	} else {
		b = appendRecord(b, t, string(source), string(line))
	}
	if limit > 0 && len(b)-start > limit {
		const envelope, widest = 100, 6 // bytes besides the text, and of an escaped byte
		cut := line[:min(len(line), (limit-envelope)/widest)]
		for len(cut) > 0 && !utf8.RuneStart(line[len(cut)]) {
			cut = cut[:len(cut)-1]
		}
		b = appendRecord(b[:start], t, string(source), string(cut))
	}
	return b
}

func isObject(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) > 1 && line[0] == '{' && line[len(line)-1] == '}' && json.Valid(line)
}

func appendRecord(b []byte, t time.Time, kind string, rec any) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(event{Time: t.UTC().Format(TimeLayout), Type: kind, Record: rec}) // adds the newline
	if err != nil {
		return b // strings, numbers and valid JSON always encode
	}
	return append(b, out.Bytes()...)
}

// spanID is the same in all events of an invocation, and in no other's.
func spanID(requestID string) string {
	sum := sha256.Sum256([]byte(requestID))
	return hex.EncodeToString(sum[:8])
}
