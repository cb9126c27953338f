package logs

import (
	"bytes"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/telemetry/schema"
)

// renderer turns platform events into lines, in one of AWS's two formats.
type renderer struct {
	fn    *hearth.Function
	env   schema.Environment
	level int // JSON: the least level that is written
}

func newRenderer(fn *hearth.Function, rt Runtime, instance string) renderer {
	return renderer{fn: fn, level: systemLevel(fn.Logging.SystemLevel), env: schema.Environment{
		Function: fn, RuntimeVersion: rt.Version, RuntimeVersionARN: rt.ARN, InstanceID: instance,
	}}
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
		return r.env.AppendEvent(b, schema.Telemetry2025, ev)
	}
	switch ev.Kind {
	case hearth.EventInitStart:
		if ev.Phase == hearth.PhaseInit && r.env.RuntimeVersion != "" {
			b = append(b, "INIT_START Runtime Version: "+r.env.RuntimeVersion+"\tRuntime Version ARN: "+r.env.RuntimeVersionARN+"\n"...)
		}
	case hearth.EventInitReport:
		if ev.Status != hearth.StatusSuccess {
			b = append(b, "INIT_REPORT Init Duration: "...)
			b = appendMillis(b, ev.Duration)
			b = append(b, " ms\tPhase: "+ev.Phase...)
			b = appendStatus(b, ev)
		}
	case hearth.EventExtension:
		b = append(b, "EXTENSION\tName: "+ev.Name+"\tState: "+ev.State+"\tEvents: ["+strings.Join(ev.Events, ", ")+"]"...)
		if ev.ErrorType != "" {
			b = append(b, "\tError Type: "+ev.ErrorType...)
		}
		b = append(b, '\n')
	case hearth.EventSubscription:
		b = appendSubscription(b, "TELEMETRY", ev)
	case hearth.EventLogsSubscription:
		b = appendSubscription(b, "LOGS", ev)
	case hearth.EventStart:
		b = append(b, "START RequestId: "+ev.RequestID+" Version: "+r.fn.Version+"\n"...)
	case hearth.EventReport:
		b = appendReport(b, ev)
	}
	return b
}

// appendSubscription prints the types with a capital letter, as AWS does.
func appendSubscription(b []byte, kind string, ev *hearth.PlatformEvent) []byte {
	types := make([]string, 0, len(ev.Types))
	for _, t := range ev.Types {
		types = append(types, strings.ToUpper(t[:1])+t[1:])
	}
	return append(b, kind+"\tName: "+ev.Name+"\tState: "+ev.State+"\tTypes: ["+strings.Join(types, ", ")+"]\n"...)
}

func appendReport(b []byte, ev *hearth.PlatformEvent) []byte {
	if ev.Note != "" {
		b = append(b, ev.Note+"\n"...)
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

// eventLevel is AWS's level of a system event.
func eventLevel(ev *hearth.PlatformEvent) int {
	switch ev.Kind {
	case hearth.EventStart:
		return levelInfo
	case hearth.EventLogsDropped:
		return levelWarn
	case hearth.EventReport:
		if ev.Status != hearth.StatusSuccess {
			return levelWarn
		}
		return levelInfo
	default:
		return levelDebug
	}
}
