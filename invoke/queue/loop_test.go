package queue_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/destination"
	"github.com/hearthd/hearth/invoke/dispatch"
	"github.com/hearthd/hearth/invoke/queue"
)

// always finds a function of every name.
type always struct{}

func (always) Lookup(name hearth.Name, _ string) (*hearth.Function, error) {
	return &hearth.Function{Name: name, Version: hearth.Latest}, nil
}

func (always) LookupAlias(hearth.Name, string) (*hearth.Alias, error) {
	return nil, hearth.ErrNotFound
}

// runs counts.
type runs struct{ n int }

func (r *runs) Invoke(context.Context, *hearth.Function, *hearth.Invocation) (hearth.Result, error) {
	r.n++
	return ok("1"), nil
}

func TestDestinations_ThatTellEachOther_AreStopped(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.configs["f"] = queue.Config{Rules: destination.Rules{OnSuccess: arn("g"), OnFailure: arn("g")}}
		b.configs["g"] = queue.Config{Rules: destination.Rules{OnSuccess: arn("f"), OnFailure: arn("f")}}
		r := &runs{}
		b.dispatcher = dispatch.New(dispatch.Options{Functions: always{}, Runner: r})
		if err := b.queue.Accept(b.Context(), fn("f"), "", &hearth.Invocation{RequestID: "1", Payload: []byte("{}")}); err != nil {
			b.Fatal(err)
		}
		b.advance(10 * time.Hour)
		b.wantEmpty()
		if s := b.queue.Stats(); s.Dropped != 1 || r.n < 2*15 || r.n > 2*16 {
			b.Errorf("ran %d times, %+v", r.n, s)
		}
	})
}

func TestLoop_IsNotTriedAgain(t *testing.T) {
	bubble(t, queue.Options{}, func(b *bench) {
		b.answer = func(context.Context, run) (hearth.Result, error) {
			return hearth.Result{}, fmt.Errorf("invoke: %w", hearth.ErrRecursiveInvoke)
		}
		b.accept("f", "1")
		b.advance(10 * time.Hour)
		b.wantTimes("1 at 0s")
		b.wantEmpty()
	})
}
