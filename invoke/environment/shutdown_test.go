package environment_test

import (
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/sandbox"
)

// terminated is a runtime that echoes, and takes its time over SIGTERM.
func terminated(did trace, takes time.Duration) program {
	return quietly(func(r *runtime) sandbox.Exit {
		term := r.Notify(syscall.SIGTERM)
		ended := make(chan struct{})
		go func() { // ends with the process
			defer close(ended)
			echo(r)
		}()
		select {
		case <-term:
			did.add("runtime got SIGTERM")
			select {
			case <-time.After(takes):
				did.add("runtime ended")
			case <-r.ctx.Done():
				did.add("runtime was killed")
			}
		case <-r.ctx.Done():
			did.add("runtime was killed")
		}
		r.conn.Close()
		<-ended
		return sandbox.Exit{}
	})
}

// departing is an extension that takes its time over SHUTDOWN.
func departing(did trace, takes time.Duration, told *event) actor {
	return func(x *extension) sandbox.Exit {
		return x.serve(func(ev event) {
			if ev.Type != "SHUTDOWN" {
				return
			}
			*told = ev
			did.add("extension got SHUTDOWN " + ev.Reason)
			select {
			case <-time.After(takes):
				did.add("extension ended")
			case <-x.ctx.Done():
				did.add("extension was killed")
			}
		}, "INVOKE", "SHUTDOWN")
	}
}

func TestShutdown_External_RuntimeThenExtensions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		did, told := newTrace(), event{}
		f := openExtended(t, one(departing(did, time.Second, &told)), terminated(did, 100*time.Millisecond)).ready()
		began := time.Now()
		f.close()
		f.lasted(began, 1100*time.Millisecond)
		if got, want := did.String(), "runtime got SIGTERM, runtime ended, extension got SHUTDOWN spindown, extension ended"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if want := began.Add(2 * time.Second).UnixMilli(); told.DeadlineMs != want {
			t.Errorf("deadline %d, want %d", told.DeadlineMs, want)
		}
	})
}

func TestShutdown_Slow_IsKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		did, told := newTrace(), event{}
		f := openExtended(t, one(departing(did, time.Hour, &told)), terminated(did, time.Hour)).ready()
		began := time.Now()
		f.close()
		f.lasted(began, 2*time.Second)
		if got, want := did.String(), "runtime got SIGTERM, runtime was killed, extension got SHUTDOWN spindown, extension was killed"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestShutdown_SlowRuntime_HasAThird(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		did, told := newTrace(), event{}
		f := openExtended(t, one(departing(did, 0, &told)), terminated(did, time.Hour)).ready()
		began := time.Now()
		f.close()
		f.lasted(began, 600*time.Millisecond)
	})
}

func TestShutdown_NotSubscribed_IsKilledAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		did := newTrace()
		f := openExtended(t, one(func(x *extension) sandbox.Exit { return x.serve(func(event) {}, "INVOKE") }), terminated(did, 200*time.Millisecond)).ready()
		began := time.Now()
		f.close()
		f.lasted(began, 200*time.Millisecond)
		if got, want := did.String(), "runtime got SIGTERM, runtime ended"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestShutdown_InternalOnly_HasHalfASecond(t *testing.T) {
	for takes, want := range map[time.Duration]time.Duration{300 * time.Millisecond: 300 * time.Millisecond, time.Hour: 500 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			did := newTrace()
			f := open(t, func(r *runtime) sandbox.Exit {
				x := &extension{runtime: &runtime{Proc: r.Proc, ctx: r.ctx}, name: "internal"}
				x.dial()
				x.register()
				go x.next() // ends with the process
				return terminated(did, takes)(r)
			}).ready()
			began := time.Now()
			f.close()
			f.lasted(began, want)
		})
	}
}

func TestShutdown_NoExtension_KillsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		did := newTrace()
		f := open(t, terminated(did, time.Hour)).ready()
		began := time.Now()
		f.close()
		f.lasted(began, 0)
		if got := did.String(); got != "runtime was killed" {
			t.Error(got)
		}
	})
}

func TestShutdown_Frozen_IsThawed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		did, told := newTrace(), event{}
		f := openExtended(t, one(departing(did, 0, &told)), quietly(echo)).ready()
		if err := f.Freeze(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		f.close()
		f.lasted(began, 0)
		if told.Reason != "spindown" {
			t.Errorf("told %+v", told)
		}
	})
}

