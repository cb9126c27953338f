package environment_test

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/sandbox"
)

func TestInit_RuntimePolls_IsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, echo)
		if !f.Init() || f.State() != environment.Idle {
			t.Errorf("state %s", f.State())
		}
		f.wantJournal("initStart init", "initRuntimeDone init success", "initReport init success")
		if f.Init() {
			t.Error("a second Init has an effect")
		}
	})
}

func TestInit_ErrorPosted_IsSuppressedAndRunAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failing := func(r *runtime) sandbox.Exit {
			fmt.Fprintln(r.Stderr, "no module")
			r.post("init/error", `{"errorType":"Runtime.ImportModuleError","requestId":""}`)
			return sandbox.Exit{Code: 1}
		}
		f := open(t, failing, failing, echo)
		if f.Init() || f.State() != environment.Broken {
			t.Errorf("state %s", f.State())
		}
		f.wantJournal("initStart init", "> no module", "initRuntimeDone init error Runtime.Unknown", "initReport init error Runtime.Unknown")
		got := f.invoke("id-1", "{}")
		f.wantFailure(got, "Runtime.Unknown", `{"errorType":"Runtime.ImportModuleError","requestId":""}`)
		f.wantJournal("initStart invoke", "> no module", "initRuntimeDone invoke error Runtime.Unknown", "initReport invoke error Runtime.Unknown",
			"start id-1", "runtimeDone id-1 error Runtime.Unknown", "report id-1 error Runtime.Unknown")
		f.wantUsable()
		f.wantJournal("initStart invoke", "initRuntimeDone invoke success", "initReport invoke success",
			"start again", "runtimeDone again success", "report again success")
	})
}

// A runtime that has said that its init failed prints why and exits.
func TestInit_ErrorPosted_HasAMomentToExit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const exiting = 100 * time.Millisecond
		byItself := false
		f := open(t, func(r *runtime) sandbox.Exit {
			r.quiet()
			r.post("init/error", `{}`)
			select {
			case <-time.After(exiting):
				byItself = true
			case <-r.ctx.Done():
			}
			return sandbox.Exit{Code: 1}
		})
		began := time.Now()
		f.Init()
		if took := time.Since(began); took != exiting || !byItself {
			t.Errorf("ended after %v, by itself: %v", took, byItself)
		}
	})
}

func TestInit_ErrorPostedWithoutExit_IsKilledSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, func(r *runtime) sandbox.Exit {
			r.post("init/error", `{}`)
			return r.hang()
		})
		began := time.Now()
		if f.Init() || time.Since(began) != environment.ExitGrace {
			t.Errorf("state %s after %v", f.State(), time.Since(began))
		}
	})
}

func TestInit_NeverPolls_EndsAfterTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, (*runtime).hang, echo)
		began := time.Now()
		if f.Init() || time.Since(began) != environment.InitTimeout {
			t.Errorf("state %s after %v", f.State(), time.Since(began))
		}
		f.wantJournal("initStart init", "initRuntimeDone init timeout Sandbox.Timedout", "initReport init timeout Sandbox.Timedout")
		f.wantUsable()
	})
}

func TestInit_NeverPollsAgain_UsesTheFunctionsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, exit(1), (*runtime).hang, echo)
		f.Init()
		began := time.Now()
		got := f.invoke("id-1", "{}")
		f.wantFailure(got, "Sandbox.Timedout", failure("Sandbox.Timedout", "id-1", "Task timed out after 3.00 seconds"))
		if took := time.Since(began); took != 3*time.Second || got.Duration != took {
			t.Errorf("took %v, reported %v", took, got.Duration)
		}
		f.wantUsable()
	})
}

// The time that a suppressed init takes is missing from its invocation's.
func TestInit_SlowAgain_LeavesTheRestOfTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, exit(1), func(r *runtime) sandbox.Exit {
			r.quiet()
			<-time.After(2 * time.Second)
			r.next()
			<-r.ctx.Done()
			return sandbox.Exit{}
		})
		f.Init()
		began := time.Now()
		got := f.invoke("id-1", "{}")
		if took := time.Since(began); got.ErrorType != "Sandbox.Timedout" || took != 3*time.Second {
			t.Errorf("%s after %v", got.ErrorType, took)
		}
	})
}

func TestInit_ProcessEnds_InvokeSaysHow(t *testing.T) {
	for name, test := range map[string]struct {
		program program
		how     string
	}{
		"exit 0": {exit(0), "Runtime exited without providing a reason"},
		"exit 7": {exit(7), "Runtime exited with error: exit status 7"},
		"signal": {die(syscall.SIGSEGV), "Runtime exited with error: signal: segmentation fault"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := open(t, test.program, test.program, echo)
				if f.Init() || f.State() != environment.Broken {
					t.Errorf("state %s", f.State())
				}
				f.wantFailure(f.invoke("id-1", "{}"), "Runtime.ExitError", exitError("id-1", test.how))
				f.wantUsable()
			})
		})
	}
}

func TestInit_HalfAnErrorPosted_IsTruncated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		half := func(r *runtime) sandbox.Exit {
			fmt.Fprint(r.conn, "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
			r.conn.Close()
			return r.hang()
		}
		f := open(t, half, half, echo)
		f.Init()
		f.wantFailure(f.invoke("id-1", "{}"), "Runtime.TruncatedResponse",
			failure("Runtime.TruncatedResponse", "id-1", "HTTP request detected as truncated"))
		f.wantUsable()
	})
}

