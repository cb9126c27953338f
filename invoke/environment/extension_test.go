package environment_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/sandbox"
)

func TestExtensions_Init_RuntimeStartsWhenAllHaveRegistered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		did := newTrace()
		slow := func(x *extension) sandbox.Exit {
			<-time.After(time.Second)
			did.add(x.name + " registered")
			x.register("INVOKE", "SHUTDOWN")
			<-time.After(time.Second)
			did.add(x.name + " ready")
			x.next()
			return sandbox.Exit{}
		}
		f := openExtended(t, []external{{"a", quietActors([]actor{slow})}, {"b", quietActors([]actor{slow})}}, quietly(func(r *runtime) sandbox.Exit {
			did.add("runtime")
			return echo(r)
		}))
		began := time.Now()
		f.Init()
		f.lasted(began, 2*time.Second)
		got := did.String()
		if first, _, _ := strings.Cut(got, "runtime"); strings.Count(first, "registered") != 2 || strings.Count(got, "ready") != 2 {
			t.Error(got)
		}
		f.wantJournal("initStart init", "initRuntimeDone init success", "extension a Ready", "extension b Ready", "initReport init success")
	})
}

func TestExtensions_Init_WaitsForTheRuntimeToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := openExtended(t, one(idle), quietly(func(r *runtime) sandbox.Exit {
			<-time.After(3 * time.Second)
			return echo(r)
		}))
		began := time.Now()
		f.Init()
		f.lasted(began, 3*time.Second)
		f.wantExtension("Ready", "", "SHUTDOWN", "INVOKE")
	})
}

func TestExtensions_WithoutEvents_BlockForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := openExtended(t, one(func(x *extension) sandbox.Exit {
			x.register()
			x.next()
			if x.ctx.Err() == nil {
				t.Error("the poll was answered")
			}
			return sandbox.Exit{}
		}), quietly(echo)).ready()
		f.wantUsable()
		<-time.After(time.Hour)
		f.wantUsable()
		began := time.Now()
		f.close()
		f.lasted(began, 0) // nobody asked for SHUTDOWN
	})
}

// As Go's runtime client registers for SIGTERM.
func TestExtensions_Internal_CountForInit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, func(r *runtime) sandbox.Exit {
			r.quiet()
			x := &extension{runtime: &runtime{Proc: r.Proc, ctx: r.ctx}, name: "internal"}
			x.dial()
			x.register()
			go func() {
				<-time.After(time.Second)
				x.next()
			}()
			return echo(r)
		})
		began := time.Now()
		f.Init()
		f.lasted(began, time.Second)
		f.wantJournal("initStart init", "initRuntimeDone init success", "extension internal Ready", "initReport init success")
	})
}

func TestExtensions_Invoke_EndsWhenTheyAreBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got event
		f := openExtended(t, one(func(x *extension) sandbox.Exit {
			return x.serve(func(ev event) {
				if ev.Type == "INVOKE" {
					got = ev
					<-time.After(time.Second)
				}
			}, "INVOKE", "SHUTDOWN")
		}), quietly(echo)).ready()
		began := time.Now()
		fl := f.start(&hearth.Invocation{RequestID: "id-1", Payload: []byte("1")})
		f.wantPayload(<-fl.ended, "1")
		f.lasted(began, 0)
		synctest.Wait() // the runtime is back
		if f.State() != environment.Busy {
			t.Errorf("state %s", f.State())
		}
		f.wantJournal("start id-1", "runtimeDone id-1 success")
		<-fl.freed
		f.lasted(began, time.Second)
		f.wantJournal("report id-1 success")
		if want := began.Add(3 * time.Second).UnixMilli(); got.RequestID != "id-1" || got.DeadlineMs != want {
			t.Errorf("got %+v, want deadline %d", got, want)
		}
		report := f.journal.report()
		if want := []hearth.Span{{Name: "extensionOverhead", Start: began, Duration: time.Second}}; !cmp.Equal(report.Spans, want) || report.Duration != time.Second {
			t.Errorf("reported %v, %+v", report.Duration, report.Spans)
		}
	})
}

func TestExtensions_Tail_WaitsForThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := openExtended(t, one(func(x *extension) sandbox.Exit {
			return x.serve(func(event) { <-time.After(time.Second) }, "INVOKE")
		}), quietly(echo)).ready()
		began := time.Now()
		fl := f.start(&hearth.Invocation{RequestID: "id-1", Tail: true})
		if got := string((<-fl.ended).LogTail); got != "start id-1\nruntimeDone id-1 success\nreport id-1 success" {
			t.Errorf("tail %q", got)
		}
		f.lasted(began, time.Second)
		<-fl.freed
	})
}

