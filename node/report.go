package node

import (
	"encoding/json"

	wire "github.com/hearthd/hearth/api/own"
	"github.com/hearthd/hearth/edge/own"
	"github.com/hearthd/hearth/invoke/queue"
	"github.com/hearthd/hearth/store/catalog"
	"github.com/hearthd/hearth/telemetry/xray"
)

// The stages below edge do not know its words: what they count is put into these
// here.

// functionsReport says which functions there are.
type functionsReport struct{ catalog *catalog.Catalog }

func (f functionsReport) Report(r *own.Report) { r.Functions(f.catalog.All()) }

// environmentsReport says what environments do, and where.
type environmentsReport struct{ node *Node }

func (e environmentsReport) Report(r *own.Report) {
	s, driver := e.node.pool.Stats(), e.node.opts.Driver
	r.Environments(wire.Environments{
		All: s.Environments, Idle: s.Idle, Starting: s.Starting, Invocations: s.Active,
		MaxConcurrency: e.node.opts.MaxConcurrency, Memory: s.Memory, MaxMemory: e.node.opts.MaxMemory,
	})
	r.Set("sandbox", driver.Name())
	r.Set("network", e.node.Network())
	var missing []string
	for _, m := range driver.Capabilities().Missing {
		missing = append(missing, m.What)
	}
	if missing != nil {
		r.Set("missing", missing)
	}
}

// eventsReport says how many asynchronous events there are, and what became of
// others.
type eventsReport struct{ queue *queue.Queue }

func (e eventsReport) Events() wire.Events {
	s := e.queue.Stats()
	return wire.Events{
		Ready: s.Ready, Running: s.Running, Delayed: s.Delayed, Recovered: s.Recovered,
		Accepted: s.Accepted, Succeeded: s.Succeeded, Exhausted: s.Exhausted, Expired: s.Expired, Refused: s.Refused,
		Dropped: s.Dropped, Failures: s.Failures, Throttles: s.Throttles, Undelivered: s.Undelivered,
		JournalBytes: s.Journal.Bytes, JournalEntries: s.Journal.Entries, JournalCommits: s.Journal.Commits,
	}
}

// traces are the segments that functions sent.
type traces struct{ store *xray.Store }

func (t traces) Traces(q own.TraceQuery) ([]json.RawMessage, error) {
	return t.store.Find(xray.Query{TraceID: q.TraceID, Since: q.Since, Limit: q.Limit})
}
