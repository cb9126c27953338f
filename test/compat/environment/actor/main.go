// Command actor plays a runtime or an extension by a script, and prints what it
// was answered. It is the runtime as bootstrap, and the extension NAME as
// extensions/NAME of a layer.
//
// The variable SCRIPT has a section for each actor, "runtime" or "extension
// NAME", with one command a line. "runtime 2" is for its second start and later
// ones, which count what a file in the sandbox's /tmp says. See commands.go for
// the commands.
//
// What an actor has to tell goes to its output as lines that begin with "@@",
// its name and a JSON string; the test takes them out of the log.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

func main() {
	a := newActor()
	script := a.section(os.Getenv("SCRIPT"))
	for i := 0; i < len(script); i++ {
		if script[i] == "again" {
			i = -1
			continue
		}
		a.do(script[i])
	}
	select {} // as one that hangs
}

// An actor is a process with a script.
type actor struct {
	name  string // runtime, or the name of an extension
	start int    // how often it was started in this environment

	// What it learnt, for {id}, {ext} and {port} in commands. Commands in the
	// background read them, too.
	mu       sync.Mutex
	id, ext  string
	port     int
	received bytes.Buffer // telemetry, one event a line
}

func newActor() *actor {
	a := &actor{name: "runtime"}
	if filepath.Base(filepath.Dir(os.Args[0])) == "extensions" {
		a.name = filepath.Base(os.Args[0])
	}
	count := filepath.Join(os.TempDir(), "starts-"+a.name)
	if b, err := os.ReadFile(count); err == nil {
		a.start, _ = strconv.Atoi(string(b))
	}
	a.start++
	if err := os.WriteFile(count, []byte(strconv.Itoa(a.start)), 0o600); err != nil {
		a.tell("cannot count: %v", err)
	}
	return a
}

// section returns the commands of the section that is for this start.
func (a *actor) section(script string) []string {
	title := "extension " + a.name
	if a.name == "runtime" {
		title = a.name
	}
	var mine []string
	taken, best := false, 0
	for line := range strings.SplitSeq(script, "\n") {
		switch {
		case strings.HasPrefix(line, " "):
			if taken {
				mine = append(mine, strings.TrimLeft(line, " "))
			}
		case line != "":
			start := 1
			rest, ok := strings.CutPrefix(line, title)
			if ok && rest != "" {
				n, err := strconv.Atoi(strings.TrimSpace(rest))
				start, ok = n, err == nil && rest[0] == ' '
			}
			if taken = ok && start <= a.start && start >= best; taken {
				best, mine = start, nil
			}
		}
	}
	return slices.Clip(mine)
}

// tell prints a line of the transcript.
func (a *actor) tell(format string, args ...any) {
	text, err := json.Marshal(fmt.Sprintf(format, args...))
	if err != nil {
		text = []byte(`"?"`)
	}
	// One write, so that lines of several goroutines do not mix.
	_, _ = os.Stdout.WriteString("@@" + a.name + " " + string(text) + "\n")
}