func TestExtensions_NotForInvoke_AreNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := openExtended(t, one(func(x *extension) sandbox.Exit {
			return x.serve(func(ev event) {
				if ev.Type != "SHUTDOWN" {
					t.Errorf("got %+v", ev)
				}
			}, "SHUTDOWN")
		}), quietly(echo)).ready()
		f.wantUsable()
		if spans := f.journal.report().Spans; spans != nil {
			t.Errorf("spans %+v", spans)
		}
	})
}

func TestExtensions_SlowerThanTheTimeout_AreReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reason string
		f := openExtended(t, one(func(x *extension) sandbox.Exit {
			x.register("INVOKE", "SHUTDOWN")
			x.next()
			<-time.After(3500 * time.Millisecond)
			ev, _ := x.next()
			reason = ev.Reason
			return sandbox.Exit{}
		}, idle), quietly(echo)).ready()
		began := time.Now()
		fl := f.start(&hearth.Invocation{RequestID: "id-1", Payload: []byte("1")})
		f.wantPayload(<-fl.ended, "1")
		<-fl.freed
		f.lasted(began, 3500*time.Millisecond)
		if reason != "timeout" {
			t.Errorf("told of %q", reason)
		}
		f.wantJournal("start id-1", "runtimeDone id-1 success", "report id-1 timeout Sandbox.Timedout")
		f.wantUsable()
	})
}

func TestExtensions_EndBeforeRegistering_InitFails(t *testing.T) {
	all := endings()
	for _, name := range []string{"exit 0", "exit 17", "SIGKILL"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				end := all[name]
				f := openExtended(t, one(end.act, end.act, idle), quietly(echo))
				if f.Init() || f.State() != environment.Broken {
					t.Errorf("state %s", f.State())
				}
				f.wantExtension("Started", "")
				f.wantJournal("initStart init", "extension probe.sh Started", "initReport init error Extension.Crash")
				f.wantFailure(f.invoke("id-1", "1"), "Extension.Crash", failure("Extension.Crash", "id-1", end.message))
				f.wantJournal("initStart invoke", "extension probe.sh Started", "initReport invoke error Extension.Crash",
					"start id-1", "runtimeDone id-1 error Extension.Crash", "fault id-1 error Extension.Crash", "report id-1 error Extension.Crash")
				f.wantUsable()
			})
		})
	}
}

func TestExtensions_EndBeforeTheirFirstPoll_InitFails(t *testing.T) {
	for name, end := range endings() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				failing := func(x *extension) sandbox.Exit {
					x.register("INVOKE")
					return end.act(x)
				}
				f := openExtended(t, one(failing, failing, idle), quietly(func(r *runtime) sandbox.Exit {
					<-time.After(time.Second) // so that only the extension's end is seen
					return echo(r)
				}))
				if f.Init() || f.State() != environment.Broken {
					t.Errorf("state %s", f.State())
				}
				state := map[string]string{"Extension.InitError": "InitError", "Extension.ExitError": "ExitError"}[end.errorType]
				if state == "" {
					f.wantExtension("Registered", "", "INVOKE")
				} else {
					f.wantExtension(state, "Extension.Broken", "INVOKE")
				}
				f.wantFailure(f.invoke("id-1", "1"), end.errorType, failure(end.errorType, "id-1", end.message))
				f.wantUsable()
			})
		})
	}
}

func TestExtensions_SilentInInit_TimesOut(t *testing.T) {
	for name, silent := range map[string]actor{
		"before registering": (*extension).hang,
		"before polling": func(x *extension) sandbox.Exit {
			x.register("INVOKE")
			return x.hang()
		},
		"after init/error": func(x *extension) sandbox.Exit {
			x.register("INVOKE")
			x.report("init/error")
			return x.hang()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := openExtended(t, one(silent, silent, idle), quietly(echo))
				began := time.Now()
				if f.Init() {
					t.Error("ready")
				}
				f.lasted(began, environment.InitTimeout)
				began = time.Now()
				f.wantFailure(f.invoke("id-1", "1"), "Sandbox.Timedout", failure("Sandbox.Timedout", "id-1", "Task timed out after 3.00 seconds"))
				f.lasted(began, 3*time.Second)
				f.wantUsable()
			})
		})
	}
}

