package subscription_test

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/telemetry/subscription"
)

func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestSubscriber_Late_GetsWhatCameSinceInitStart(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.box.listen()
		r.say("early")
		if reply := r.subscribe(""); reply != `"OK"` {
			t.Errorf("reply %s", reply)
		}
		r.event(hearth.EventInitReport)
		wait(999 * time.Millisecond)
		r.arrived("") // the default of timeoutMs is a second
		wait(2 * time.Millisecond)
		r.arrived(`initStart function="early" telemetrySubscription initReport`)
	})
}

// What comes between init phases is kept for nobody, even while somebody
// subscribes to it.
func TestSubscriber_LateAfterAReset_GetsWhatCameSinceItsInitStart(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.box.listen()
		subscribe := func(name, types string) {
			r.Subscribe(name, subscription.TelemetryAPI, []byte(`{"schemaVersion":"2022-12-13","types":[`+types+`],`+destination+`}`))
		}
		subscribe("platforms", `"platform"`)
		r.event(hearth.EventInitReport)
		r.say("of the invocation")
		wait(2 * time.Second)
		r.box.mu.Lock()
		r.box.batches = nil
		r.box.mu.Unlock()
		r.event(hearth.EventInitStart)
		r.say("of the init")
		subscribe("lines", `"function"`)
		wait(2 * time.Second)
		if got := r.box.types(); strings.Contains(got, "of the invocation") || !strings.Contains(got, "of the init") {
			t.Errorf("arrived %s", got)
		}
	})
}

func TestSubscriber_Again_IsToldSo(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.subscribe("")
		if reply := r.subscribe(""); reply != `"AlreadySubscribed"` {
			t.Errorf("reply %s", reply)
		}
		r.box.listen()
		wait(2 * time.Second)
		r.arrived("initStart telemetrySubscription telemetrySubscription")
	})
}

func TestSubscriber_OfBothAPIs_IsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.subscribe("")
		status, reply := r.Subscribe("ext", subscription.LogsAPI, []byte(`{"types":["platform"],`+destination+`}`))
		if status != 400 || !strings.Contains(string(reply), `"errorType":"AccessDenied"`) {
			t.Errorf("got %d %s", status, reply)
		}
	})
}

func TestSubscriber_MaxItems_AreDeliveredAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.box.listen()
		r.subscribe(`,"buffering":{"maxItems":1000,"timeoutMs":30000}`)
		for i := range 998 {
			r.say(strconv.Itoa(i))
		}
		synctest.Wait()
		r.box.mu.Lock()
		got := r.box.batches
		r.box.mu.Unlock()
		if len(got) != 1 || len(got[0]) != 1000 {
			t.Errorf("%d batches", len(got))
		}
	})
}

func TestSubscriber_LargeRecord_StaysBelowTwiceMaxBytes(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.box.listen()
		r.subscribe("")
		r.say(strings.Repeat("\x01", 256<<10)) // six bytes each as JSON
		wait(2 * time.Second)
		r.box.mu.Lock()
		defer r.box.mu.Unlock()
		for _, batch := range r.box.batches {
			size := 1 + len(batch)
			for _, record := range batch {
				size += len(record)
			}
			if size > 2*262144 {
				t.Errorf("a batch of %d bytes", size)
			}
		}
		if len(r.box.batches) != 2 {
			t.Errorf("%d batches", len(r.box.batches))
		}
	})
}

func TestDelivery_ListenerComesLater_IsTriedAgain(t *testing.T) {
	bubble(t, func(_ *testing.T, r *rig) {
		r.subscribe("")
		wait(3 * time.Second)
		r.box.listen()
		wait(2 * time.Second)
		r.arrived("initStart telemetrySubscription")
	})
}

func TestDelivery_NeverTaken_IsReportedAsDropped(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.subscribe("")
		wait(20 * time.Second)
		r.box.listen()
		r.event(hearth.EventStart)
		wait(5 * time.Second)
		r.arrived("logsDropped start")
		if last := r.log.lines[len(r.log.lines)-2]; last != "platform.logsDropped" {
			t.Errorf("the log has %q", r.log.lines)
		}
	})
}

func TestDelivery_AfterAReset_WaitsForTheNextInit(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.subscribe("")
		r.fails(hearth.EventInitReport)
		wait(time.Hour) // an environment nobody invokes
		if r.box.dials > 2 {
			t.Errorf("%d attempts to reach processes that are dead", r.box.dials)
		}
		r.event(hearth.EventInitStart)
		r.box.listen()
		wait(2 * time.Second)
		r.arrived("initStart telemetrySubscription initReport initStart")
	})
}

