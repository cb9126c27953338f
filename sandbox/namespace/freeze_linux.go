package namespace

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox"
)

// stopTime bounds how long processes may take to stop at a SIGSTOP. A process
// in an uninterruptible sleep stops when that ends.
const stopTime = 5 * time.Second

// Freeze stops all processes but pid 1, and returns when all are stopped.
// Without a control group it sends SIGSTOP to all at once, which parents of
// other processes may notice.
func (b *box) Freeze() error {
	if b.inner {
		return b.unlessGone(b.group.Freeze())
	}
	if err := b.signalAll(unix.SIGSTOP); err != nil {
		return err
	}
	deadline := time.Now().Add(stopTime)
	for pause := 20 * time.Microsecond; !stopped(b.process.Pid); pause = min(2*pause, 5*time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("freeze: a process did not stop in %v", stopTime)
		}
		<-time.After(pause)
	}
	return nil
}

// Thaw lets them continue.
func (b *box) Thaw() error {
	if b.inner {
		return b.unlessGone(b.group.Thaw())
	}
	return b.signalAll(unix.SIGCONT)
}

// unlessGone replaces an error by ErrClosed when the sandbox is gone, and its
// control group with it.
func (b *box) unlessGone(err error) error {
	if err == nil {
		return nil
	}
	select {
	case <-b.done:
		return sandbox.ErrClosed
	default:
		return err
	}
}

func (b *box) signalAll(sig unix.Signal) error {
	t := newTable()
	t.Call("signal all", unix.SYS_KILL, num(-1), num(sig)) // there may be none
	t.finish()
	_, _, err := b.link.Run(context.Background(), t.Table, nil) //nolint:forbidigo // Freezer takes none, and it takes microseconds
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
