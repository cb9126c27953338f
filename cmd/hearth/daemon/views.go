package daemon

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/telemetry/logs"
	"github.com/hearthd/hearth/telemetry/xray"
)

// serveTraces answers GET /_hearth/traces with the segments that functions sent,
// one JSON object a line; traceId, since (RFC 3339) and limit select.
func (d *daemon) serveTraces(w http.ResponseWriter, r *http.Request) {
	q := xray.Query{TraceID: r.URL.Query().Get("traceId")}
	var err error
	if since := r.URL.Query().Get("since"); since != "" {
		q.Since, err = time.Parse(time.RFC3339, since)
	}
	if limit := r.URL.Query().Get("limit"); limit != "" && err == nil {
		q.Limit, err = strconv.Atoi(limit)
	}
	if err != nil || q.Limit < 0 {
		http.Error(w, "since is a time of RFC 3339, limit a number", http.StatusBadRequest)
		return
	}
	segments, err := d.traces.Find(q)
	if err != nil {
		d.logger.Error("read traces", "error", err)
		http.Error(w, "traces cannot be read", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	enc := json.NewEncoder(w)
	for _, segment := range segments {
		if err := enc.Encode(segment); err != nil {
			d.logger.Debug("answer with traces", "error", err)
			return
		}
	}
}

// logReader is logview's Logs on a log store.
type logReader struct{ store *logs.Store }

func (r logReader) Has(fn *hearth.Function) (bool, error) {
	return r.store.Has(scopeOf(fn), fn.Logging.Group)
}

func (r logReader) Follow(ctx context.Context, fn *hearth.Function, since time.Time, follow bool, yield func(hearth.LogEvent) error) error {
	if follow {
		return r.store.Follow(ctx, scopeOf(fn), fn.Logging.Group, since, yield)
	}
	events, err := r.store.Read(scopeOf(fn), fn.Logging.Group, since)
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
