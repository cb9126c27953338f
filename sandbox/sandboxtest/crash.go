package sandboxtest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"github.com/hearthd/hearth/sandbox/sandboxtest/probe"
)

// crashEnv names the state directory to a copy of the test that is meant to
// be killed.
const crashEnv = "SANDBOXTEST_CRASH_STATE"

// crashMark precedes the sandbox ID in that copy's output.
const crashMark = "sandboxtest-ready "

func crashStateDir() (string, bool) { return os.LookupEnv(crashEnv) }

// crashCases are about a daemon that is killed.
func crashCases() []testCase {
	return []testCase{
		{name: "Driver_PredecessorKilled_RemovesWhatItLeft", real: true, linux: true, run: crash},
	}
}

// crash runs itself in another process, kills that one with SIGKILL while a
// tree of processes runs in its sandbox, and makes a driver on the same state
// directory.
func crash(b *bench) {
	if _, ok := crashStateDir(); ok {
		x := b.box(b.spec())
		x.start("tree").ready(probe.TreeSize)
		fmt.Printf("%s%s\n", crashMark, x.ID())
		<-b.bounded().Done() // killed long before
		return
	}
	if err := b.driver.Close(); err != nil { // the state directory is the other's now
		b.Fatal(err)
	}
	id := b.predecessor()
	b.openDriver()
	b.eventually("the predecessor's processes are gone", func() bool { return len(processesOf(id)) == 0 })
	b.noTraces(id)
	b.box(b.spec()).usable()
}

// predecessor runs this case in a process of its own until it has a sandbox,
// kills it, and returns the sandbox's ID.
func (b *bench) predecessor() string {
	b.Helper()
	var pattern []string
	for part := range strings.SplitSeq(b.Name(), "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(part)+"$")
	}
	cmd := exec.Command(os.Args[0], "-test.run="+strings.Join(pattern, "/"), "-test.v")
	// What it makes goes with this test's own: it does not live to remove it.
	cmd.Env = append(os.Environ(), crashEnv+"="+b.stateDir, "TMPDIR="+b.TempDir())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	id := ""
	var seen strings.Builder
	for lines := bufio.NewScanner(out); id == "" && lines.Scan(); {
		fmt.Fprintln(&seen, lines.Text())
		if _, rest, ok := strings.Cut(lines.Text(), crashMark); ok {
			id = strings.TrimSpace(rest)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		b.Error(err)
	}
	_ = cmd.Wait() // it was killed
	if id == "" {
		b.Fatalf("the predecessor never had a sandbox:\n%s", &seen)
	}
	return id
}
