package subscription_test

import (
	"testing"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/telemetry/schema"
	"github.com/hearthd/hearth/telemetry/subscription"
)

// discard is a log stream's recorder that costs nothing.
type discard struct{}

func (discard) Record(*hearth.PlatformEvent)    {}
func (discard) Output(hearth.LogSource, []byte) {}
func (discard) Message(hearth.LogMessage)       {}
func (discard) CutTail(bool) []byte             { return nil }

// BenchmarkRecord is the report of an invocation, without subscribers and with
// one.
func BenchmarkRecord(b *testing.B) {
	report := &hearth.PlatformEvent{
		Kind: hearth.EventReport, Time: time.Now(), RequestID: "6b3c1cb1-0d5e-4b6a-8f0f-3f6f5f1f0a11",
		Status: hearth.StatusSuccess, Duration: time.Millisecond, MemorySize: 128, MaxMemoryUsed: 40,
	}
	for name, subscribe := range map[string]bool{"nobody": false, "subscriber": true} {
		b.Run(name, func(b *testing.B) {
			box := &sandbox{}
			box.listen()
			defer box.end()
			h := subscription.New(b.Context(), schema.Environment{Function: &hearth.Function{}}, discard{}, nil)
			defer h.Close()
			h.Connect(box)
			if subscribe {
				body := `{"schemaVersion":"2022-12-13","types":["platform"],` + destination + `}`
				if status, reply := h.Subscribe("e", subscription.TelemetryAPI, []byte(body)); status != 200 {
					b.Fatalf("%d %s", status, reply)
				}
			}
			h.Record(&hearth.PlatformEvent{Kind: hearth.EventInitReport, Status: hearth.StatusSuccess})
			b.ReportAllocs()
			for b.Loop() {
				h.Record(report)
			}
		})
	}
}
