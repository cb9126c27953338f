package own_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	wire "github.com/hearthd/hearth/api/own"
	"github.com/hearthd/hearth/edge/own"
	"github.com/hearthd/hearth/internal/clock"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// stopped returns a handler with a clock that stands at noon.
func stopped() (*own.Handler, *clock.Test) {
	c := clock.NewTest(noon)
	return own.New(own.Options{Clock: c}), c
}

// answered decodes the answer to a request.
func answered[T any](t *testing.T, h http.Handler, method, target, body string) (v T) {
	t.Helper()
	code, answer := ask(t, h, method, target, body)
	if err := json.Unmarshal([]byte(answer), &v); err != nil || code != http.StatusOK {
		t.Fatalf("%d %s: %v", code, answer, err)
	}
	return v
}

func TestClock_Real_HasNothingPending(t *testing.T) {
	before := time.Now()
	got := answered[wire.Clock](t, own.New(own.Options{}), http.MethodGet, wire.ClockPath, "")
	if got.Clock != wire.ClockReal || got.Now.Before(before) || got.Pending != nil {
		t.Errorf("%+v", got)
	}
}

func TestClock_Test_ShowsWhatIsPending(t *testing.T) {
	h, c := stopped()
	c.AfterFunc(time.Minute, "a retry", func() {})
	want := wire.Clock{Clock: wire.ClockTest, Now: noon, Pending: []wire.Firing{{At: noon.Add(time.Minute), What: "a retry"}}}
	if diff := cmp.Diff(want, answered[wire.Clock](t, h, http.MethodGet, wire.ClockPath, "")); diff != "" {
		t.Errorf("clock (-want +got):\n%s", diff)
	}
}

func TestClock_Test_IsInTheStatus(t *testing.T) {
	h, _ := stopped()
	if got := answered[wire.Status](t, h, http.MethodGet, wire.StatusPath, ""); got.Clock != wire.ClockTest {
		t.Errorf("%+v", got)
	}
}

func TestAdvance_SaysWhatCameDue(t *testing.T) {
	h, c := stopped()
	c.AfterFunc(time.Minute, "a retry", func() {})
	want := wire.Advance{From: noon, To: noon.Add(2 * time.Minute), Fired: []wire.Firing{{At: noon.Add(time.Minute), What: "a retry"}}}
	got := answered[wire.Advance](t, h, http.MethodPost, wire.AdvancePath, `{"by":"2m","wait":"10s"}`)
	if diff := cmp.Diff(want, got); diff != "" || !c.Now().Equal(want.To) {
		t.Errorf("the clock stands at %v; advance (-want +got):\n%s", c.Now(), diff)
	}
}

func TestAdvance_IsSaved(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	c, err := clock.OpenTest(file)
	if err != nil {
		t.Fatal(err)
	}
	got := answered[wire.Advance](t, own.New(own.Options{Clock: c}), http.MethodPost, wire.AdvancePath, `{"by":"90m"}`)
	again, err := clock.OpenTest(file)
	if err != nil || !again.Now().Equal(got.To) || got.To.Sub(got.From) != 90*time.Minute {
		t.Errorf("goes on at %v after %+v, %v", again.Now(), got, err)
	}
}

func TestAdvance_CannotBeSaved_SaysSo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c, err := clock.OpenTest(filepath.Join(dir, "clock"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	got := answered[wire.Advance](t, own.New(own.Options{Clock: c}), http.MethodPost, wire.AdvancePath, `{"by":"1m"}`)
	if !strings.Contains(got.Stopped, "save the test clock") {
		t.Errorf("%+v", got)
	}
}

func TestAdvance_WhatWasSetGoingDoesNotEnd_StopsThere(t *testing.T) {
	h, c := stopped()
	c.AfterFunc(time.Minute, "a retry", func() {})
	got := answered[wire.Advance](t, h, http.MethodPost, wire.AdvancePath, `{"by":"2m","wait":"0s"}`)
	if !got.To.Equal(noon) || !strings.Contains(got.Stopped, "not everything that was set going ended within 0s") {
		t.Errorf("%+v", got)
	}
}

func TestAdvance_RealClock_IsRefused(t *testing.T) {
	code, body := ask(t, own.New(own.Options{}), http.MethodPost, wire.AdvancePath, `{"by":"2m"}`)
	if code != http.StatusConflict || !strings.Contains(body, "hearth serve --clock test") {
		t.Errorf("%d %s", code, body)
	}
}

func TestAdvance_BadRequests(t *testing.T) {
	h, c := stopped()
	for _, body := range []string{"", "2m", `{"by":"soon"}`, `{"by":"-1s"}`, `{"by":"1s","wait":"long"}`, `{"by":"1s","wait":"-1s"}`, `{"by":"` + strings.Repeat("1", 2000) + `s"}`} {
		if code, answer := ask(t, h, http.MethodPost, wire.AdvancePath, body); code != http.StatusBadRequest {
			t.Errorf("%.20s: %d %s", body, code, answer)
		}
	}
	if !c.Now().Equal(noon) {
		t.Errorf("the clock moved to %v", c.Now())
	}
}
