package environment_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/mem"
)

// workers is a runtime of n workers, each of which handles its events.
func workers(n int, handle func(r *runtime, id, payload string)) program {
	return func(r *runtime) sandbox.Exit {
		r.quiet() // the clock moves
		var wg sync.WaitGroup
		for i := range n {
			worker := r
			if i > 0 {
				worker = &runtime{Proc: r.Proc, ctx: r.ctx}
				if !worker.dial() {
					return sandbox.Exit{Code: 98}
				}
			}
			wg.Go(func() { worker.serve(func(id, payload string) { handle(worker, id, payload) }) })
		}
		wg.Wait()
		return sandbox.Exit{}
	}
}

// multi is an environment that takes three events at a time, on the mem driver.
type multi struct {
	*testing.T
	*environment.MultiConcurrent
	driver  *mem.Driver
	journal *journal
}

// openMultiConcurrent opens an environment whose runtime is p. It is closed and checked
// at the end of the test.
func openMultiConcurrent(t *testing.T, p program) *multi {
	t.Helper()
	m := &multi{T: t, journal: &journal{}, driver: mem.New(mem.Options{Programs: map[string]mem.Program{bootstrap: p.run}})}
	fn := function()
	fn.Managed = &hearth.ManagedInstances{MaxConcurrency: 3}
	env, err := environment.OpenMultiConcurrent(t.Context(), environment.Options{
		ID: "env-1", Function: fn, Driver: m.driver, Recorder: m.journal, InitType: hearth.InitManaged,
		Launch: &environment.Launch{Runtime: bootstraps},
	})
	if err != nil {
		t.Fatal(err)
	}
	m.MultiConcurrent = env
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if n := len(m.driver.Open()); n != 0 {
			t.Errorf("%d sandboxes are left", n)
		}
	})
	return m
}

// ready runs the init phase, which must succeed.
func (m *multi) ready() *multi {
	m.Helper()
	if !m.Init() {
		m.Fatalf("init failed: %q", m.journal.take())
	}
	m.journal.take()
	return m
}

// shot is an event on its way.
type shot struct {
	ended chan outcome // one
	freed chan struct{}
}

// begin gives the environment an event beside the test.
func (m *multi) begin(id, payload string) *shot {
	s := &shot{make(chan outcome, 1), make(chan struct{})}
	wait := m.Begin(&hearth.Invocation{RequestID: id, Payload: []byte(payload)}, func() { close(s.freed) })
	go func() {
		res, err := wait()
		s.ended <- outcome{res, err}
	}()
	return s
}

func (s *shot) isFree() bool {
	select {
	case <-s.freed:
		return true
	default:
		return false
	}
}

func (m *multi) want(s *shot, payload string) {
	m.Helper()
	if got := <-s.ended; got.err != nil || got.FunctionError != "" || string(got.Payload) != payload {
		m.Errorf("got %s %q %v, want %s", got.FunctionError, got.Payload, got.err, payload)
	}
	<-s.freed
}

func (m *multi) wantFailure(s *shot, errorType, payload string) {
	m.Helper()
	if got := <-s.ended; got.err != nil || got.ErrorType != errorType || string(got.Payload) != payload {
		m.Errorf("got %s %q %v, want %s %s", got.ErrorType, got.Payload, got.err, errorType, payload)
	}
}

func echoing(r *runtime, id, payload string) { r.respond(id, payload) }

func TestMultiConcurrent_EventsSideBySide_GetTheirOwnAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := make(chan struct{})
		m := openMultiConcurrent(t, workers(3, func(r *runtime, id, payload string) {
			<-all
			r.respond(id, payload)
		})).ready()
		var shots []*shot
		for i := range 3 {
			shots = append(shots, m.begin(fmt.Sprint("id-", i), fmt.Sprint(i)))
		}
		synctest.Wait()
		if got := m.State(); got != environment.Idle {
			t.Errorf("state %s", got)
		}
		close(all)
		for i, s := range shots {
			m.want(s, fmt.Sprint(i))
		}
	})
}

