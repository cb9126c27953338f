// Package environment_test holds the execution environment to what AWS's is:
// cases of testdata, each a script for a runtime, its extensions and a caller,
// and the transcript that must come of it, run against the built daemon in both
// of its sandboxes. It prints "N passed, N failed".
//
// A transcript states what AWS does, by its documents and recordings of the
// service; never merely what hearth printed. `go test -update` fills in what
// differs, to be read and judged before it is kept.
//
// # Cases
//
//	=== A runtime answers
//	# Comments say which row of the contract it is, or why it is as it is.
//	set timeout 2
//	runtime
//	  next
//	  respond "a"
//	extension probe
//	  register < {"events":["INVOKE"]}
//	caller
//	  invoke {}
//	--- runtime
//	next: 200 {}
//	respond: 202 {"status":"OK"}\n
//	--- caller
//	invoke: 200 "a"
//	--- log
//	START RequestId: <id-1> Version: $LATEST
//
// The commands of actors are in actor/commands.go and actor/request.go, those of
// the caller and the settings of a function in drive_test.go. "only SANDBOX
// why" keeps a case to one sandbox.
//
// A transcript has a part for each actor, since they run beside each other, one
// for the caller and one for the function's log. Numbers that differ from run to
// run stand as N, times as <time>; <id-1> is the caller's first request id.
// Headers that are listed are all there are, but for Date and Content-Length.
//
// # What is not here
//
//   - 2.3 streams to a caller in full (frames as they come, bandwidth, 200 MB):
//     test/compat/streaming and test/bench; here are the runtime's side and the
//     end of a stream.
//   - 2.7 SnapStart and restore, and GET /2021-04-23/credentials: not built.
//   - 2.11 file system, user and limits: test/e2e/environment_test.go.
//   - 2.12 several events at a time: runtimeapi, invoke/environment and
//     test/compat/clients.
//   - 2.1, the Cognito identity: no request to hearth carries one; runtimeapi
//     has its header.
//   - 2.1, the 500 InternalServerError: nothing that a runtime sends causes it.
//   - 2.5, a runtime that ignores SIGTERM for its exact share of milliseconds:
//     invoke/environment, in synthetic time.
//   - 2.8, retries and platform.logsDropped: telemetry/subscription.
//   - 2.9, the tail at exactly 4,096 bytes: telemetry/logs; here it is only
//     that the tail is there.
package environment_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/hearthd/hearth/test/compat/daemon"
	"github.com/hearthd/hearth/test/compile"
)

var update = flag.Bool("update", false, "write what came into testdata")

var (
	daemons        = map[string]*daemon.Daemon{} // by sandbox
	program        []byte                        // the actor
	passed, failed atomic.Int32
)

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	fmt.Printf("%d passed, %d failed\n", passed.Load(), failed.Load())
	if err != nil {
		fmt.Fprintln(os.Stderr, "environment:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	// Cases wait more than they work.
	if err := flag.Set("test.parallel", "8"); err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "hearth-environment-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	actor := filepath.Join(dir, "actor")
	if err := compile.Program(context.Background(), "test/compat/environment/actor", actor); err != nil {
		return 0, err
	}
	if program, err = os.ReadFile(actor); err != nil {
		return 0, err
	}
	binary, err := daemon.Build(context.Background(), dir)
	if err != nil {
		return 0, err
	}
	for _, sandbox := range []string{"namespace", "process"} {
		d, err := daemon.Start(binary, daemon.Options{Dir: filepath.Join(dir, sandbox), Flags: []string{"--sandbox", sandbox}})
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, d.Stop()) }()
		daemons[sandbox] = d
	}
	return m.Run(), nil
}