func TestDelivery_ServerError_IsTriedAgain(t *testing.T) {
	bubble(t, func(_ *testing.T, r *rig) {
		r.box.listen()
		r.box.status = 500
		r.subscribe("")
		wait(2 * time.Second)
		r.box.mu.Lock()
		r.box.status = 200
		r.box.mu.Unlock()
		wait(2 * time.Second)
		r.arrived("initStart telemetrySubscription")
	})
}

func TestHold_Flushed_LeavesNothingBehind(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.box.listen()
		r.subscribe("")
		r.Flush(t.Context())
		r.Hold(true)
		r.arrived("initStart telemetrySubscription")
		r.say("while frozen")
		wait(time.Hour)
		r.arrived("initStart telemetrySubscription")
		r.Hold(false)
		wait(2 * time.Second)
		r.arrived(`initStart telemetrySubscription function="while frozen"`)
	})
}

func TestFlush_StuckSubscriber_EndsWithTheContext(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.box.listen()
		r.box.stuck = true
		r.subscribe("")
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		r.Flush(ctx)
		if took := time.Since(began); took != 100*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestQueue_Overflow_IsBoundedAndReported(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.subscribe(`,"buffering":{"timeoutMs":30000}`)
		r.event(hearth.EventInitReport)
		for range 100000 {
			r.say("x")
		}
		r.box.listen()
		wait(time.Minute)
		got := r.box.types()
		if n := strings.Count(got, "function="); n < 10000 || n > 30000 {
			t.Errorf("%d lines", n)
		}
		if !strings.Contains(got, "logsDropped") {
			t.Error("no word of those that were dropped")
		}
	})
}

// The report of what was lost must not be lost itself, and be reported again.
func TestQueue_FullWhenABatchIsGivenUp_IsReportedOnce(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.subscribe(`,"buffering":{"maxItems":1000}`)
		r.event(hearth.EventInitReport)
		for range 2 { // a batch, and a queue that is full behind it
			for range 3000 {
				r.say("x")
			}
			wait(time.Second)
		}
		for r.log.count("platform.logsDropped") == 0 {
			wait(time.Second)
		}
		r.box.listen()
		wait(time.Minute)
		if n := r.log.count("platform.logsDropped"); n != 1 {
			t.Errorf("%d reports in the log", n)
		}
		if n := strings.Count(r.box.types(), "logsDropped"); n != 1 {
			t.Errorf("%d reports arrived", n)
		}
	})
}

// A subscriber that is gone does not take the report either.
func TestQueue_ReportThatIsGivenUp_ComesWithWhatIsTakenNext(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.subscribe("")
		r.event(hearth.EventInitReport)
		r.say("lost")
		wait(10 * time.Minute)
		if n := r.log.count("platform.logsDropped"); n != 1 {
			t.Errorf("%d reports in the log while nobody listened", n)
		}
		r.box.listen()
		r.say("taken")
		wait(time.Minute)
		r.arrived(`function="taken" logsDropped`)
	})
}

func TestHub_NoSubscriberAfterInit_KeepsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.box.listen()
		r.event(hearth.EventInitReport)
		line := []byte("x")
		if n := testing.AllocsPerRun(100, func() { r.Hub.Output(hearth.SourceExtension, line) }); n > 3 {
			t.Errorf("%v allocations for a line that nobody wants", n) // those of the journal
		}
		r.event(hearth.EventInitStart) // a reset: its extensions may subscribe
		r.subscribe("")
		wait(2 * time.Second)
		r.arrived("initStart telemetrySubscription")
	})
}

func TestTCP_Lines_ArriveAndGoToTheNextConnectionAfterAReset(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.box.mu.Lock()
		conns := make(chan net.Conn, 100)
		r.box.conns = conns
		r.box.mu.Unlock()
		body := `{"schemaVersion":"2022-07-01","types":["function"],"destination":{"protocol":"TCP","port":4243}}`
		if status, reply := r.Subscribe("tcp", subscription.TelemetryAPI, []byte(body)); status != 200 {
			t.Fatalf("%d %s", status, reply)
		}
		r.say(`{"json":1}`)
		r.say("two")
		got := lines(<-conns, 2)
		if len(got) != 2 || !strings.HasSuffix(got[0], `"type":"function","record":"{\"json\":1}"}`) {
			t.Errorf("got %q", got)
		}
		r.fails(hearth.EventReport)
		r.event(hearth.EventInitStart)
		r.say("three")
		if got := lines(<-conns, 1); len(got) != 1 || !strings.Contains(got[0], "three") {
			t.Errorf("after the reset: %q", got)
		}
	})
}
