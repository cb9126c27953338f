package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/destination"
	"github.com/hearthd/hearth/invoke/queue"
)

func TestAccept_RunsTheEventOnce(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		err := b.queue.Accept(b.Context(), fn("f"), "live", &hearth.Invocation{RequestID: "1", Payload: []byte(`{}`), TraceID: "t"})
		if err != nil {
			b.Fatal(err)
		}
		b.advance(10 * time.Hour)
		if diff := cmp.Diff([]run{{"f", "live", "1", `{}`, "t", 0, ""}}, b.runs, cmp.AllowUnexported(run{})); diff != "" {
			b.Error(diff)
		}
		b.wantEmpty()
		if s := b.queue.Stats(); s.Accepted != 1 || s.Succeeded != 1 {
			b.Errorf("%+v", s)
		}
	})
}

func TestAccept_WithoutTrace_GetsOneForAllAttempts(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.answer = failed
		inv := &hearth.Invocation{RequestID: "1", Payload: []byte(`{}`)}
		if err := b.queue.Accept(b.Context(), fn("f"), "", inv); err != nil {
			b.Fatal(err)
		}
		b.advance(time.Minute)
		if len(b.runs) != 2 || !strings.HasPrefix(inv.TraceID, "Root=1-") || b.runs[0].trace != inv.TraceID || b.runs[1].trace != inv.TraceID {
			b.Errorf("trace %q, runs %+v", inv.TraceID, b.runs)
		}
	})
}

func TestFailure_RetriedAfterOneAndTwoMinutes(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.answer = failed
		b.accept("f", "1")
		b.advance(10 * time.Hour)
		b.wantTimes("1 at 0s", "1 at 1m0s", "1 at 3m0s")
		b.wantEmpty()
		if s := b.queue.Stats(); s.Exhausted != 1 || s.Failures != 3 {
			b.Errorf("%+v", s)
		}
	})
}

func TestFailure_NotBeforeItsTime(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.answer = failed
		b.accept("f", "1")
		b.advance(time.Minute - time.Millisecond)
		b.wantTimes("1 at 0s")
		if s := b.queue.Stats(); s.Delayed != 1 {
			b.Errorf("%+v", s)
		}
	})
}

func TestFailure_AsManyRetriesAsConfigured(t *testing.T) {
	for retries := range 3 {
		bubble(t, queue.Options{}, func(b *bench) {
			b.configs["f"] = queue.Config{Retries: retries}
			b.answer = failed
			b.accept("f", "1")
			b.advance(10 * time.Hour)
			if len(b.runs) != 1+retries {
				b.Errorf("%d retries: %v", retries, b.times())
			}
		})
	}
}

func TestFailure_RetryBeyondTheAge_IsNotMade(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.configs["f"] = queue.Config{Retries: 2, MaxAge: 2 * time.Minute, Rules: destination.Rules{OnFailure: arn("told")}}
		b.answer = func(ctx context.Context, r run) (hearth.Result, error) {
			if r.function == "told" {
				return ok("1"), nil
			}
			return failed(ctx, r)
		}
		b.accept("f", "1")
		b.advance(10 * time.Hour)
		// The second retry would come three minutes after the event.
		b.wantTimes("1 at 0s", "1 at 1m0s", "new-1 at 1m0s")
		if c := b.record(2).RequestContext; c.Condition != destination.EventAgeExceeded || c.ApproximateInvokeCount != 2 {
			b.Errorf("%+v", c)
		}
	})
}

func TestThrottle_BacksOffAndIsNoAttempt(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.answer = throttled
		b.accept("f", "1")
		b.advance(2*time.Minute + 7*time.Second)
		b.wantTimes("1 at 0s", "1 at 1s", "1 at 3s", "1 at 7s", "1 at 15s", "1 at 31s", "1 at 1m3s", "1 at 2m7s")
		b.answer = failed
		b.runs = nil
		b.advance(time.Hour)
		b.wantTimes("1 at 4m15s", "1 at 5m15s", "1 at 7m15s")
		b.wantEmpty()
	})
}