func TestMultiConcurrent_OneWorker_InitIsDoneAndEventsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := openMultiConcurrent(t, workers(1, echoing)).ready()
		first, second := m.begin("id-1", "1"), m.begin("id-2", "2")
		m.want(first, "1")
		m.want(second, "2")
	})
}

func TestMultiConcurrent_Timeout_AnswersTheCallerAndRefusesTheLateWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status := make(chan int, 1)
		m := openMultiConcurrent(t, workers(2, func(r *runtime, id, payload string) {
			if payload == `"slow"` {
				<-time.After(5 * time.Second)
				status <- r.respond(id, payload)
				return
			}
			r.respond(id, payload)
		})).ready()
		slow := m.begin("id-1", `"slow"`)
		m.want(m.begin("id-2", `"quick"`), `"quick"`)
		m.wantFailure(slow, "Sandbox.Timedout", failure("Sandbox.Timedout", "id-1", "Task timed out after 3.00 seconds"))
		if slow.isFree() {
			t.Error("the place of a worker that is late was given away")
		}
		m.want(m.begin("id-3", `"beside"`), `"beside"`)
		<-slow.freed
		if got := <-status; got != http.StatusGone {
			t.Errorf("the late answer got %d", got)
		}
		m.want(m.begin("id-4", `"again"`), `"again"`)
	})
}

func TestMultiConcurrent_TimeoutBeforeAWorkerTookIt_FreesThePlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := openMultiConcurrent(t, workers(1, func(r *runtime, id, payload string) {
			<-time.After(3500 * time.Millisecond)
			r.respond(id, payload)
		})).ready()
		m.begin("id-1", "1")
		waits := m.begin("id-2", "2")
		m.wantFailure(waits, "Sandbox.Timedout", failure("Sandbox.Timedout", "id-2", "Task timed out after 3.00 seconds"))
		<-waits.freed
	})
}

func TestMultiConcurrent_EveryWorkerLate_EndsTheEnvironment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := openMultiConcurrent(t, workers(3, func(r *runtime, _, _ string) { r.hang() })).ready()
		var shots []*shot
		for i := range 3 {
			shots = append(shots, m.begin(fmt.Sprint("id-", i), "1"))
		}
		for i, s := range shots {
			m.wantFailure(s, "Sandbox.Timedout", failure("Sandbox.Timedout", fmt.Sprint("id-", i), "Task timed out after 3.00 seconds"))
			<-s.freed
		}
		if got := m.State(); got != environment.Dead {
			t.Errorf("state %s", got)
		}
	})
}

func TestMultiConcurrent_RuntimeExits_EndsAllItsEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := openMultiConcurrent(t, func(r *runtime) sandbox.Exit {
			go workers(2, func(*runtime, string, string) {})(&runtime{Proc: r.Proc, ctx: r.ctx, conn: r.conn, in: r.in})
			<-time.After(time.Second)
			return sandbox.Exit{Code: 7}
		}).ready()
		one, two := m.begin("id-1", "1"), m.begin("id-2", "2")
		m.wantFailure(one, "Runtime.ExitError", exitError("id-1", "Runtime exited with error: exit status 7"))
		got := <-two.ended
		if !errors.Is(got.err, environment.ErrNotDelivered) && got.ErrorType != "Runtime.ExitError" {
			t.Errorf("the second: %+v", got)
		}
		<-one.freed
		<-two.freed
		if got := m.State(); got != environment.Dead {
			t.Errorf("state %s", got)
		}
		if _, err := m.Begin(&hearth.Invocation{RequestID: "id-3"}, func() {})(); !errors.Is(err, environment.ErrDead) {
			t.Errorf("after its end: %v", err)
		}
	})
}

