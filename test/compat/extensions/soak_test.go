package extensions_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/sandbox"
)

var soak = flag.Duration("soak", 3*time.Second, "how long processes are killed at random")

// slack is for the files of other tests; a leak is one or more for each reset.
const slack = 16

// Runtimes and extensions end at random, by themselves and by SIGKILL. Every
// invocation has its own answer or says what ended, no dead environment is
// handed out, and nothing is left in the end.
func TestSoak_RandomDeaths(t *testing.T) {
	t.Parallel()
	inEachSandbox(t, func(t *testing.T, driver sandbox.Driver) {
		x := openExtended(t, driver, bothEvents, "a", "b")
		files := openFiles(t)
		killed := make(chan int, 1)
		stop := make(chan struct{})
		go func() { killed <- killAtRandom(x.opt, x.task, stop) }()
		counts := map[string]int{}
		for n, deadline := 0, time.Now().Add(*soak); time.Now().Before(deadline); n++ {
			counts[x.soakOnce(n)]++
		}
		close(stop)
		t.Logf("%v; killed %d processes from outside", counts, <-killed)
		if counts["answered"] == 0 || counts["Runtime.ExitError"]+counts["Extension.Crash"] == 0 {
			t.Errorf("too little happened: %v", counts)
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
		if left := processesOf(x.opt, x.task); len(left) > 0 {
			t.Errorf("processes are left: %v", left)
		}
		// Other tests open and close theirs beside this one.
		for deadline := time.Now().Add(30 * time.Second); openFiles(t) > files+slack; {
			if time.Now().After(deadline) {
				t.Errorf("%d files were open, and %d are", files, openFiles(t))
				break
			}
		}
	})
}

// soakOnce runs one invocation and says how it ended.
func (x *extended) soakOnce(n int) string {
	x.t.Helper()
	id, payload := fmt.Sprintf("id-%d", n), fmt.Sprintf(`"p-%d"`, n)
	switch n % 6 {
	case 1:
		id = "crash-early-" + id
	case 3:
		id = "crash-late-" + id
	case 5:
		payload = `"runtime-exit"`
	}
	freed := make(chan struct{})
	res, err := x.Begin(&hearth.Invocation{RequestID: id, Payload: []byte(payload)}, func() { close(freed) })()
	select {
	case <-freed:
	case <-time.After(time.Minute):
		x.t.Fatalf("%s: never free", id)
	}
	if s := x.State(); s != environment.Idle && s != environment.Broken {
		x.t.Fatalf("%s: %s afterwards", id, s)
	}
	switch {
	case errors.Is(err, environment.ErrNotDelivered):
		return "not delivered"
	case err != nil:
		x.t.Fatalf("%s: %v", id, err)
	case res.FunctionError == "":
		if want := "[" + payload + ",0]"; string(res.Payload) != want {
			x.t.Errorf("%s: answered %s, want %s", id, res.Payload, want)
		}
		return "answered"
	case !bytes.Contains(res.Payload, []byte("RequestId: "+id+" ")):
		x.t.Errorf("%s: answered %s", id, res.Payload)
	}
	return res.ErrorType
}

// killAtRandom kills processes that execute a file below one of the
// directories. Only a sandbox without files of its own shows them by these
// names.
func killAtRandom(opt, task string, stop <-chan struct{}) (killed int) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return killed
		case <-tick.C:
		}
		if pids := processesOf(opt, task); len(pids) > 0 && syscall.Kill(pids[rand.IntN(len(pids))], syscall.SIGKILL) == nil {
			killed++
		}
	}
}

// processesOf lists the processes whose command line names a directory.
func processesOf(dirs ...string) (pids []int) {
	found, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil
	}
	for _, path := range found {
		line, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		for _, dir := range dirs {
			if err == nil && strings.Contains(string(line), dir) {
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids
}

func openFiles(t *testing.T) int {
	t.Helper()
	runtime.GC() // closes what nobody refers to
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