func TestThrottle_ForTooLong_ExpiresWithoutAnAttempt(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.configs["f"] = queue.Config{Retries: 2, Rules: destination.Rules{OnFailure: arn("told")}}
		b.answer = func(ctx context.Context, r run) (hearth.Result, error) {
			if r.function == "told" {
				return ok("1"), nil
			}
			return throttled(ctx, r)
		}
		b.accept("f", "1")
		b.advance(7 * time.Hour)
		last := len(b.runs) - 1
		if gap := b.runs[last-1].at - b.runs[last-2].at; gap != 5*time.Minute {
			b.Errorf("the last turns were %v apart", gap)
		}
		if at := b.runs[last].at; at > 6*time.Hour || at < 6*time.Hour-5*time.Minute {
			b.Errorf("given up at %v", at)
		}
		r := b.record(last)
		if r.RequestContext.Condition != destination.EventAgeExceeded || r.RequestContext.ApproximateInvokeCount != 0 || r.ResponseContext != nil {
			b.Errorf("%+v", r)
		}
		b.wantEmpty()
	})
}

func TestDestination_IsToldInAnEventOfItsOwn(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.configs["f"] = queue.Config{Rules: destination.Rules{OnSuccess: fn("told").ARN("live"), OnFailure: arn("not-told")}}
		b.accept("f", "1")
		if len(b.runs) != 2 || b.runs[1].function != "told" || b.runs[1].qualifier != "live" || b.runs[1].id != "new-1" || b.runs[1].trace != "trace" {
			b.Fatalf("%+v", b.runs)
		}
		r := b.record(1)
		if c := r.RequestContext; c.Condition != destination.Success || c.RequestID != "1" || c.FunctionArn != arn("f")+":$LATEST" || c.ApproximateInvokeCount != 1 {
			b.Errorf("%+v", c)
		}
		if string(r.ResponsePayload) != `"done"` || string(r.RequestPayload) != `{"id":"1"}` {
			b.Errorf("%s, %s", r.RequestPayload, r.ResponsePayload)
		}
		b.wantEmpty()
	})
}

func TestDestination_ThatIsNoFunction_IsCounted(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.configs["f"] = queue.Config{Rules: destination.Rules{OnSuccess: "arn:aws:sqs:eu-west-1:123456789012:q"}}
		b.accept("f", "1")
		b.wantTimes("1 at 0s")
		if s := b.queue.Stats(); s.Undelivered != 1 {
			b.Errorf("%+v", s)
		}
		b.wantEmpty()
	})
}

func TestPaused_GoesToTheDestinationWithoutBeingRun(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.configs["f"] = queue.Config{Paused: true, Retries: 2, Rules: destination.Rules{OnFailure: arn("told")}}
		b.accept("f", "1")
		b.wantTimes("new-1 at 0s")
		r := b.record(0)
		if c := r.RequestContext; c.Condition != destination.ZeroReservedConcurrency || c.ApproximateInvokeCount != 0 || r.ResponseContext != nil {
			b.Errorf("%+v", r)
		}
	})
}

func TestFunction_Gone_DropsItsEvents(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.answer = func(context.Context, run) (hearth.Result, error) {
			return hearth.Result{}, hearth.Errorf(hearth.ErrNotFound, "Function not found")
		}
		b.accept("f", "1")
		b.advance(10 * time.Hour)
		b.wantTimes("1 at 0s")
		b.wantEmpty()
		if s := b.queue.Stats(); s.Dropped != 1 {
			b.Errorf("%+v", s)
		}
	})
}

func TestCrash_WhileRunning_RunsAgainUnderItsID(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		release := make(chan struct{})
		b.answer = func(context.Context, run) (hearth.Result, error) {
			<-release
			return ok("1"), nil
		}
		b.accept("f", "1")
		b.crash()
		synctest.Wait()
		b.wantTimes("1 at 0s", "1 at 0s")
		close(release)
		synctest.Wait()
		b.wantEmpty()
	})
}

