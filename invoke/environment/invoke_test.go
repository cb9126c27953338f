package environment_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/sandbox"
)

func TestInvoke_Answer_IsTheResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, func(r *runtime) sandbox.Exit {
			return r.serve(func(id, payload string) {
				fmt.Fprintln(r.Stdout, "working")
				r.respond(id, payload)
			})
		}).ready()
		got := f.invoke("id-1", `{"n":1}`)
		f.wantPayload(got, `{"n":1}`)
		if got.ExecutedVersion != hearth.Latest {
			t.Errorf("version %q", got.ExecutedVersion)
		}
		f.wantJournal("start id-1", "> working", "runtimeDone id-1 success", "report id-1 success")
		if got := f.journal.report(); got.MemorySize != 128 {
			t.Errorf("memory size %d", got.MemorySize)
		}
		f.wantUsable()
		if n := f.starts.Load(); n != 1 {
			t.Errorf("the runtime was started %d times", n)
		}
	})
}

func TestInvoke_HandlerError_IsUnhandledWordForWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, func(r *runtime) sandbox.Exit {
			return r.serve(func(id, _ string) { r.post("invocation/"+id+"/error", `{"errorType":"E" }`) })
		}).ready()
		f.wantFailure(f.invoke("id-1", "1"), "", `{"errorType":"E" }`)
		f.wantJournal("start id-1", "runtimeDone id-1 success", "report id-1 success")
	})
}

func TestInvoke_Tail_IsOfThisInvocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, func(r *runtime) sandbox.Exit {
			fmt.Fprintln(r.Stderr, "loading")
			return r.serve(func(id, _ string) {
				fmt.Fprintln(r.Stdout, "in "+id)
				r.respond(id, "")
			})
		})
		f.Init()
		inv := &hearth.Invocation{RequestID: "id-1", Tail: true}
		if got, want := string(f.start(inv).finish().LogTail), strings.Join([]string{
			"initStart init", "> loading", "initRuntimeDone init success", "initReport init success",
			"start id-1", "> in id-1", "runtimeDone id-1 success", "report id-1 success",
		}, "\n"); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		if got := f.invoke("id-2", ""); got.LogTail != nil {
			t.Errorf("a tail that nobody asked for: %q", got.LogTail)
		}
		inv = &hearth.Invocation{RequestID: "id-3", Tail: true}
		if got, want := string(f.start(inv).finish().LogTail), "start id-3\n> in id-3\nruntimeDone id-3 success\nreport id-3 success"; got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

func TestInvoke_RuntimeTakesItsTime_CallerHasItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, func(r *runtime) sandbox.Exit {
			r.quiet()
			return r.serve(func(id, payload string) {
				r.respond(id, payload)
				<-time.After(time.Second)
			})
		}).ready()
		began := time.Now()
		fl := f.start(&hearth.Invocation{RequestID: "id-1", Payload: []byte("1")})
		f.wantPayload(<-fl.ended, "1")
		if f.State() != environment.Busy || time.Since(began) != 0 {
			t.Errorf("%s after %v", f.State(), time.Since(began))
		}
		<-fl.freed
		if f.State() != environment.Idle || time.Since(began) != time.Second {
			t.Errorf("%s after %v", f.State(), time.Since(began))
		}
		if got := f.journal.report(); got.Duration != time.Second {
			t.Errorf("reported %v", got.Duration)
		}
	})
}

func TestInvoke_Busy_IsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, during((*runtime).hang), echo).ready()
		fl := f.start(&hearth.Invocation{RequestID: "id-1"})
		synctest.Wait()
		_, err := f.Invoke(&hearth.Invocation{RequestID: "id-2"}, func() { t.Error("freed by one that did not have it") })
		if !errors.Is(err, environment.ErrBusy) {
			t.Errorf("got %v", err)
		}
		fl.finish()
	})
}

func TestInvoke_NotInitialized_IsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, echo)
		if _, err := f.Invoke(&hearth.Invocation{}, func() { t.Error("freed") }); !errors.Is(err, environment.ErrBusy) {
			t.Errorf("got %v", err)
		}
	})
}

func TestInvoke_Hangs_TimesOutAndIsReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, during((*runtime).hang), echo).ready()
		box := f.driver.Open()[0]
		began := time.Now()
		got := f.invoke("id-1", "1")
		f.wantFailure(got, "Sandbox.Timedout", failure("Sandbox.Timedout", "id-1", "Task timed out after 3.00 seconds"))
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("took %v", took)
		}
		f.wantJournal("start id-1", "runtimeDone id-1 timeout Sandbox.Timedout", "report id-1 timeout Sandbox.Timedout")
		report := f.journal.report()
		if want := time.Now().UTC().Format("2006-01-02T15:04:05.000Z") + " id-1 Task timed out after 3.00 seconds"; report.Note != want || report.Duration != 3*time.Second {
			t.Errorf("reported %q, %v; want %q", report.Note, report.Duration, want)
		}
		if f.State() != environment.Broken {
			t.Errorf("state %s", f.State())
		}
		f.wantUsable()
		if open := f.driver.Open(); len(open) != 1 || open[0] != box {
			t.Error("the reset did not keep the sandbox, which has /tmp")
		}
	})
}

