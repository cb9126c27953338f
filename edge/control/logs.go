package control

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// Logs reads log groups; see telemetry/logs.
type Logs interface {
	// Follow yields the events of a function's log group at or after since;
	// and, when asked to follow, new ones until ctx ends.
	Follow(ctx context.Context, fn *hearth.Function, since time.Time, follow bool, yield func(hearth.LogEvent) error) error
}

const logType = "application/x-ndjson"

// ServeLogs answers GET /_hearth/logs with one JSON object per line.
//
//	function  name or ARN
//	since     RFC 3339; the beginning when left out
//	follow    1: go on with new lines
func (s *Service) ServeLogs(w http.ResponseWriter, r *http.Request) {
	if err := s.serveLogs(w, r); err != nil && r.Context().Err() == nil {
		api.WriteError(w, api.RequestID(r.Context()), err)
	}
}

func (s *Service) serveLogs(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	ref, err := api.ParseFunctionRef(query.Get("function"))
	if err != nil {
		return err
	}
	// A reference with a region is taken at its word: few sign for this.
	account, region := s.opts.Scope.Of(r.Context())
	name, qualifier, err := ref.Resolve(account, cmp.Or(ref.Region, region), nil)
	if err != nil {
		return err
	}
	var since time.Time
	if v := query.Get("since"); v != "" {
		if since, err = time.Parse(time.RFC3339Nano, v); err != nil {
			return hearth.Errorf(hearth.ErrInvalid, "since must be a time such as 2026-11-21T10:00:00Z, not %q", v)
		}
	}
	fn, err := s.get(r.Context(), name, qualifier)
	if err != nil {
		return err
	}
	return s.sendLogs(w, r, fn, since, query.Get("follow") == "1")
}

// sendLogs returns an error as long as nothing was sent. Later ones are logged.
func (s *Service) sendLogs(w http.ResponseWriter, r *http.Request, fn *hearth.Function, since time.Time, follow bool) error {
	sent := false
	flush := http.NewResponseController(w).Flush
	if follow {
		// The client learns that it is connected before the first line.
		w.Header()["Content-Type"] = []string{logType}
		if err := flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return nil //nolint:nilerr // the client is gone
		}
		sent = true
	}
	out := json.NewEncoder(w)
	err := s.opts.Logs.Follow(r.Context(), fn, since, follow, func(ev hearth.LogEvent) error {
		if !sent {
			w.Header()["Content-Type"] = []string{logType}
			sent = true
		}
		if err := out.Encode(ev); err != nil || !follow {
			return err
		}
		return flush()
	})
	switch {
	case err == nil && !sent:
		w.Header()["Content-Type"] = []string{logType} // of no lines
		return nil
	case err == nil || r.Context().Err() != nil:
		return nil
	case !sent:
		return fmt.Errorf("read logs of %s: %w", fn.Name, err)
	}
	s.opts.Logger.Warn("send logs", "function", fn.Name.String(), "error", err)
	return nil
}