func TestCrash_BetweenAttempts_KeepsCountAndTime(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.answer = failed
		b.accept("f", "1")
		b.advance(30 * time.Second)
		b.crash()
		b.advance(time.Hour)
		// The crash neither brought the retry forward nor began to count anew.
		b.wantTimes("1 at 0s", "1 at 1m0s", "1 at 3m0s")
		b.wantEmpty()
	})
}

func TestCrash_AfterTheEnd_RunsNothingAgain(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.configs["f"] = queue.Config{Rules: destination.Rules{OnSuccess: arn("told")}}
		b.accept("f", "1")
		b.crash()
		b.advance(time.Hour)
		b.wantTimes("1 at 0s", "new-1 at 0s")
	})
}

func TestOpen_ClockThatStoodElsewhere_DoesNotPutOffForEver(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.advance(1000 * time.Hour)
		b.answer = failed
		b.accept("f", "1")
		b.clock = newClock()
		b.crash()
		b.advance(5 * time.Minute)
		if got := len(b.runs); got != 2 {
			b.Errorf("run %d times: %v", got, b.times())
		}
	})
}

func TestFull_RefusesWithANamedError(t *testing.T) {
	bubble(t, queue.Options{MaxEvents: 2}, func(b *bench) {
		b.answer = failed
		b.accept("f", "1")
		b.accept("f", "2")
		err := b.try("f", "3")
		if !errors.Is(err, queue.ErrFull) || !errors.Is(err, hearth.ErrThrottled) {
			b.Errorf("got %v", err)
		}
		b.advance(time.Hour)
		b.accept("f", "4") // there is room again
	})
}

func TestStoreFails_EventIsNotAccepted(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.log.fail = errStore
		if err := b.try("f", "1"); !errors.Is(err, errStore) {
			b.Errorf("got %v", err)
		}
		b.log.fail = nil
		b.accept("f", "2")
		b.wantTimes("2 at 0s")
	})
}

func TestPayloads_BeyondMemory_AreReadFromTheJournal(t *testing.T) {
	bubble(t, queue.Options{MaxMemory: 1, MaxRunning: 1}, func(b *bench) {
		for i := range 20 {
			b.accept("f", fmt.Sprint(i))
		}
		synctest.Wait()
		for i, r := range b.runs {
			if want := fmt.Sprintf(`{"id":"%d"}`, i); r.payload != want {
				b.Errorf("run %d got %s", i, r.payload)
			}
		}
		if len(b.runs) != 20 {
			b.Errorf("%d runs", len(b.runs))
		}
	})
}

func TestClose_GivesBackWhatRuns(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		// As an environment that the pool closes: its function seems to fail.
		closed := make(chan struct{})
		b.answer = func(ctx context.Context, r run) (hearth.Result, error) {
			<-closed
			return failed(ctx, r)
		}
		b.accept("f", "1")
		ctx, cancel := context.WithTimeout(b.Context(), time.Second)
		defer cancel()
		b.queue.Drain(ctx)
		close(closed)
		b.queue.Close()
		b.answer = nil
		b.open()
		synctest.Wait()
		b.wantTimes("1 at 0s", "1 at 0s")
		b.wantEmpty()
	})
}

func TestDrain_FinishesWhatRuns_AndStartsNothing(t *testing.T) {
	bubble(t, queue.Options{MaxRunning: 1}, func(b *bench) {
		b.answer = func(context.Context, run) (hearth.Result, error) {
			<-time.After(time.Second)
			return ok("1"), nil
		}
		b.accept("f", "1")
		b.accept("f", "2")
		b.queue.Drain(b.Context())
		b.wantTimes("1 at 0s")
		b.queue.Close()
		b.answer = nil
		b.open()
		synctest.Wait()
		b.wantTimes("1 at 0s", "2 at 0s")
	})
}

func TestClosed_RefusesEvents(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.queue.Close()
		if err := b.try("f", "1"); !errors.Is(err, hearth.ErrUnavailable) {
			b.Errorf("got %v", err)
		}
	})
}