// The time-out cuts the connection of an upload; the caller hears of the
// time-out, not of the cut.
func TestInvoke_HangsInUpload_TimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, during(func(r *runtime) sandbox.Exit {
			fmt.Fprint(r.conn, "POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
			return r.hang()
		}), echo).ready()
		f.wantFailure(f.invoke("id-1", "1"), "Sandbox.Timedout", failure("Sandbox.Timedout", "id-1", "Task timed out after 3.00 seconds"))
		f.wantUsable()
	})
}

func TestInvoke_ProcessEnds_ResultSaysHow(t *testing.T) {
	for name, test := range map[string]struct {
		end program
		how string
	}{
		"exit 0":  {exit(0), "Runtime exited without providing a reason"},
		"exit 3":  {exit(3), "Runtime exited with error: exit status 3"},
		"SIGKILL": {die(syscall.SIGKILL), "Runtime exited with error: signal: killed"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := open(t, during(test.end), echo).ready()
				f.wantFailure(f.invoke("id-1", "1"), "Runtime.ExitError", exitError("id-1", test.how))
				f.wantJournal("start id-1", "runtimeDone id-1 error Runtime.ExitError", "fault id-1 error Runtime.ExitError", "report id-1 error Runtime.ExitError")
				f.wantUsable()
			})
		})
	}
}

func TestInvoke_AnswersThenEnds_KeepsTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, func(r *runtime) sandbox.Exit {
			id, payload, _ := r.next()
			r.respond(id, payload)
			return sandbox.Exit{Code: 1}
		}, echo).ready()
		f.wantPayload(f.invoke("id-1", "1"), "1")
		f.wantJournal("start id-1", "runtimeDone id-1 error Runtime.ExitError", "fault id-1 error Runtime.ExitError", "report id-1 error Runtime.ExitError")
		f.wantUsable()
	})
}

func TestInvoke_AnswersThenNeverPolls_IsResetAtTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, func(r *runtime) sandbox.Exit {
			id, payload, _ := r.next()
			r.respond(id, payload)
			return r.hang()
		}, echo).ready()
		began := time.Now()
		fl := f.start(&hearth.Invocation{RequestID: "id-1", Payload: []byte("1")})
		f.wantPayload(<-fl.ended, "1")
		if took := time.Since(began); took != 0 {
			t.Errorf("answered after %v", took)
		}
		<-fl.freed
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("freed after %v", took)
		}
		f.wantJournal("start id-1", "runtimeDone id-1 timeout Sandbox.Timedout", "report id-1 timeout Sandbox.Timedout")
		f.wantUsable()
	})
}

func TestInvoke_AnswerTooLarge_LeavesTheRuntime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large := strings.Repeat("x", hearth.MaxPayload+1)
		f := open(t, func(r *runtime) sandbox.Exit {
			return r.serve(func(id, payload string) {
				if id == "id-1" {
					payload = large
				}
				if status := r.respond(id, payload); id == "id-1" && status != http.StatusRequestEntityTooLarge {
					t.Errorf("status %d", status)
				}
			})
		}).ready()
		f.wantFailure(f.invoke("id-1", "1"), "Function.ResponseSizeTooLarge",
			`{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`)
		f.wantJournal("start id-1", "runtimeDone id-1 error Function.ResponseSizeTooLarge", "report id-1 error Function.ResponseSizeTooLarge")
		f.wantUsable()
		if n := f.starts.Load(); n != 1 {
			t.Errorf("the runtime was started %d times", n)
		}
	})
}

func TestInvoke_HalfAnAnswer_IsTruncatedAndReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, during(func(r *runtime) sandbox.Exit {
			fmt.Fprint(r.conn, "POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
			r.conn.Close()
			return r.hang()
		}), echo).ready()
		f.wantFailure(f.invoke("id-1", "1"), "Runtime.TruncatedResponse",
			failure("Runtime.TruncatedResponse", "id-1", "HTTP request detected as truncated"))
		f.wantJournal("start id-1", "runtimeDone id-1 error Runtime.TruncatedResponse", "report id-1 error Runtime.TruncatedResponse")
		f.wantUsable()
		if n := f.starts.Load(); n != 2 {
			t.Errorf("the runtime was started %d times", n)
		}
	})
}

// A runtime that cuts its answer and goes on at once is reset all the same,
// whoever notices first.
func TestInvoke_HalfAnAnswerThenNext_IsTruncated(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			f := open(t, during(func(r *runtime) sandbox.Exit {
				fmt.Fprint(r.conn, "POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
				r.conn.Close()
				for r.dial() {
					if _, _, ok := r.next(); !ok { // forbidden until the cut was noticed
						r.conn.Close()
					}
				}
				return sandbox.Exit{}
			}), echo).ready()
			f.wantFailure(f.invoke("id-1", "1"), "Runtime.TruncatedResponse",
				failure("Runtime.TruncatedResponse", "id-1", "HTTP request detected as truncated"))
			f.wantUsable()
		})
	}
}

func TestInvoke_AnswersTwiceAndForOthers_FirstCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, func(r *runtime) sandbox.Exit {
			return r.serve(func(id, payload string) {
				for i, call := range []struct {
					id     string
					status int
				}{{"other", http.StatusBadRequest}, {id, http.StatusAccepted}, {id, http.StatusForbidden}} {
					if got := r.respond(call.id, payload[i:]); got != call.status {
						t.Errorf("answer %d: status %d", i, got)
					}
				}
			})
		}).ready()
		f.wantPayload(f.invoke("id-1", "123"), "23")
		f.wantPayload(f.invoke("id-2", "456"), "56")
	})
}