func TestInit_NoSuchProgram_IsInvalidEntrypoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := openWith(t, func(o *environment.Options) {
			o.Launch.Runtime = started(func(sandbox.Paths) (environment.Command, error) {
				return environment.Command{Args: []string{"/var/task/none"}}, nil
			})
		}, echo)
		if f.Init() {
			t.Error("ready")
		}
		f.wantFailure(f.invoke("id-1", "{}"), "Runtime.InvalidEntrypoint",
			failure("Runtime.InvalidEntrypoint", "id-1", "fork/exec /var/task/none: no such file or directory"))
	})
}

func TestInit_NoCommand_IsInvalidEntrypointInItsWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := openWith(t, func(o *environment.Options) {
			o.Launch.Runtime = started(func(sandbox.Paths) (environment.Command, error) {
				return environment.Command{}, fmt.Errorf("no bootstrap: %w", sandbox.ErrEntrypoint)
			})
		}, echo)
		f.Init()
		f.wantFailure(f.invoke("id-1", "{}"), "Runtime.InvalidEntrypoint",
			failure("Runtime.InvalidEntrypoint", "id-1", "no bootstrap: entrypoint cannot be executed"))
	})
}

func TestInit_HostFails_IsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := openWith(t, func(o *environment.Options) {
			o.Launch.Runtime = started(func(sandbox.Paths) (environment.Command, error) {
				return environment.Command{}, fmt.Errorf("disk: %w", syscall.EIO)
			})
		}, echo)
		f.Init()
		if got := f.invoke("id-1", "{}"); got.err == nil || got.Payload != nil {
			t.Errorf("got %+v", got)
		}
	})
}

func TestInit_Cold_IsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, func(r *runtime) sandbox.Exit {
			r.quiet()
			<-time.After(200 * time.Millisecond)
			return echo(r)
		})
		f.Init()
		if got := f.invoke("id-1", "1"); got.Init != 200*time.Millisecond || f.journal.report().InitDuration != got.Init {
			t.Errorf("init took %v, reported %v", got.Init, f.journal.report().InitDuration)
		}
		if got := f.invoke("id-2", "1"); got.Init != 0 || f.journal.report().InitDuration != 0 {
			t.Errorf("warm, but %v", got.Init)
		}
	})
}

func TestVariables_Process_HasAWSsAndTheFunctions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		f := openWith(t, func(o *environment.Options) {
			o.Env = map[string]string{"AWS_ACCESS_KEY_ID": "daemon", "PLAIN": "daemon"}
			o.LogStream = "stream"
			o.Function.Logging.Format, o.Function.Logging.ApplicationLevel = hearth.LogJSON, "WARN"
			o.Function.Environment = map[string]string{
				"PLAIN": "function", "TZ": "CET", "_HANDLER": "stolen", "AWS_LAMBDA_RUNTIME_API": "stolen", "AWS_REGION": "stolen",
			}
			o.Launch.Runtime = started(func(sandbox.Paths) (environment.Command, error) {
				return environment.Command{Args: []string{bootstrap}, Env: map[string]string{"AWS_EXECUTION_ENV": "AWS_Lambda_x"}}, nil
			})
		}, func(r *runtime) sandbox.Exit {
			got = r.Env
			return echo(r)
		})
		f.ready()
		for i, v := range got {
			if token, ok := strings.CutPrefix(v, "AWS_LAMBDA_METADATA_TOKEN="); ok && len(token) > 20 {
				got[i] = "AWS_LAMBDA_METADATA_TOKEN=RANDOM"
			}
		}
		want := []string{
			"AWS_ACCESS_KEY_ID=daemon",
			"AWS_DEFAULT_REGION=us-east-1",
			"AWS_EXECUTION_ENV=AWS_Lambda_x",
			"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
			"AWS_LAMBDA_FUNCTION_NAME=f",
			"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
			"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
			"AWS_LAMBDA_LOG_FORMAT=JSON",
			"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/f",
			"AWS_LAMBDA_LOG_LEVEL=WARN",
			"AWS_LAMBDA_LOG_STREAM_NAME=stream",
			"AWS_LAMBDA_METADATA_API=169.254.100.1:9001",
			"AWS_LAMBDA_METADATA_TOKEN=RANDOM",
			"AWS_LAMBDA_RUNTIME_API=169.254.100.1:9001",
			"AWS_REGION=us-east-1",
			"AWS_XRAY_CONTEXT_MISSING=LOG_ERROR",
			"AWS_XRAY_DAEMON_ADDRESS=169.254.100.1:2000",
			"LAMBDA_RUNTIME_DIR=/var/runtime",
			"LAMBDA_TASK_ROOT=/var/task",
			"LANG=en_US.UTF-8",
			"LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
			"PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
			"PLAIN=function",
			"TZ=CET",
			"_AWS_XRAY_DAEMON_ADDRESS=169.254.100.1",
			"_AWS_XRAY_DAEMON_PORT=2000",
			"_HANDLER=app.handler",
		}
		if diff := cmp.Diff(want, slices.Sorted(slices.Values(got))); diff != "" {
			t.Errorf("environment (-want +got):\n%s", diff)
		}
	})
}