// Only what no worker has may be given to another environment.
func TestMultiConcurrent_RuntimeExits_TellsWhatWasNotDelivered(t *testing.T) {
	for range 20 { // the order of the events is random
		synctest.Test(t, func(t *testing.T) {
			m := openMultiConcurrent(t, func(r *runtime) sandbox.Exit {
				r.quiet()
				_, _, _ = r.next()
				<-time.After(time.Second)
				return sandbox.Exit{Code: 1}
			}).ready()
			taken := m.begin("id-0", "0")
			synctest.Wait()
			waiting := []*shot{m.begin("id-1", "1"), m.begin("id-2", "2")}
			m.wantFailure(taken, "Runtime.ExitError", exitError("id-0", "Runtime exited with error: exit status 1"))
			for _, s := range waiting {
				if got := <-s.ended; !errors.Is(got.err, environment.ErrNotDelivered) {
					t.Errorf("got %+v", got)
				}
			}
			if got := strings.Join(m.journal.take(), "\n"); !strings.Contains(got, "start id-0") || strings.Contains(got, "id-1") || strings.Contains(got, "id-2") {
				t.Errorf("the log has what goes on to another environment, too:\n%s", got)
			}
		})
	}
}

func TestMultiConcurrent_Close_EndsAllItsEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := openMultiConcurrent(t, workers(3, func(r *runtime, _, _ string) { r.hang() })).ready()
		one, two := m.begin("id-1", "1"), m.begin("id-2", "2")
		synctest.Wait()
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		for _, s := range []*shot{one, two} {
			if got := <-s.ended; !errors.Is(got.err, environment.ErrInterrupted) {
				t.Errorf("%+v", got)
			}
			<-s.freed
		}
	})
}

func TestMultiConcurrent_InitFails_IsToldToWhoComesForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := openMultiConcurrent(t, func(r *runtime) sandbox.Exit {
			r.post("init/error", `{"errorType":"Runtime.Broken"}`)
			return sandbox.Exit{Code: 1}
		})
		if m.Init() || m.State() != environment.Broken {
			t.Errorf("state %s", m.State())
		}
		one, two := m.begin("id-1", "1"), m.begin("id-2", "2")
		for _, s := range []*shot{one, two} {
			if got := <-s.ended; got.FunctionError != hearth.Unhandled || string(got.Payload) != `{"errorType":"Runtime.Broken"}` {
				t.Errorf("got %+v", got)
			}
			<-s.freed
		}
		if got := m.State(); got != environment.Dead {
			t.Errorf("state %s", got)
		}
	})
}

func TestMultiConcurrent_WrongAnswers_AreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		statuses := make(chan int, 2)
		m := openMultiConcurrent(t, workers(1, func(r *runtime, id, payload string) {
			statuses <- r.respond("another", payload)
			r.respond(id, payload)
			statuses <- r.respond(id, payload)
		})).ready()
		m.want(m.begin("id-1", "1"), "1")
		for what, want := range []int{http.StatusBadRequest, http.StatusBadRequest} {
			if got := <-statuses; got != want {
				t.Errorf("%d: status %d", what, got)
			}
		}
	})
}

func TestMultiConcurrent_Variables_TellTheRuntimeHowManyItGets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := make(chan []string, 1)
		openMultiConcurrent(t, func(r *runtime) sandbox.Exit {
			env <- r.Env
			return echo(r)
		}).ready()
		got := <-env
		for _, want := range []string{"AWS_LAMBDA_MAX_CONCURRENCY=3", "AWS_LAMBDA_INITIALIZATION_TYPE=lambda-managed-instances"} {
			if !slices.Contains(got, want) {
				t.Errorf("%s is not in %q", want, got)
			}
		}
	})
}

func TestMultiConcurrent_ManyEvents_EachIsAnsweredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := openMultiConcurrent(t, workers(3, echoing)).ready()
		var calls sync.WaitGroup
		places := make(chan struct{}, 3)
		for i := range 500 {
			places <- struct{}{}
			calls.Go(func() {
				id := fmt.Sprint("id-", i)
				res, err := m.Begin(&hearth.Invocation{RequestID: id, Payload: []byte(id)}, func() { <-places })()
				if err != nil || string(res.Payload) != id {
					t.Errorf("%s: %q %v", id, res.Payload, err)
				}
			})
		}
		calls.Wait()
	})
}
