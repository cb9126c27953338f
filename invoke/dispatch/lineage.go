package dispatch

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/hearthd/hearth"
)

// maxHops is how often a chain of invocations may come back to a function
// before it is taken for a loop, as on AWS.
const maxHops = 16

// maxLineage bounds a trace header that is still extended; real ones come
// nowhere near it.
const maxLineage = 2048

// Recursions says which functions may invoke themselves without end.
type Recursions interface {
	// Lookup returns what is configured for a function, with an empty qualifier;
	// nil when nothing is. It must not wait.
	Lookup(name hearth.Name, qualifier string) *hearth.Recursion
}

func (d *Dispatcher) mayLoop(name hearth.Name) bool {
	if d.opts.Recursions == nil {
		return false
	}
	set := d.opts.Recursions.Lookup(name, "")
	return set != nil && set.Loop == hearth.RecursionAllow
}

// trace completes the trace header of an invocation. Where the function may not
// loop, an invocation by which a chain would come to the function for the 17th time
// is refused with hearth.ErrRecursiveInvoke. A chain is what passes its trace header
// on: functions by AWS's SDKs, which take it from _X_AMZN_TRACE_ID, and destinations.
func (d *Dispatcher) trace(fn *hearth.Function, name hearth.Name, inv *hearth.Invocation) error {
	if inv.TraceID == "" {
		inv.TraceID = NewTrace()
	}
	active := fn.TracingMode == "Active"
	decided := decide(inv.TraceID, active)
	if active {
		decided = addParent(decided)
	}
	trace, hops := hop(decided, name)
	if hops >= maxHops && !d.mayLoop(name) {
		return hearth.Errorf(hearth.ErrRecursiveInvoke, "Lambda has detected your function being invoked in a recursive loop "+
			"with other Amazon Web Services resources and stopped your function's invocation.")
	}
	inv.TraceID = trace
	return nil
}

// hop counts a function's invocation in the lineage of a trace header,
//
//	...;Lineage=1:<8 hex>:<n>|1:<8 hex>:<n>
//
// where the hex digits stand for a function, and n is how often the chain has
// come to it before. With a header that has no lineage yet, a new one or the
// caller's own, a chain begins; what is no trace header stays as it is.
func hop(trace string, name hearth.Name) (extended string, hops int) {
	if len(trace) > maxLineage {
		return trace, 0
	}
	h := fnv.New32a()
	h.Write([]byte(name.String()))
	id := fmt.Sprintf("1:%08x:", h.Sum32())
	before, rest, ok := strings.Cut(trace, "Lineage=")
	if !ok {
		if strings.Contains(trace, "Root=") {
			trace += ";Lineage=" + id + "0"
		}
		return trace, 0
	}
	lineage, after, more := strings.Cut(rest, ";")
	if more {
		after = ";" + after
	}
	entries := strings.Split(lineage, "|")
	for i, entry := range entries {
		count, mine := strings.CutPrefix(entry, id)
		if !mine {
			continue
		}
		n, err := strconv.ParseUint(count, 10, 16)
		if err != nil {
			n = 0
		}
		entries[i] = id + strconv.FormatUint(n+1, 10)
		return before + "Lineage=" + strings.Join(entries, "|") + after, int(n) + 1
	}
	return before + "Lineage=" + strings.Join(append(entries, id+"1"), "|") + after, 1
}
