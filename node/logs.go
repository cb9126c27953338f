package node

import (
	"context"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/telemetry/logs"
)

// logGroups are the log groups of functions, on a store of logs: where environments
// write, and what is shown of it.
type logGroups struct{ store *logs.Store }

// scopeOf is where a function's log group is.
func scopeOf(fn *hearth.Function) logs.Scope {
	return logs.Scope{Account: fn.Name.Account, Region: fn.Name.Region}
}

// Sink makes them launch.Logs.
func (g logGroups) Sink(fn *hearth.Function, stream string) logs.Sink {
	return g.store.Stream(scopeOf(fn), fn.Logging.Group, stream)
}

// Has and Follow make them logview.Logs.
func (g logGroups) Has(fn *hearth.Function) (bool, error) {
	return g.store.Has(scopeOf(fn), fn.Logging.Group)
}

func (g logGroups) Follow(ctx context.Context, fn *hearth.Function, since time.Time, follow bool, yield func(hearth.LogEvent) error) error {
	if follow {
		return g.store.Follow(ctx, scopeOf(fn), fn.Logging.Group, since, yield)
	}
	events, err := g.store.Read(scopeOf(fn), fn.Logging.Group, since)
	if err != nil {
		return err
	}
	for _, ev := range events {
		if err := yield(ev); err != nil {
			return err
		}
	}
	return nil
}
