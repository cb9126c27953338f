package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/internal/clock"
	"github.com/hearthd/hearth/invoke/queue"
	"github.com/hearthd/hearth/store/mem"
)

// memoryLog is a log that survives its queue, as a disk does.
type memoryLog struct {
	*mem.Log
	fail error // of Append
}

func (l *memoryLog) Append(ctx context.Context, entry []byte) (uint64, error) {
	if l.fail != nil {
		return 0, l.fail
	}
	return l.Log.Append(ctx, entry)
}

// bench is a queue in a bubble, on a clock that stands still at first.
type bench struct {
	*testing.T
	log   *memoryLog
	clock *clock.Test
	opts  queue.Options
	queue *queue.Queue
	ids   int

	mu      sync.Mutex
	runs    []run
	answer  func(ctx context.Context, r run) (hearth.Result, error) // nil: success
	configs map[string]queue.Config                                 // by function; others have the defaults

	dispatcher queue.Invoker // when not nil, it answers
}

// run is a call of the function.
type run struct {
	function, qualifier, id, payload, trace string
	at                                      time.Duration // on the clock, since the beginning
	functionID                              string
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func fn(name string) hearth.Name {
	return hearth.Name{Account: "123456789012", Region: "eu-west-1", Function: name}
}

func arn(name string) string { return fn(name).ARN("") }

func bubble(t *testing.T, opts queue.Options, test func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, log: &memoryLog{Log: mem.NewLog()}, clock: clock.NewTest(noon), opts: opts, configs: map[string]queue.Config{}}
		b.open()
		test(b)
		b.queue.Close()
	})
}

// open opens a queue on the log, as a start of the daemon does.
func (b *bench) open() {
	b.Helper()
	o := b.opts
	o.Log, o.Invoker, o.Clock = b.log, b, b.clock
	o.NewID = func() string { b.ids++; return fmt.Sprint("new-", b.ids) }
	o.Configs = b
	var err error
	if b.queue, err = queue.Open(b.Context(), o); err != nil {
		b.Fatal(err)
	}
	b.clock.AddSettler(b.queue)
	b.queue.Start()
}

// crash leaves the queue as it is, with what runs and on its clock, and opens
// another on its log.
func (b *bench) crash() {
	b.Helper()
	b.log = &memoryLog{Log: b.log.Clone()}
	b.clock = clock.NewTest(b.clock.Now())
	old := b.queue
	b.Cleanup(old.Close)
	b.open()
}

// Config implements queue.Configs.
func (b *bench) Config(name hearth.Name, _ string) queue.Config {
	if c, ok := b.configs[name.Function]; ok {
		return c
	}
	return queue.Config{Retries: queue.DefaultRetries}
}

// Invoke implements queue.Invoker.
func (b *bench) Invoke(ctx context.Context, name hearth.Name, qualifier string, inv *hearth.Invocation) (hearth.Result, error) {
	r := run{name.Function, qualifier, inv.RequestID, string(inv.Payload), inv.TraceID, b.clock.Now().Sub(noon), inv.FunctionID}
	b.mu.Lock()
	b.runs = append(b.runs, r)
	answer := b.answer
	b.mu.Unlock()
	if b.dispatcher != nil {
		return b.dispatcher.Invoke(ctx, name, qualifier, inv)
	}
	if answer == nil {
		return ok(`"done"`), nil
	}
	return answer(ctx, r)
}

func ok(payload string) hearth.Result {
	return hearth.Result{Payload: []byte(payload), ExecutedVersion: "7"}
}

func failed(context.Context, run) (hearth.Result, error) {
	return hearth.Result{Payload: []byte(`{"errorMessage":"no"}`), ExecutedVersion: "7", FunctionError: hearth.Unhandled}, nil
}

func throttled(context.Context, run) (hearth.Result, error) {
	return hearth.Result{}, fmt.Errorf("invoke: %w", &hearth.Throttle{Reason: hearth.ThrottleConcurrency})
}

// accept sends an event and lets it run as far as it goes.
func (b *bench) accept(function, id string) {
	b.Helper()
	if err := b.try(function, id); err != nil {
		b.Fatal(err)
	}
	synctest.Wait()
}

func (b *bench) try(function, id string) error {
	return b.queue.Accept(b.Context(), fn(function), "", &hearth.Invocation{RequestID: id, Payload: []byte(`{"id":"` + id + `"}`), TraceID: "trace"})
}

func (b *bench) advance(d time.Duration) {
	b.Helper()
	if _, err := b.clock.Advance(b.Context(), d); err != nil {
		b.Fatal(err)
	}
	synctest.Wait()
}

// times are when events were run: "id at 1m0s".
func (b *bench) times() (got []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.runs {
		got = append(got, fmt.Sprint(r.id, " at ", r.at))
	}
	return got
}

func (b *bench) wantTimes(want ...string) {
	b.Helper()
	if diff := cmp.Diff(want, b.times()); diff != "" {
		b.Errorf("runs (-want +got):\n%s", diff)
	}
}

// record is what the run of a destination was told.
func (b *bench) record(i int) (r struct {
	RequestContext struct {
		RequestID, FunctionArn, Condition string
		ApproximateInvokeCount            int
	}
	RequestPayload, ResponsePayload, ResponseContext json.RawMessage
}) {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if i >= len(b.runs) {
		b.Fatalf("%d runs only", len(b.runs))
	}
	if err := json.Unmarshal([]byte(b.runs[i].payload), &r); err != nil {
		b.Fatal(err)
	}
	return r
}

// wantEmpty fails unless no event is left, on disk neither.
func (b *bench) wantEmpty() {
	b.Helper()
	if s := b.queue.Stats(); s.Ready+s.Running+s.Delayed+s.Journal.Live != 0 {
		b.Errorf("left: %+v", s)
	}
}

var errStore = errors.New("disk on fire")
