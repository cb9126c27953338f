package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/internal/resident"
)

// sysProcAttr makes a session of the process's own, and has the kernel kill it
// when the spawner's thread ends: also when the daemon is killed.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// remember has nothing to do on Linux: processes are found by their mark.
func remember(mark, int) error { return nil }

// killMarked kills every process that carries a mark until none is found.
func killMarked(ctx context.Context, m mark) error {
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		found, err := sweep(m)
		if err != nil {
			return err
		}
		if found == 0 {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("%d processes remain: %w", found, context.Cause(ctx))
		}
	}
}

// sweep sends SIGKILL to every process that carries a mark and returns how
// many there were. Ended processes have no environment and are not counted.
func sweep(m mark) (int, error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return 0, fmt.Errorf("list processes: %w", err)
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return 0, fmt.Errorf("list processes: %w", err)
	}
	found := 0
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == os.Getpid() || !carries(pid, m) {
			continue
		}
		found++
		if err := killPid(pid, m); err != nil {
			return found, fmt.Errorf("kill process %d: %w", pid, err)
		}
	}
	return found, nil
}

// killPid kills a process if it still carries the mark. The descriptor pins
// it: a process that took over the number since is never the one that dies.
func killPid(pid int, m mark) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if !carries(pid, m) {
		return nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	return nil
}

// carries says whether a process's environment holds the mark. Those of other
// users cannot be read, and are not ours.
func carries(pid int, m mark) bool {
	environ, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return false
	}
	environ = append([]byte{0}, environ...)
	for _, v := range m.env() {
		if !bytes.Contains(environ, []byte("\x00"+v+"\x00")) {
			return false
		}
	}
	return true
}

// maxRSS is in bytes; Linux counts in KiB.
func maxRSS(use *syscall.Rusage) int64 { return use.Maxrss << 10 }

// residentPeak is the largest resident set of a running process, in bytes, or 0.
func residentPeak(pid int) int64 { return resident.Peak(pid) }
