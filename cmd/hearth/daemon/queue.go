package daemon

import (
	"context"
	"net/http"
	"time"

	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/api/own"
	"github.com/hearthd/hearth/internal/failpoint"
	"github.com/hearthd/hearth/invoke/queue"
)

// eventLog is the name of the log that events wait in.
const eventLog = "events"

// drainGrace is how long events that run may go on once the daemon is asked to
// stop. Those that take longer are run again at the next start.
const drainGrace = 10 * time.Second

// openQueue finds the events that wait. They are run from startQueue on, when
// everything is there that they need.
func (d *daemon) openQueue(ctx context.Context) error {
	log, err := d.store.Log(ctx, eventLog)
	if err != nil {
		return err
	}
	opts := queue.Options{
		Log: log, Invoker: d.dispatcher, NewID: api.NewRequestID, Config: d.permittedEventConfig, Clock: d.clock,
		// Callers who wait keep half of the account's concurrency.
		MaxRunning: max(1, d.cfg.MaxConcurrency/2), Logger: d.logger,
	}
	if failpoint.Enabled { // the journal makes room all the time, for tests that crash meanwhile
		opts.Slack, opts.TrimAt = 256<<10, 64<<10
	}
	d.queue, err = queue.Open(ctx, opts)
	if err == nil && d.testClock != nil {
		d.testClock.AddSettler(d.queue)
	}
	return err
}

// drainQueue lets events that run finish.
func (d *daemon) drainQueue() {
	ctx, cancel := context.WithTimeout(context.Background(), drainGrace) // the daemon's own has ended
	defer cancel()
	d.queue.Drain(ctx)
}

// serveEvents says how many events there are, and what became of others.
func (d *daemon) serveEvents(w http.ResponseWriter, _ *http.Request) {
	s := d.queue.Stats()
	d.answer(w, http.StatusOK, own.Events{
		Ready: s.Ready, Running: s.Running, Delayed: s.Delayed, Recovered: s.Recovered,
		Accepted: s.Accepted, Succeeded: s.Succeeded, Exhausted: s.Exhausted, Expired: s.Expired, Refused: s.Refused,
		Dropped: s.Dropped, Failures: s.Failures, Throttles: s.Throttles, Undelivered: s.Undelivered,
		JournalBytes: s.Journal.Bytes, JournalEntries: s.Journal.Entries, JournalCommits: s.Journal.Commits,
	})
}
