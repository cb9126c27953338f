package xray

import (
	"errors"
	"log/slog"
	"time"
)

// losses are what could not be kept and was not reported yet. Any function can
// cause them at any rate, so they are reported once in a while.
type losses struct {
	segments int
	cause    error     // the last, of those that were not too many at a time
	reported time.Time // when that was last
}

const reportLosses = time.Minute

func (l *losses) report(logger *slog.Logger, now time.Time) {
	if l.segments == 0 || now.Sub(l.reported) < reportLosses {
		return
	}
	cause := l.cause
	if cause == nil {
		cause = errTooFast
	}
	logger.Warn("trace segments were dropped", "segments", l.segments, "error", cause)
	*l = losses{reported: now}
}

var errTooFast = errors.New("functions send more than the disk takes")
