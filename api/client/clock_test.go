package client_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/api/own"
)

func TestAdvanceClock_SendsAndReturnsWhatCameDue(t *testing.T) {
	c, calls := daemon(t, answer(200, `{"from":"2026-03-01T12:00:00Z","to":"2026-03-01T12:02:00Z","fired":[{"at":"2026-03-01T12:01:00Z","what":"x"}],"more":3,"stopped":"y"}`))
	got, err := c.AdvanceClock(t.Context(), 2*time.Minute, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	want := own.Advance{
		From: noon, To: noon.Add(2 * time.Minute), More: 3, Stopped: "y",
		Fired: []own.Firing{{At: noon.Add(time.Minute), What: "x"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]call{{"POST", "/_hearth/clock/advance", `{"by":"2m0s","wait":"1s"}`}}, *calls); diff != "" {
		t.Error(diff)
	}
}

func TestClock_ReturnsWhatIsPending(t *testing.T) {
	c, _ := daemon(t, answer(200, `{"clock":"test","now":"2026-03-01T12:00:00Z","pending":[{"at":"2026-03-01T12:01:00Z","what":"x"}]}`))
	got, err := c.Clock(t.Context())
	if err != nil || got.Clock != "test" || len(got.Pending) != 1 || got.Pending[0].What != "x" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestEvents_ReturnsTheCounts(t *testing.T) {
	c, calls := daemon(t, answer(200, `{"ready":1,"running":2,"delayed":3,"accepted":4}`))
	got, err := c.Events(t.Context())
	if want := (own.Events{Ready: 1, Running: 2, Delayed: 3, Accepted: 4}); err != nil || got != want || (*calls)[0].URI != "/_hearth/events" {
		t.Errorf("%+v, %v", got, err)
	}
}
