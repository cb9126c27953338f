// Package own serves hearth's own paths, which AWS has no counterpart for: how a
// daemon is, what it does, its clock, and whatever else has a path below /_hearth/.
// api/own has their wire.
//
// It decides nothing and knows none of the parts: each is a Part that says how it is
// when somebody asks, and a new one touches no handler.
//
//	GET /_hearth/status  ─┐                 ┌─ Part.Report ─ sections, metrics
//	GET /_hearth/metrics ─┴─ Handler ─ all ─┼─ Part.Report
//	                                        └─ Events.Events
package own

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"

	wire "github.com/hearthd/hearth/api/own"
	"github.com/hearthd/hearth/internal/clock"
)

// Events counts asynchronous events; see invoke/queue.
type Events interface {
	Events() wire.Events
}

// Guard lets those through who may ask; see edge/auth.
type Guard interface {
	// Guard puts a handler behind the guard, but for reading the paths that are open.
	Guard(handler http.Handler, open ...string) http.Handler
}

// Route is a path that is served elsewhere.
type Route struct {
	Path    string // below wire.Prefix; with a slash at its end all paths below it
	Handler http.Handler
	Open    bool // needs no credentials
}

// Options of a Handler.
type Options struct {
	Version string
	Clock   clock.Clock // a *clock.Test can be advanced; nil: the machine's
	Parts   []Part      // in the order in which they are shown
	Events  Events      // nil: there are none
	Traces  Traces      // nil: there are none
	Routes  []Route
	Guard   Guard // nil: everybody may ask
	Logger  *slog.Logger
}

// Handler serves the paths. It may be used by several goroutines.
type Handler struct {
	opts Options
	test *clock.Test // nil: the clock is not one
	http.Handler
}

// New returns a Handler.
func New(opts Options) *Handler {
	if opts.Clock == nil {
		opts.Clock = clock.Real{}
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Handler{opts: opts}
	h.test, _ = opts.Clock.(*clock.Test)
	mux, open := http.NewServeMux(), []string{wire.HealthPath}
	mux.HandleFunc("GET "+wire.HealthPath, h.health)
	mux.HandleFunc("GET "+wire.StatusPath, h.status)
	mux.HandleFunc("GET "+wire.MetricsPath, h.metrics)
	mux.HandleFunc("GET "+wire.ClockPath, h.clock)
	mux.HandleFunc("POST "+wire.AdvancePath, h.advance)
	if opts.Events != nil {
		mux.HandleFunc("GET "+wire.EventsPath, h.events)
	}
	if opts.Traces != nil {
		mux.HandleFunc("GET "+wire.TracesPath, h.traces)
	}
	for _, r := range opts.Routes {
		mux.Handle("GET "+r.Path, r.Handler)
		if r.Open {
			open = append(open, r.Path)
		}
	}
	h.Handler = mux
	if opts.Guard != nil {
		h.Handler = opts.Guard.Guard(mux, open...)
	}
	return h
}

// Beside returns a handler of the paths and, for all others, of the Lambda API.
func (h *Handler) Beside(lambda http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Not one mux for both: it would clean, and so change, the paths of the
		// Lambda API.
		if strings.HasPrefix(r.URL.Path, wire.Prefix) {
			h.ServeHTTP(w, r)
			return
		}
		lambda.ServeHTTP(w, r)
	})
}

func (h *Handler) health(w http.ResponseWriter, _ *http.Request) {
	h.answer(w, http.StatusOK, wire.Health{Status: "ok", Version: h.opts.Version})
}

// report asks all parts.
func (h *Handler) report() *Report {
	r := &Report{}
	r.Set("version", h.opts.Version)
	r.Set("clock", h.clockName())
	for _, p := range h.opts.Parts {
		p.Report(r)
	}
	if h.opts.Events != nil {
		r.events(h.opts.Events.Events())
	}
	return r
}

func (h *Handler) status(w http.ResponseWriter, _ *http.Request) {
	h.answer(w, http.StatusOK, h.report().sections)
}

func (h *Handler) metrics(w http.ResponseWriter, _ *http.Request) {
	metrics := h.report().metrics
	if metrics == nil {
		metrics = wire.Metrics{}
	}
	h.answer(w, http.StatusOK, metrics)
}

func (h *Handler) events(w http.ResponseWriter, _ *http.Request) {
	h.answer(w, http.StatusOK, h.opts.Events.Events())
}

// answer writes an answer.
func (h *Handler) answer(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil { // what a part reports is no JSON
		h.opts.Logger.Error("answer one of hearth's own paths", "error", err)
		h.refuse(w, http.StatusInternalServerError, "ServiceException", "The answer cannot be shown; hearth's log says why.")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(append(text, '\n')); err != nil {
		h.opts.Logger.Debug("answer", "error", err)
	}
}

// refuse answers in the form of the Lambda API.
func (h *Handler) refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-Errortype", code)
	h.answer(w, status, map[string]string{"message": message})
}
