package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hearthd/hearth/api/own"
	"github.com/hearthd/hearth/cmd/hearth/daemon/config"
	"github.com/hearthd/hearth/internal/clock"
)

// maxPending is how many pending timers are shown.
const maxPending = 100

// openClock sets the daemon's clock. A test clock goes on where it stood when
// the daemon ended, or begins with the present time.
func (d *daemon) openClock() error {
	d.clock = clock.Real{}
	if d.cfg.Clock != config.ClockTest {
		return nil
	}
	now := time.Now()
	saved, err := os.ReadFile(d.clockFile())
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return fmt.Errorf("read the test clock: %w", err)
	default:
		if now, err = time.Parse(time.RFC3339Nano, strings.TrimSpace(string(saved))); err != nil {
			return fmt.Errorf("read the test clock in %s: %w", d.clockFile(), err)
		}
	}
	d.testClock = clock.NewTest(now)
	d.clock = d.testClock
	if saved == nil { // the first start, which a second one goes on from
		if err := d.saveClock(); err != nil {
			return err
		}
	}
	d.logger.Info("time stands still; move it with: hearth clock advance DURATION", "now", now.UTC().Format(time.RFC3339Nano))
	return nil
}

func (d *daemon) clockFile() string { return filepath.Join(d.cfg.DataDir, "clock") }

// saveClock keeps where a test clock stands for the next start. A crash before
// it is an older time then, which events of a later one bear.
func (d *daemon) saveClock() error {
	temporary := d.clockFile() + ".new"
	if err := os.WriteFile(temporary, []byte(d.clock.Now().Format(time.RFC3339Nano)+"\n"), 0o600); err != nil {
		return fmt.Errorf("save the test clock: %w", err)
	}
	if err := os.Rename(temporary, d.clockFile()); err != nil {
		return fmt.Errorf("save the test clock: %w", err)
	}
	return nil
}

func (d *daemon) serveClock(w http.ResponseWriter, _ *http.Request) {
	state := own.Clock{Clock: config.ClockReal, Now: d.clock.Now().UTC()}
	if d.testClock != nil {
		state.Clock, state.Pending = config.ClockTest, firings(d.testClock.Pending(maxPending))
	}
	d.answer(w, http.StatusOK, state)
}

func (d *daemon) serveAdvance(w http.ResponseWriter, r *http.Request) {
	if d.testClock == nil {
		d.refuse(w, http.StatusConflict, "ResourceConflictException",
			"This daemon runs on the real clock, which nobody advances. Start it with: hearth serve --clock test")
		return
	}
	by, wait, err := readAdvance(w, r)
	if err != nil {
		d.refuse(w, http.StatusBadRequest, "InvalidParameterValueException", err.Error())
		return
	}
	ctx, cancel := context.WithTimeoutCause(r.Context(), wait, fmt.Errorf("not everything that was set going ended within %v", wait))
	defer cancel()
	report, err := d.testClock.Advance(ctx, by)
	out := own.Advance{From: report.From.UTC(), To: report.To.UTC(), Fired: firings(report.Fired), More: report.More}
	if err = errors.Join(err, d.saveClock()); err != nil {
		out.Stopped = err.Error()
	}
	d.answer(w, http.StatusOK, out)
}

// readAdvance reads by how much to advance, and how long to wait.
func readAdvance(w http.ResponseWriter, r *http.Request) (by, wait time.Duration, err error) {
	var in struct{ By, Wait string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&in); err != nil {
		return 0, 0, fmt.Errorf("the body is not {\"by\": \"2m\"}: %w", err)
	}
	if by, err = time.ParseDuration(in.By); err != nil || by < 0 {
		return 0, 0, fmt.Errorf("by: %q is not a duration such as 2m", in.By)
	}
	wait = own.DefaultAdvanceWait
	if in.Wait != "" {
		if wait, err = time.ParseDuration(in.Wait); err != nil || wait < 0 {
			return 0, 0, fmt.Errorf("wait: %q is not a duration such as 30s", in.Wait)
		}
	}
	return by, wait, nil
}

func firings(from []clock.Firing) []own.Firing {
	to := make([]own.Firing, len(from))
	for i, f := range from {
		to[i] = own.Firing{At: f.At.UTC(), What: f.What}
	}
	return to
}
