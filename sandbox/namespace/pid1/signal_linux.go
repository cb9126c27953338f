package pid1

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox/namespace/stage2"
)

// stopTime bounds how long processes may take to stop at a SIGSTOP. A process
// in an uninterruptible sleep stops when that ends.
const stopTime = 5 * time.Second

// Stop sends SIGSTOP to all processes but pid 1, and returns when all are stopped.
func (i *Init) Stop() error {
	if err := i.signalAll(unix.SIGSTOP); err != nil {
		return err
	}
	deadline := time.Now().Add(stopTime)
	for pause := 20 * time.Microsecond; !stopped(i.process.Pid); pause = min(2*pause, 5*time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("freeze: a process did not stop in %v", stopTime)
		}
		<-time.After(pause)
	}
	return nil
}

// Continue lets them continue.
func (i *Init) Continue() error { return i.signalAll(unix.SIGCONT) }

// KillAll kills all processes but pid 1, and returns when none is left. Those
// that are stopped by a control group must not be.
func (i *Init) KillAll(ctx context.Context) error {
	// Wait for one dead child and let the resident program reap it and all
	// others, until there is none: whatever was left without a parent became a
	// child of pid 1.
	for first := true; ; first = false {
		t := stage2.NewScript()
		if first {
			t.Call("kill", unix.SYS_KILL, num(-1), num(unix.SIGKILL))
		}
		message, value := t.ReplyWords()
		t.Call("wait", unix.SYS_WAITID, num(unix.P_ALL), num(0), num(0), num(unix.WEXITED|unix.WNOWAIT), num(0)).Store(value)
		t.Reply(message)
		t.Release()
		t.End()
		reply, _, err := i.link.Run(ctx, t.Table, nil)
		if err != nil {
			return fmt.Errorf("kill all processes: %w", err)
		}
		if reply.Value == -int64(unix.ECHILD) {
			return nil
		}
	}
}

func (i *Init) signalAll(sig unix.Signal) error {
	t := stage2.NewScript()
	t.Call("signal all", unix.SYS_KILL, num(-1), num(sig)) // there may be none
	t.Finish()
	_, _, err := i.link.Run(context.Background(), t.Table, nil) //nolint:forbidigo // Freezer takes none, and it takes microseconds
	if err != nil {
		return fmt.Errorf("send %v to all processes: %w", sig, err)
	}
	return nil
}

// stopped says whether all descendants of a process are stopped or dead. What
// cannot be read has ended.
func stopped(pid int) bool {
	tasks := "/proc/" + strconv.Itoa(pid) + "/task"
	threads, err := os.ReadDir(tasks)
	if err != nil {
		return true
	}
	for _, thread := range threads {
		children, _ := os.ReadFile(tasks + "/" + thread.Name() + "/children")
		for _, child := range strings.Fields(string(children)) {
			n, err := strconv.Atoi(child)
			if err == nil && (!halted(n) || !stopped(n)) {
				return false
			}
		}
	}
	return true
}

// halted says whether no thread of a process runs.
func halted(pid int) bool {
	tasks := "/proc/" + strconv.Itoa(pid) + "/task"
	threads, err := os.ReadDir(tasks)
	if err != nil {
		return true
	}
	for _, thread := range threads {
		// pid (name) state ...: the name may hold anything.
		stat, _ := os.ReadFile(tasks + "/" + thread.Name() + "/stat")
		if at := bytes.LastIndexByte(stat, ')'); at > 0 && at+2 < len(stat) && !strings.ContainsRune("TtZX", rune(stat[at+2])) {
			return false
		}
	}
	return true
}
