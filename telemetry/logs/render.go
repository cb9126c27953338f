package logs

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
	"time"

	"github.com/hearthd/hearth"
)

// renderer turns platform events into lines, in one of AWS's two formats.
type renderer struct {
	fn       *hearth.Function
	rt       Runtime
	instance string
	level    int // JSON: the least level that is written
}

func newRenderer(fn *hearth.Function, rt Runtime, instance string) renderer {
	return renderer{fn: fn, rt: rt, instance: instance, level: systemLevel(fn.Logging.SystemLevel)}
}

// System log levels. AWS's default is INFO.
const (
	levelDebug = iota
	levelInfo
	levelWarn
)

func systemLevel(name string) int {
	switch name {
	case "DEBUG":
		return levelDebug
	case "WARN":
		return levelWarn
	default:
		return levelInfo
	}
}

func (r *renderer) isJSON() bool { return r.fn.Logging.Format == hearth.LogJSON }

// logged reports whether an event's lines are written to the stream. In the
// tail of an invocation they are in any case.
func (r *renderer) logged(ev *hearth.PlatformEvent) bool {
	return !r.isJSON() || eventLevel(ev) >= r.level
}

// event appends the lines of an event, each with its newline; none for events
// that have none.
func (r *renderer) event(b []byte, ev *hearth.PlatformEvent) []byte {
	if r.isJSON() {
		return r.json(b, ev)
	}
	switch ev.Kind {
	case hearth.EventInitStart:
		if ev.Phase == hearth.PhaseInit && r.rt.Version != "" {
			b = append(b, "INIT_START Runtime Version: "+r.rt.Version+"\tRuntime Version ARN: "+r.rt.ARN+"\n"...)
		}
	case hearth.EventInitReport:
		if ev.Status != hearth.StatusSuccess {
			b = append(b, "INIT_REPORT Init Duration: "...)
			b = appendMillis(b, ev.Duration)
			b = append(b, " ms\tPhase: "+ev.Phase...)
			b = appendStatus(b, ev)
		}
	case hearth.EventStart:
		b = append(b, "START RequestId: "+ev.RequestID+" Version: "+r.fn.Version+"\n"...)
	case hearth.EventReport:
		b = appendReport(b, ev)
	}
	return b
}

func appendReport(b []byte, ev *hearth.PlatformEvent) []byte {
	if ev.Note != "" {
		b = append(b, ev.Note+"\n\n"...)
	}
	b = append(b, "END RequestId: "+ev.RequestID+"\nREPORT RequestId: "+ev.RequestID+"\tDuration: "...)
	b = appendMillis(b, ev.Duration)
	b = append(b, " ms\tBilled Duration: "...)
	b = strconv.AppendInt(b, ev.Billed().Milliseconds(), 10)
	b = append(b, " ms\tMemory Size: "...)
	b = strconv.AppendInt(b, int64(ev.MemorySize), 10)
	b = append(b, " MB\tMax Memory Used: "...)
	b = strconv.AppendInt(b, int64(ev.MaxMemoryUsed), 10)
	b = append(b, " MB"...)
	if ev.InitDuration > 0 {
		b = append(b, "\tInit Duration: "...)
		b = appendMillis(b, ev.InitDuration)
		b = append(b, " ms"...)
	}
	if ev.Status == hearth.StatusSuccess {
		return append(b, "\t\n"...)
	}
	return appendStatus(b, ev)
}

// appendStatus ends the line of a failed phase. A time-out is its own type.
func appendStatus(b []byte, ev *hearth.PlatformEvent) []byte {
	b = append(b, "\tStatus: "+ev.Status...)
	if ev.Status != hearth.StatusTimeout && ev.ErrorType != "" {
		b = append(b, "\tError Type: "+ev.ErrorType...)
	}
	return append(b, '\n')
}

// appendMillis prints milliseconds with two decimals.
func appendMillis(b []byte, d time.Duration) []byte {
	return strconv.AppendFloat(b, float64(d)/float64(time.Millisecond), 'f', 2, 64)
}

