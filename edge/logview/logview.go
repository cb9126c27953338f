// Package logview serves the log groups of functions over HTTP, beside the
// Lambda API: what `hearth logs` reads.
package logview

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	wire "github.com/hearthd/hearth/api/own"
	"github.com/hearthd/hearth/edge/scope"
)

// Logs reads log groups; see telemetry/logs.
type Logs interface {
	// Follow yields the events of a function's log group at or after since;
	// and, when asked to follow, new ones until ctx ends.
	Follow(ctx context.Context, fn *hearth.Function, since time.Time, follow bool, yield func(hearth.LogEvent) error) error
	// Has reports whether anything is kept in a function's log group.
	Has(fn *hearth.Function) (bool, error)
}

// Functions says which log group a function has; see store/catalog.
type Functions interface {
	Get(ctx context.Context, name hearth.Name, version string) (*hearth.Function, uint64, error)
	GetAlias(ctx context.Context, name hearth.Name, alias string) (*hearth.Alias, error)
}

// Options of a View. All are required but Logger.
type Options struct {
	Functions Functions
	Logs      Logs
	Scope     scope.Defaults
	Logger    *slog.Logger
}

// View is the handler of Path.
type View struct{ opts Options }

// New returns a View.
func New(opts Options) *View {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &View{opts}
}

// Path is where logs are.
const Path = wire.LogsPath

const logType = "application/x-ndjson"

// ServeHTTP answers GET /_hearth/logs with one JSON object per line.
//
//	function  name or ARN
//	since     RFC 3339; the beginning when left out
//	follow    1: go on with new lines
func (v *View) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := v.serve(w, r); err != nil && r.Context().Err() == nil {
		api.WriteError(w, api.RequestID(r.Context()), err)
	}
}

func (v *View) serve(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	ref, err := api.ParseFunctionRef(query.Get("function"))
	if err != nil {
		return err
	}
	// A reference with a region is taken at its word: a request without a
	// signature does not say for which it is. The account is the caller's.
	account, region := v.opts.Scope.OfRequest(r)
	name, qualifier, err := ref.Resolve(account, cmp.Or(ref.Region, region), nil)
	if err != nil {
		return err
	}
	var since time.Time
	if text := query.Get("since"); text != "" {
		if since, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return hearth.Errorf(hearth.ErrInvalid, "since must be a time such as 2026-11-21T10:00:00Z, not %q", text)
		}
	}
	fn, err := v.function(r.Context(), name, qualifier)
	if err != nil {
		return err
	}
	return v.send(w, r, fn, since, query.Get("follow") == "1")
}

// function returns the one whose log group is meant. As on AWS, log groups stay
// when their functions go: that of a deleted function is found by its name,
// where it was not configured to be another.
func (v *View) function(ctx context.Context, name hearth.Name, qualifier string) (*hearth.Function, error) {
	fn, err := v.find(ctx, name, qualifier)
	if !errors.Is(err, hearth.ErrNotFound) {
		return fn, err
	}
	if _, _, latest := v.opts.Functions.Get(ctx, name, hearth.Latest); !errors.Is(latest, hearth.ErrNotFound) {
		return nil, err // it is there, and has no such version or alias
	}
	deleted := &hearth.Function{Name: name, Version: qualifier, Logging: hearth.Logging{Group: name.LogGroup()}}
	kept, failure := v.opts.Logs.Has(deleted)
	switch {
	case failure != nil:
		return nil, fmt.Errorf("read logs of %s: %w", name, failure)
	case !kept:
		return nil, err
	}
	return deleted, nil
}

func (v *View) find(ctx context.Context, name hearth.Name, qualifier string) (*hearth.Function, error) {
	if hearth.IsAlias(qualifier) {
		alias, err := v.opts.Functions.GetAlias(ctx, name, qualifier)
		if err != nil {
			return nil, err
		}
		qualifier = alias.Version
	}
	fn, _, err := v.opts.Functions.Get(ctx, name, qualifier)
	return fn, err
}

// send returns an error as long as nothing was sent. Later ones are logged.
func (v *View) send(w http.ResponseWriter, r *http.Request, fn *hearth.Function, since time.Time, follow bool) error {
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
	err := v.opts.Logs.Follow(r.Context(), fn, since, follow, func(ev hearth.LogEvent) error {
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
	v.opts.Logger.Warn("send logs", "function", fn.Name.String(), "error", err)
	return nil
}
