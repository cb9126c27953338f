package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/telemetry/logs"
	"github.com/hearthd/hearth/telemetry/schema"
	"github.com/hearthd/hearth/telemetry/subscription"
	"github.com/hearthd/hearth/telemetry/xray"
)

// services are what one environment has in its sandbox's network: subscribers
// to its telemetry, and an X-Ray daemon. It is environment.Services.
type services struct {
	*subscription.Hub
	keep   func(segment []byte) // what the X-Ray daemon does; nil: there is none
	logger *slog.Logger

	closing sync.Once
	daemon  *xray.Daemon
}

// xrayPort is the X-Ray daemon's on AWS.
const xrayPort = 2000

// newServices makes the services of an environment of a function, whose log
// goes to sink.
func (e *engine) newServices(ctx context.Context, fn *hearth.Function, sink logs.Sink, rt logs.Runtime) *services {
	env := schema.Environment{
		Function: fn, RuntimeVersion: rt.Version, RuntimeVersionARN: rt.ARN, InstanceID: sink.Name(),
	}
	return &services{
		Hub:  subscription.New(ctx, env, logs.NewRecorder(sink, fn, rt), e.opts.logger),
		keep: e.opts.keepSegment, logger: e.opts.logger,
	}
}

// Attach connects them with the sandbox.
func (s *services) Attach(ctx context.Context, box sandbox.Sandbox) (address string) {
	inside, ok := box.(sandbox.Inside)
	if !ok {
		return ""
	}
	s.Connect(inside)
	if s.keep == nil {
		return ""
	}
	conn, address, err := inside.ListenPacket(ctx, xrayPort)
	if err != nil {
		s.logger.Error("open the X-Ray daemon of an environment", "sandbox", box.ID(), "error", err)
		return ""
	}
	s.daemon = xray.Listen(conn, s.keep)
	return address
}

// Close ends them.
func (s *services) Close() {
	s.closing.Do(func() {
		s.Hub.Close()
		if s.daemon != nil {
			if err := s.daemon.Close(); err != nil {
				s.logger.Error("close the X-Ray daemon of an environment", "error", err)
			}
		}
	})
}

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