func splitLines(b []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			line, rest, _ := bytes.Cut(b, []byte{'\n'})
			if !yield(line) {
				return
			}
			b = rest
		}
	}
}

// jsonEvent is the envelope of the Telemetry API and of JSON system logs.
type jsonEvent struct {
	Time   string     `json:"time"`
	Type   string     `json:"type"`
	Record jsonRecord `json:"record"`
}

type jsonRecord struct {
	InitializationType string       `json:"initializationType,omitempty"`
	Phase              string       `json:"phase,omitempty"`
	RuntimeVersion     string       `json:"runtimeVersion,omitempty"`
	RuntimeVersionARN  string       `json:"runtimeVersionArn,omitempty"`
	FunctionName       string       `json:"functionName,omitempty"`
	FunctionVersion    string       `json:"functionVersion,omitempty"`
	InstanceID         string       `json:"instanceId,omitempty"`
	InstanceMaxMemory  int64        `json:"instanceMaxMemory,omitempty"`
	RequestID          string       `json:"requestId,omitempty"`
	Version            string       `json:"version,omitempty"`
	Status             string       `json:"status,omitempty"`
	ErrorType          string       `json:"errorType,omitempty"`
	Metrics            *jsonMetrics `json:"metrics,omitempty"`
}

type jsonMetrics struct {
	DurationMs       float64  `json:"durationMs"`
	BilledDurationMs *int64   `json:"billedDurationMs,omitempty"`
	MemorySizeMB     *int     `json:"memorySizeMB,omitempty"`
	MaxMemoryUsedMB  *int     `json:"maxMemoryUsedMB,omitempty"`
	InitDurationMs   *float64 `json:"initDurationMs,omitempty"`
	ProducedBytes    *int64   `json:"producedBytes,omitempty"`
}

// json appends an event as a line.
func (r *renderer) json(b []byte, ev *hearth.PlatformEvent) []byte {
	rec := jsonRecord{Status: ev.Status, ErrorType: ev.ErrorType, Phase: ev.Phase, RequestID: ev.RequestID}
	switch ev.Kind {
	case hearth.EventInitStart:
		rec.InitializationType = "on-demand"
		rec.RuntimeVersion, rec.RuntimeVersionARN = r.rt.Version, r.rt.ARN
		rec.FunctionName, rec.FunctionVersion = r.fn.Name.Function, r.fn.Version
		rec.InstanceID, rec.InstanceMaxMemory = r.instance, int64(r.fn.MemorySize)<<20
	case hearth.EventInitRuntimeDone:
		rec.InitializationType = "on-demand"
	case hearth.EventInitReport:
		rec.InitializationType = "on-demand"
		rec.Metrics = &jsonMetrics{DurationMs: millis(ev.Duration)}
	case hearth.EventStart:
		rec.Version = r.fn.Version
	case hearth.EventRuntimeDone:
		rec.Metrics = &jsonMetrics{DurationMs: millis(ev.Duration), ProducedBytes: &ev.ProducedBytes}
	case hearth.EventReport:
		rec.Metrics = &jsonMetrics{
			DurationMs: millis(ev.Duration), BilledDurationMs: new(ev.Billed().Milliseconds()),
			MemorySizeMB: &ev.MemorySize, MaxMemoryUsedMB: &ev.MaxMemoryUsed,
		}
		if ev.InitDuration > 0 {
			rec.Metrics.InitDurationMs = new(millis(ev.InitDuration))
		}
	}
	line, err := json.Marshal(jsonEvent{Time: ev.Time.UTC().Format(timeLayout), Type: string(ev.Kind), Record: rec})
	if err != nil {
		return b // strings and numbers always marshal
	}
	return append(append(b, line...), '\n')
}

// eventLevel is AWS's level of a system event.
func eventLevel(ev *hearth.PlatformEvent) int {
	switch ev.Kind {
	case hearth.EventStart:
		return levelInfo
	case hearth.EventReport:
		if ev.Status != hearth.StatusSuccess {
			return levelWarn
		}
		return levelInfo
	default:
		return levelDebug
	}
}

// millis has the three decimals that AWS prints.
func millis(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}