func TestExtensions_EndBeforeTheAnswer_ResultSaysHow(t *testing.T) {
	for name, end := range endings() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := openExtended(t, one(once(end.act, "INVOKE"), idle), quietly(during((*runtime).hang)), quietly(echo)).ready()
				f.wantFailure(f.invoke("id-1", "1"), end.errorType, failure(end.errorType, "id-1", end.message))
				f.wantJournal("start id-1", "runtimeDone id-1 error "+end.errorType, "fault id-1 error "+end.errorType, "report id-1 error "+end.errorType)
				f.wantUsable()
				f.wantExtension("Ready", "", "SHUTDOWN", "INVOKE")
			})
		})
	}
}

func TestExtensions_EndAfterTheAnswer_KeepIt(t *testing.T) {
	for name, end := range endings() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				late := func(x *extension) sandbox.Exit {
					<-time.After(time.Second)
					return end.act(x)
				}
				f := openExtended(t, one(once(late, "INVOKE"), idle), quietly(echo)).ready()
				fl := f.start(&hearth.Invocation{RequestID: "id-1", Payload: []byte("1")})
				f.wantPayload(fl.finish(), "1")
				synctest.Wait()
				// One that has said that it fails is not waited for; its exit
				// may be a moment late for the REPORT.
				got := f.journal.take()
				if want := []string{"start id-1", "runtimeDone id-1 success", "fault id-1 error " + end.errorType, "report id-1 error " + end.errorType}; !slices.Equal(got, want) &&
					!(end.errorType != "Extension.Crash" && slices.Equal(got, []string{"start id-1", "runtimeDone id-1 success", "report id-1 success"})) {
					t.Errorf("journal %q, want %q", got, want)
				}
				if f.State() != environment.Broken {
					t.Errorf("state %s", f.State())
				}
				f.wantUsable()
				if report := f.journal.report(); report.InitDuration != 0 {
					t.Errorf("init %v is reported apart", report.InitDuration)
				}
			})
		})
	}
}

func TestExtensions_EndWhileIdle_NextInvokeStartsAll(t *testing.T) {
	for name, end := range endings() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := openExtended(t, one(func(x *extension) sandbox.Exit {
					x.register("INVOKE")
					polling := &extension{runtime: &runtime{Proc: x.Proc, ctx: x.ctx}, name: x.name, id: x.id}
					polling.dial()
					go polling.next() // ends with the process
					<-time.After(time.Second)
					return end.act(x)
				}, idle), quietly(echo)).ready()
				<-time.After(2 * time.Second)
				if f.State() != environment.Broken {
					t.Errorf("state %s", f.State())
				}
				f.wantUsable()
				if n := f.starts.Load(); n != 2 {
					t.Errorf("the runtime was started %d times", n)
				}
			})
		})
	}
}

// Only its exit is fatal, which never comes here.
func TestExtensions_InitErrorDuringInvoke_GoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reported, polled int
		f := openExtended(t, one(once(func(x *extension) sandbox.Exit {
			reported = x.report("init/error")
			res, _ := x.call("GET", "event/next", "")
			polled = res.StatusCode
			return x.hang()
		}, "INVOKE")), quietly(echo)).ready()
		f.wantPayload(f.invoke("id-1", "1"), "1")
		f.wantUsable()
		synctest.Wait()
		if reported != http.StatusAccepted || polled != http.StatusForbidden {
			t.Errorf("statuses %d, %d", reported, polled)
		}
	})
}

func TestExtensions_CannotBeExecuted_IsALaunchError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opt := t.TempDir()
		writeProgram(t, opt+"/extensions/probe.sh")
		f := openWith(t, func(o *environment.Options) { o.Launch.Spec.Opt = opt }, echo)
		if f.Init() {
			t.Error("ready")
		}
		f.wantExtension("LaunchError", "UnknownError")
		f.wantFailure(f.invoke("id-1", "1"), "Extension.LaunchError",
			failure("Extension.LaunchError", "id-1", "fork/exec /opt/extensions/probe.sh: no such file or directory"))
	})
}

