package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// sysProcAttr makes a session of the process's own.
func sysProcAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// remember records a process, because macOS does not show one process the
// environment of another: a file named by its number holds when it started.
func remember(m mark, pid int) error {
	start, err := startTime(pid)
	if err != nil {
		return nil // it has ended
	}
	dir := filepath.Join(m.dir, "pids")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, strconv.Itoa(pid)), []byte(start), 0o600)
}

// startTime identifies a process together with its number.
func startTime(pid int) (string, error) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return "", err
	}
	at := info.Proc.P_starttime
	return fmt.Sprintf("%d.%06d", at.Sec, at.Usec), nil
}

// killMarked kills the process groups of the recorded processes and waits
// until they are empty.
func killMarked(ctx context.Context, m mark) error {
	entries, err := os.ReadDir(filepath.Join(m.dir, "pids"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := filepath.Join(m.dir, "pids", entry.Name())
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		recorded, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if start, err := startTime(pid); err == nil && start == string(recorded) {
			if err := killGroup(ctx, pid); err != nil {
				return err
			}
		}
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

func killGroup(ctx context.Context, pgid int) error {
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		// EPERM is macOS's answer for a group of nothing but zombies.
		if err := syscall.Kill(-pgid, syscall.SIGKILL); err != nil {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("process group %d remains: %w", pgid, context.Cause(ctx))
		}
	}
}

// maxRSS is in bytes, as macOS counts.
func maxRSS(use *syscall.Rusage) int64 { return use.Maxrss }

// residentPeak is only known at the end of a process.
func residentPeak(int) int64 { return 0 }
