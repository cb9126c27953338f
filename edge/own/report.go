package own

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/hearthd/hearth"
	wire "github.com/hearthd/hearth/api/own"
)

// Part is something of the machine that says how it is.
type Part interface {
	// Report adds to what `hearth status` shows, and the part's metrics. It is called
	// from several goroutines, and must not wait.
	Report(r *Report)
}

// Report is what the parts say. It is for one goroutine.
type Report struct {
	sections sections
	metrics  wire.Metrics
}

// Set adds a section to the status: a member of its JSON, with a value that
// encoding/json takes. A section that is there already gets the new value.
func (r *Report) Set(section string, value any) {
	at := slices.IndexFunc(r.sections, func(m member) bool { return m.name == section })
	if at < 0 {
		r.sections = append(r.sections, member{section, value})
		return
	}
	r.sections[at].value = value
}

// Metric sets a metric. Names are AWS's where CloudWatch has one, such as
// ConcurrentExecutions. Without a number, NaN or an infinity, it is not shown.
func (r *Report) Metric(name string, value float64) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return
	}
	if r.metrics == nil {
		r.metrics = wire.Metrics{}
	}
	r.metrics[name] = value
}

// Functions reports functions: their number by account and region. Versions are not
// counted.
func (r *Report) Functions(all []*hearth.Function) {
	counts, total := countFunctions(all), 0
	for _, c := range counts {
		total += c.Functions
	}
	r.Set("functions", counts)
	r.Metric("Functions", float64(total))
}

// Environments reports execution environments.
func (r *Report) Environments(e wire.Environments) {
	r.Set("environments", e)
	r.Metric("ConcurrentExecutions", float64(e.Invocations))
	r.Metric("ConcurrentExecutionsLimit", float64(e.MaxConcurrency))
	r.Metric("Environments", float64(e.All))
	r.Metric("EnvironmentsIdle", float64(e.Idle))
	r.Metric("EnvironmentsStarting", float64(e.Starting))
	r.Metric("EnvironmentsMemory", float64(e.Memory))
	if e.MaxMemory > 0 {
		r.Metric("EnvironmentsMemoryLimit", float64(e.MaxMemory))
	}
}

// events reports asynchronous events.
func (r *Report) events(e wire.Events) {
	r.Set("events", e.Count())
	r.Metric("AsyncEventsReady", float64(e.Ready))
	r.Metric("AsyncEventsRunning", float64(e.Running))
	r.Metric("AsyncEventsDelayed", float64(e.Delayed))
	r.Metric("AsyncEventsReceived", float64(e.Accepted))
	r.Metric("AsyncEventsSucceeded", float64(e.Succeeded))
	r.Metric("AsyncEventsDropped", float64(e.Exhausted+e.Expired+e.Refused+e.Dropped))
	r.Metric("AsyncErrors", float64(e.Failures))
	r.Metric("AsyncThrottles", float64(e.Throttles))
	r.Metric("DestinationDeliveryFailures", float64(e.Undelivered))
	r.Metric("AsyncJournalBytes", float64(e.JournalBytes))
}

// countFunctions counts functions, not their versions, by account and region.
func countFunctions(all []*hearth.Function) []wire.FunctionCount {
	counts := []wire.FunctionCount{}
	for _, fn := range all {
		if fn.Version != hearth.Latest {
			continue
		}
		i := slices.IndexFunc(counts, func(c wire.FunctionCount) bool {
			return c.Account == fn.Name.Account && c.Region == fn.Name.Region
		})
		if i < 0 {
			counts = append(counts, wire.FunctionCount{Account: fn.Name.Account, Region: fn.Name.Region})
			i = len(counts) - 1
		}
		counts[i].Functions++
	}
	slices.SortFunc(counts, func(a, b wire.FunctionCount) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	})
	return counts
}

// sections are a JSON object whose members have an order.
type sections []member

type member struct {
	name  string
	value any
}

// MarshalJSON implements json.Marshaler.
func (s sections) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, fmt.Errorf("section %q: %w", m.name, err)
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, fmt.Errorf("section %q: %w", m.name, err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
