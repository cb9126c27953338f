package queue

import (
	"log/slog"

	"github.com/hearthd/hearth/invoke/destination"
)

// countLocked notes how an event's turn ended.
func (q *Queue) countLocked(v verdict, outcome destination.Outcome, failure error) {
	switch {
	case failure != nil:
		q.stats.Throttles++
	case outcome.Result != nil && outcome.Result.FunctionError != "":
		q.stats.Failures++
	}
	switch v {
	case dropped:
		q.stats.Dropped++
	case ended:
		switch outcome.Condition {
		case destination.Success:
			q.stats.Succeeded++
		case destination.RetriesExhausted:
			q.stats.Exhausted++
		case destination.EventAgeExceeded:
			q.stats.Expired++
		case destination.ZeroReservedConcurrency:
			q.stats.Refused++
		}
	case again, givenBack:
	}
}

func (q *Queue) log(ev *event) *slog.Logger {
	return q.opts.Logger.With("request_id", ev.id, "function", ev.line.name.String())
}
