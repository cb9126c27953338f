package own

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	wire "github.com/hearthd/hearth/api/own"
	"github.com/hearthd/hearth/internal/clock"
)

// maxPending is how many pending timers are shown.
const maxPending = 100

func (h *Handler) clockName() string {
	if h.test == nil {
		return wire.ClockReal
	}
	return wire.ClockTest
}

func (h *Handler) clock(w http.ResponseWriter, _ *http.Request) {
	state := wire.Clock{Clock: h.clockName(), Now: h.opts.Clock.Now().UTC()}
	if h.test != nil {
		state.Pending = firings(h.test.Pending(maxPending))
	}
	h.answer(w, http.StatusOK, state)
}

// advance moves a test clock and saves where it has come to.
func (h *Handler) advance(w http.ResponseWriter, r *http.Request) {
	if h.test == nil {
		h.refuse(w, http.StatusConflict, "ResourceConflictException",
			"This daemon runs on the real clock, which nobody advances. Start it with: hearth serve --clock test")
		return
	}
	by, wait, err := readAdvance(w, r)
	if err != nil {
		h.refuse(w, http.StatusBadRequest, "InvalidParameterValueException", err.Error())
		return
	}
	ctx, cancel := context.WithTimeoutCause(r.Context(), wait, fmt.Errorf("not everything that was set going ended within %v", wait))
	defer cancel()
	report, err := h.test.Advance(ctx, by)
	out := wire.Advance{From: report.From.UTC(), To: report.To.UTC(), Fired: firings(report.Fired), More: report.More}
	if err = errors.Join(err, h.test.Save()); err != nil {
		out.Stopped = err.Error()
	}
	h.answer(w, http.StatusOK, out)
}

// readAdvance reads by how much to advance, and how long to wait.
func readAdvance(w http.ResponseWriter, r *http.Request) (by, wait time.Duration, err error) {
	var in wire.AdvanceRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&in); err != nil {
		return 0, 0, fmt.Errorf("the body is not {\"by\": \"2m\"}: %w", err)
	}
	if by, err = time.ParseDuration(in.By); err != nil || by < 0 {
		return 0, 0, fmt.Errorf("by: %q is not a duration such as 2m", in.By)
	}
	wait = wire.DefaultAdvanceWait
	if in.Wait != "" {
		if wait, err = time.ParseDuration(in.Wait); err != nil || wait < 0 {
			return 0, 0, fmt.Errorf("wait: %q is not a duration such as 30s", in.Wait)
		}
	}
	return by, wait, nil
}

func firings(from []clock.Firing) []wire.Firing {
	to := make([]wire.Firing, len(from))
	for i, f := range from {
		to[i] = wire.Firing{At: f.At.UTC(), What: f.What}
	}
	return to
}
