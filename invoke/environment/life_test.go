package environment_test

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/sandbox"
)

func TestInvoke_PollLost_NextPollGetsTheEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, func(r *runtime) sandbox.Exit {
			fmt.Fprint(r.conn, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
			r.quiet()
			<-time.After(time.Second)
			r.conn.Close()
			r.dial()
			<-time.After(time.Second)
			return echo(r)
		})
		f.ready()
		<-time.After(1500 * time.Millisecond)
		f.wantUsable()
	})
}

// The environment that gets it next has it in its log.
func TestInvoke_RuntimeEndsBeforeDelivery_IsNotDeliveredOrLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, func(r *runtime) sandbox.Exit {
			fmt.Fprint(r.conn, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
			r.quiet()
			<-time.After(time.Second)
			r.conn.Close()
			<-time.After(time.Second)
			return sandbox.Exit{Code: 1}
		}, echo)
		f.ready()
		<-time.After(1500 * time.Millisecond)
		if got := f.invoke("id-1", "1"); !errors.Is(got.err, environment.ErrNotDelivered) {
			t.Errorf("got %+v", got)
		}
		f.wantJournal()
		f.wantUsable()
	})
}

// A time-out is the caller's answer, whether the runtime had the event or not.
func TestInvoke_NobodyPolls_TimesOutWithALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, func(r *runtime) sandbox.Exit {
			fmt.Fprint(r.conn, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
			r.quiet()
			<-time.After(time.Second)
			r.conn.Close()
			<-r.ctx.Done()
			return sandbox.Exit{}
		}, echo)
		f.ready()
		<-time.After(1500 * time.Millisecond)
		f.wantFailure(f.invoke("id-1", "1"), "Sandbox.Timedout", failure("Sandbox.Timedout", "id-1", "Task timed out after 3.00 seconds"))
		f.wantJournal("start id-1", "runtimeDone id-1 timeout Sandbox.Timedout", "report id-1 timeout Sandbox.Timedout")
	})
}

func TestIdle_RuntimeEnds_NextInvokeStartsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		f := open(t, func(r *runtime) sandbox.Exit {
			go r.next() // ends with the connection
			<-end
			return sandbox.Exit{Code: 1}
		}, echo).ready()
		close(end)
		f.until("broken", func() bool { return f.State() == environment.Broken })
		f.wantUsable()
		f.wantJournal("initStart invoke", "initRuntimeDone invoke success", "initReport invoke success",
			"start again", "runtimeDone again success", "report again success")
	})
}

func TestInvoke_SandboxLost_IsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, func(r *runtime) sandbox.Exit {
			r.next()
			return r.hang()
		}).ready()
		fl := f.start(&hearth.Invocation{RequestID: "id-1"})
		synctest.Wait()
		if err := f.driver.Open()[0].Crash(); err != nil {
			t.Fatal(err)
		}
		// Its processes are seen to die first, or the sandbox.
		if got := fl.finish(); !errors.Is(got.err, environment.ErrInterrupted) && got.ErrorType != "Runtime.ExitError" {
			t.Errorf("got %+v", got)
		}
		synctest.Wait()
		if got := f.invoke("id-2", ""); !errors.Is(got.err, environment.ErrDead) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestIdle_SandboxLost_IsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, echo).ready()
		if err := f.driver.Open()[0].Crash(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if f.State() != environment.Dead {
			t.Errorf("state %s", f.State())
		}
		if got := f.invoke("id-1", ""); !errors.Is(got.err, environment.ErrDead) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestFreeze_Idle_IsThawedByInvoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, echo).ready()
		box := f.driver.Open()[0]
		for range 2 {
			if err := f.Freeze(); err != nil || !box.Frozen() {
				t.Errorf("not frozen: %v", err)
			}
		}
		f.wantUsable()
		if box.Frozen() {
			t.Error("still frozen")
		}
	})
}

func TestFreeze_Broken_DoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, exit(1), echo)
		f.Init()
		if err := f.Freeze(); err != nil || f.driver.Open()[0].Frozen() {
			t.Errorf("frozen, %v", err)
		}
		f.wantUsable()
	})
}

func TestReset_ProcessCannotBeKilled_IsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, during(func(r *runtime) sandbox.Exit {
			r.quiet()
			<-r.ctx.Done()
			<-time.After(12 * time.Second) // stuck in the kernel
			return sandbox.Exit{}
		})).ready()
		fl := f.start(&hearth.Invocation{RequestID: "id-1"})
		began := time.Now()
		if got := <-fl.ended; got.ErrorType != "Sandbox.Timedout" || time.Since(began) != 3*time.Second {
			t.Errorf("%s after %v", got.ErrorType, time.Since(began))
		}
		<-fl.freed
		if took := time.Since(began); f.State() != environment.Dead || took != 15*time.Second {
			t.Errorf("%s after %v", f.State(), took)
		}
	})
}

// A driver that isolates nothing cannot hold a process that means to escape.
// The environment goes on without it, although it keeps the output open.
func TestReset_EscapeeHoldsTheOutput_GoesOn(t *testing.T) {
	held := make(chan int, 1)
	f := open(t, during(func(r *runtime) sandbox.Exit {
		fd, err := syscall.Dup(int(r.Stdout.(*os.File).Fd()))
		if err != nil {
			t.Error(err)
		}
		held <- fd
		fmt.Fprint(r.Stdout, "unfinished")
		return sandbox.Exit{Code: 1}
	}), echo).ready()
	f.wantFailure(f.invoke("id-1", "1"), "Runtime.ExitError", exitError("id-1", "Runtime exited with error: exit status 1"))
	f.wantJournal("start id-1", "> unfinished", "runtimeDone id-1 error Runtime.ExitError", "fault id-1 error Runtime.ExitError", "report id-1 error Runtime.ExitError")
	f.wantUsable()
	if err := syscall.Close(<-held); err != nil {
		t.Error(err)
	}
}
