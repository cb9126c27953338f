package environment_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/mem"
)

// That Close leaves nothing behind is checked by every test: the fixture
// closes, and a bubble fails when a goroutine is left in it.

func TestClose_New_Closes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, echo)
		f.close()
		if f.Init() {
			t.Error("Init of a closed environment succeeds")
		}
		if got := f.invoke("id-1", ""); !errors.Is(got.err, environment.ErrDead) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestClose_DuringInit_EndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, (*runtime).hang)
		initialized := make(chan bool, 1)
		began := time.Now()
		go func() { initialized <- f.Init() }()
		synctest.Wait()
		f.close()
		select {
		case ok := <-initialized:
			if ok {
				t.Error("ready")
			}
		default:
			// Init has let go of the environment; its caller is about to know.
			<-initialized
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

func TestClose_DuringSuppressedInit_IsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, exit(1), (*runtime).hang)
		f.Init()
		fl := f.start(&hearth.Invocation{RequestID: "id-1"})
		synctest.Wait()
		f.close()
		if got := fl.finish(); !errors.Is(got.err, environment.ErrDead) || errors.Is(got.err, environment.ErrInterrupted) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestClose_DuringInvoke_IsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, during((*runtime).hang)).ready()
		fl := f.start(&hearth.Invocation{RequestID: "id-1", Tail: true})
		synctest.Wait()
		began := time.Now()
		f.close()
		if got := fl.finish(); !errors.Is(got.err, environment.ErrInterrupted) || time.Since(began) != 0 {
			t.Errorf("got %+v after %v", got, time.Since(began))
		}
	})
}

func TestClose_AfterTheAnswer_KeepsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, during(func(r *runtime) sandbox.Exit {
			r.respond("id-1", "1")
			return r.hang()
		})).ready()
		fl := f.start(&hearth.Invocation{RequestID: "id-1"})
		f.wantPayload(<-fl.ended, "1")
		f.close()
		<-fl.freed
	})
}

func TestClose_DuringReset_WaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, during(func(r *runtime) sandbox.Exit {
			r.quiet()
			<-r.ctx.Done()
			<-time.After(time.Second) // slow to die
			return sandbox.Exit{}
		})).ready()
		fl := f.start(&hearth.Invocation{RequestID: "id-1"})
		<-fl.ended // the time-out; the reset is under way
		f.close()
		select {
		case <-fl.freed:
		default:
			t.Error("Close returned before the invocation was over")
		}
	})
}

func TestClose_Frozen_Closes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, echo).ready()
		if err := f.Freeze(); err != nil {
			t.Fatal(err)
		}
		f.close()
	})
}

func TestClose_Concurrent_AllWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, during((*runtime).hang)).ready()
		fl := f.start(&hearth.Invocation{RequestID: "id-1"})
		synctest.Wait()
		errs := make(chan error, 4)
		for range cap(errs) {
			go func() {
				err := f.Close()
				if len(f.driver.Open()) != 0 {
					t.Error("returned while the sandbox was there")
				}
				errs <- err
			}()
		}
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		fl.finish()
	})
}

func TestOpen_NoSandbox_ReleasesTheLaunch(t *testing.T) {
	full := errors.New("no room")
	driver := mem.New(mem.Options{OnCreate: func(context.Context, sandbox.Spec) error { return full }})
	var released atomic.Int32
	_, err := environment.Open(t.Context(), environment.Options{
		ID: "env-1", Function: function(), Driver: driver, Recorder: &journal{},
		Launch: &environment.Launch{Runtime: counted{bootstraps, &released}},
	})
	if !errors.Is(err, full) || released.Load() != 1 {
		t.Errorf("got %v, released %d times", err, released.Load())
	}
}