func TestShutdown_Timeout_AnswersFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		did, told := newTrace(), event{}
		f := openExtended(t, one(departing(did, time.Second, &told), idle), quietly(during((*runtime).hang)), quietly(echo)).ready()
		began := time.Now()
		fl := f.start(&hearth.Invocation{RequestID: "id-1", Payload: []byte("1")})
		f.wantFailure(<-fl.ended, "Sandbox.Timedout", failure("Sandbox.Timedout", "id-1", "Task timed out after 3.00 seconds"))
		f.lasted(began, 3*time.Second)
		synctest.Wait()
		f.wantJournal("start id-1", "runtimeDone id-1 timeout Sandbox.Timedout")
		<-fl.freed
		f.lasted(began, 4*time.Second)
		f.wantJournal("report id-1 timeout Sandbox.Timedout")
		if want := began.Add(5 * time.Second).UnixMilli(); told.Reason != "timeout" || told.DeadlineMs != want {
			t.Errorf("told %+v, want deadline %d", told, want)
		}
		if report := f.journal.report(); report.Duration != 3*time.Second {
			t.Errorf("reported %v", report.Duration)
		}
		f.wantUsable()
	})
}

// One extension's crash is told to the others.
func TestShutdown_Crash_IsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		did, told := newTrace(), event{}
		crash := once(func(*extension) sandbox.Exit { return sandbox.Exit{Code: 1} }, "INVOKE")
		f := openExtended(t, []external{
			{"crashes", quietActors([]actor{crash, idle})},
			{"stays", quietActors([]actor{departing(did, time.Second, &told), idle})},
		}, quietly(during((*runtime).hang)), quietly(echo)).ready()
		began := time.Now()
		fl := f.start(&hearth.Invocation{RequestID: "id-1", Payload: []byte("1")})
		f.wantFailure(<-fl.ended, "Extension.Crash", failure("Extension.Crash", "id-1", "exit status 1"))
		f.lasted(began, 0)
		<-fl.freed
		f.lasted(began, time.Second)
		if told.Reason != "failure" {
			t.Errorf("told %+v", told)
		}
		f.wantUsable()
	})
}

// An invocation that comes while a crashed environment is shut down waits, at
// nobody's expense.
func TestShutdown_InvokeMeanwhile_HasItsFullTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		did, told := newTrace(), event{}
		end := make(chan struct{})
		f := openExtended(t, one(departing(did, 1500*time.Millisecond, &told), idle), func(r *runtime) sandbox.Exit {
			r.quiet()
			go r.next() // ends with the connection
			<-end
			return sandbox.Exit{Code: 1}
		}, quietly(func(r *runtime) sandbox.Exit {
			return r.serve(func(id, payload string) {
				<-time.After(2500 * time.Millisecond)
				r.respond(id, payload)
			})
		})).ready()
		close(end)
		synctest.Wait()
		began := time.Now()
		f.wantPayload(f.invoke("id-1", "1"), "1")
		f.lasted(began, 4*time.Second)
		if got := f.journal.report().Duration; got != 2500*time.Millisecond {
			t.Errorf("reported %v", got)
		}
	})
}

func TestShutdown_Many_AreParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		did, told := newTrace(), make([]event, 4)
		var all []*fixture
		for i := range told {
			all = append(all, openExtended(t, one(departing(did, time.Second, &told[i])), quietly(echo)).ready())
		}
		began := time.Now()
		var wg sync.WaitGroup
		for _, f := range all {
			wg.Go(func() { f.close() })
		}
		wg.Wait()
		all[0].lasted(began, time.Second)
	})
}

func TestClose_DuringShutdown_CutsItShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		did, told := newTrace(), event{}
		f := openExtended(t, one(departing(did, time.Hour, &told)), quietly(during((*runtime).hang))).ready()
		fl := f.start(&hearth.Invocation{RequestID: "id-1"})
		<-fl.ended      // the time-out
		synctest.Wait() // until the reset is under way: a Close that is first would shut down in its own time
		began := time.Now()
		f.close()
		f.lasted(began, 0)
		<-fl.freed
	})
}
