package queue_test

import (
	"context"
	"testing"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/destination"
	"github.com/hearthd/hearth/invoke/queue"
)

// acceptFor sends an event to the function of a name that has an ID.
func (b *bench) acceptFor(function, id, event string) {
	b.Helper()
	inv := &hearth.Invocation{RequestID: event, Payload: []byte(`{}`), FunctionID: id}
	if err := b.queue.Accept(b.Context(), fn(function), "", inv); err != nil {
		b.Fatal(err)
	}
	b.advance(0)
}

// replaced is the configuration of a function that another one's events must
// not meet: they would be seen wherever they went.
func replaced(id string) queue.Config {
	return queue.Config{FunctionID: id, Paused: true, MaxAge: time.Minute, Rules: destination.Rules{OnSuccess: arn("told"), OnFailure: arn("told")}}
}

func (b *bench) wantDropped(n uint64) {
	b.Helper()
	if s := b.queue.Stats(); s.Dropped != n {
		b.Errorf("dropped %d, want %d: %+v", s.Dropped, n, s)
	}
	b.wantEmpty()
}

func TestFunction_MadeAgain_DoesNotGetTheEventsOfTheFirst(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.answer = failed
		b.configs["f"] = queue.Config{FunctionID: "first", Retries: 2}
		b.acceptFor("f", "first", "1")
		b.configs["f"] = replaced("second")
		b.advance(10 * time.Hour)
		b.wantTimes("1 at 0s")
		b.wantDropped(1)
	})
}

func TestFunction_MadeAgainOverACrash_DoesNotGetTheEventsOfTheFirst(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.answer = failed
		b.configs["f"] = queue.Config{FunctionID: "first", Retries: 2}
		b.acceptFor("f", "first", "1")
		b.configs["f"] = replaced("second")
		b.crash()
		b.advance(10 * time.Hour)
		b.wantTimes("1 at 0s")
		b.wantDropped(1)
	})
}

// A function whose record cannot be read is there; a later version of hearth may
// read it again.
func TestFunction_ThatCannotBeRead_KeepsItsEvents(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.answer = failed
		b.configs["f"] = queue.Config{FunctionID: "first", Retries: 2}
		b.acceptFor("f", "first", "1")
		b.configs["f"] = queue.Config{Unknown: true, Retries: 2}
		b.advance(10 * time.Hour)
		b.wantTimes("1 at 0s", "1 at 1m0s", "1 at 3m0s")
		b.wantDropped(0)
	})
}

func TestFunction_MadeAgain_GetsItsOwnEvents(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.answer = failed
		b.configs["f"] = queue.Config{FunctionID: "first", Retries: 2}
		b.acceptFor("f", "first", "1")
		b.answer = nil
		b.configs["f"] = queue.Config{FunctionID: "second"}
		b.acceptFor("f", "second", "2")
		b.advance(10 * time.Hour)
		b.wantTimes("1 at 0s", "2 at 0s")
		b.wantDropped(1)
	})
}

func TestFunction_MadeAgainBehindTheLookup_IsLeftToTheDispatcher(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.configs["f"] = queue.Config{FunctionID: "first"}
		b.answer = func(context.Context, run) (hearth.Result, error) {
			return hearth.Result{}, hearth.Errorf(hearth.ErrNotFound, "Function not found")
		}
		b.acceptFor("f", "first", "1")
		b.advance(10 * time.Hour)
		if len(b.runs) != 1 || b.runs[0].functionID != "first" {
			b.Errorf("the dispatcher was asked for %+v", b.runs)
		}
		b.wantDropped(1)
	})
}

func TestFunction_MadeAgainWhileItsEventRuns_TellsNobody(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.configs["f"] = queue.Config{FunctionID: "first", Rules: destination.Rules{OnSuccess: arn("told")}}
		b.answer = func(context.Context, run) (hearth.Result, error) {
			<-time.After(time.Second)
			b.configs["f"] = replaced("second")
			return ok("1"), nil
		}
		b.acceptFor("f", "first", "1")
		b.advance(10 * time.Hour)
		b.wantTimes("1 at 0s")
		b.wantEmpty()
	})
}

func TestFunction_Updated_StillGetsItsEvents(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.answer = failed
		b.configs["f"] = queue.Config{FunctionID: "first", Retries: 2}
		b.acceptFor("f", "first", "1")
		b.configs["f"] = queue.Config{FunctionID: "first", Retries: 1}
		b.crash()
		b.advance(10 * time.Hour)
		b.wantTimes("1 at 0s", "1 at 1m0s")
		b.wantEmpty()
	})
}

func TestFunction_OfNoID_GetsTheEventsOfItsName(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.answer = failed
		b.acceptFor("f", "", "1") // as the journal of an older hearth has it
		b.crash()
		b.configs["f"] = queue.Config{FunctionID: "second", Retries: 1}
		b.advance(10 * time.Hour)
		b.wantTimes("1 at 0s", "1 at 1m0s")
		b.wantEmpty()
	})
}

func TestDestination_MadeAgain_IsNotToldWhatTheFirstWas(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.configs["f"] = queue.Config{FunctionID: "f", Rules: destination.Rules{OnSuccess: arn("told")}}
		b.configs["told"] = queue.Config{FunctionID: "first", Retries: 2}
		b.answer = func(ctx context.Context, r run) (hearth.Result, error) {
			if r.function == "told" {
				return failed(ctx, r)
			}
			return ok("1"), nil
		}
		b.acceptFor("f", "f", "1")
		b.configs["told"] = queue.Config{FunctionID: "second", Retries: 2}
		b.advance(10 * time.Hour)
		b.wantTimes("1 at 0s", "new-1 at 0s")
		b.wantDropped(1)
	})
}