func TestExtensions_Eleven_IsALaunchError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []external
		for i := range 11 {
			all = append(all, external{fmt.Sprintf("x%02d", i), quietActors([]actor{idle})})
		}
		f := openExtended(t, all, quietly(echo))
		if f.Init() {
			t.Error("ready")
		}
		states := map[string]string{}
		for _, ev := range f.journal.of(hearth.EventExtension) {
			states[ev.Name] = ev.State + ev.ErrorType
		}
		if states["x10"] != "LaunchErrorTooManyExtensions" || len(states) != 11 {
			t.Errorf("states %v", states)
		}
		f.wantFailure(f.invoke("id-1", "1"), "Extension.LaunchError", failure("Extension.LaunchError", "id-1", "ErrTooManyExtensions"))
	})
}

func TestExtensions_NotExecutable_AreTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opt := t.TempDir()
		writeProgram(t, opt+"/extensions/probe.sh")
		if err := os.Chmod(opt+"/extensions/probe.sh", 0o644); err != nil {
			t.Fatal(err)
		}
		f := openWith(t, func(o *environment.Options) { o.Launch.Spec.Opt = opt }, echo)
		if f.Init() {
			t.Error("ready")
		}
		f.wantExtension("LaunchError", "UnknownError") // the driver has no such program
	})
}

func TestExtensions_Directories_AreNotStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opt := t.TempDir()
		writeProgram(t, opt+"/extensions/lib/helper")
		f := openWith(t, func(o *environment.Options) { o.Launch.Spec.Opt = opt }, echo)
		f.Init()
		f.wantJournal("initStart init", "initRuntimeDone init success", "initReport init success")
	})
}

func TestExtensions_Output_IsTheirs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := openExtended(t, []external{{"probe.sh", []actor{func(x *extension) sandbox.Exit {
			fmt.Fprintln(x.Stdout, "starting")
			return x.serve(func(ev event) { fmt.Fprintln(x.Stderr, "saw "+ev.RequestID) }, "INVOKE")
		}}}}, echo)
		f.Init()
		f.wantJournal("initStart init", "x> starting", "initRuntimeDone init success", "extension probe.sh Ready", "initReport init success")
		f.wantPayload(f.invoke("id-1", "1"), "1")
		got := f.journal.take()
		if last := len(got) - 1; !slices.Contains(got[:last], "x> saw id-1") || got[last] != "report id-1 success" {
			t.Errorf("journal %q", got)
		}
	})
}

func TestExtensions_Variables_LackTheRuntimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var theirs, runtimes map[string]string
		f := openExtended(t, one(func(x *extension) sandbox.Exit {
			theirs = variables(x.Env)
			return idle(x)
		}), quietly(func(r *runtime) sandbox.Exit {
			runtimes = variables(r.Env)
			return echo(r)
		})).ready()
		var missing []string
		for _, name := range slices.Sorted(maps.Keys(runtimes)) {
			if theirs[name] == "" && runtimes[name] != "" {
				missing = append(missing, name)
			}
		}
		want := []string{
			"AWS_LAMBDA_LOG_GROUP_NAME", "AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS", "LAMBDA_RUNTIME_DIR",
			"LAMBDA_TASK_ROOT", "_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT", "_HANDLER",
		}
		if diff := cmp.Diff(want, missing); diff != "" || theirs["AWS_LAMBDA_FUNCTION_NAME"] != "f" {
			f.Errorf("missing (-want +got):\n%s", diff)
		}
	})
}

func variables(list []string) map[string]string {
	all := map[string]string{}
	for _, kv := range list {
		name, value, _ := strings.Cut(kv, "=")
		all[name] = value
	}
	return all
}

func TestRuntime_EndsBesideAnExtension_ResultSaysHow(t *testing.T) {
	for name, test := range map[string]struct {
		end program
		how string
	}{
		"exit 0": {exit(0), "Runtime exited without providing a reason"},
		"exit 3": {exit(3), "Runtime exited with error: exit status 3"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reason := make(chan string, 8)
				f := openExtended(t, one(func(x *extension) sandbox.Exit {
					return x.serve(func(ev event) {
						if ev.Type == "SHUTDOWN" {
							reason <- ev.Reason
						}
					}, "INVOKE", "SHUTDOWN")
				}), quietly(during(test.end)), quietly(echo)).ready()
				f.wantFailure(f.invoke("id-1", "1"), "Runtime.ExitError", exitError("id-1", test.how))
				if got := <-reason; got != "failure" {
					t.Errorf("told of %q", got)
				}
				f.wantUsable()
			})
		})
	}
}
