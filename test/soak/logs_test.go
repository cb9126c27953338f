package soak_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"testing"

	"github.com/hearthd/hearth"
)

// expectOnce reads a function's log, and expects that no event ran twice: a
// function saw its event, which it prints, once, and the log has the begin and
// the end of a request once, also where a runtime died before it took the event.
// What was killed may be missing.
func (s *session) expectOnce(t *testing.T, name string) {
	t.Helper()
	resp, err := http.Get(s.daemon.Endpoint + "/_hearth/logs?function=" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	pattern := regexp.MustCompile(`^event \{"id":"[^"]+"|^(START|END|REPORT) RequestId: [0-9a-f-]+`)
	seen, events := map[string]int{}, 0
	for dec := json.NewDecoder(resp.Body); dec.More(); events++ {
		var ev hearth.LogEvent
		if err := dec.Decode(&ev); err != nil {
			t.Fatal(err)
		}
		if what := pattern.FindString(ev.Message); what != "" {
			seen[what]++
		}
	}
	for what, n := range seen {
		if n > 1 {
			t.Errorf("%s: %d times %s", name, n, what)
		}
	}
	t.Logf("%s: %d of events and requests in %d lines", name, len(seen), events)
	if len(seen) == 0 {
		t.Errorf("%s: nothing in the log", name)
	}
}
