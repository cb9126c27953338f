package single

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/hearthd/hearth/node/launch"
)

// runDirPrefix begins the names of temporary state directories, before the pid.
const runDirPrefix = "hearth-run-"

// makeRunDir makes a temporary state directory, and removes those of runs that
// were killed, with what their sandboxes left.
func makeRunDir() (string, error) {
	old, _ := filepath.Glob(filepath.Join(os.TempDir(), runDirPrefix+"*")) // the pattern is valid
	for _, dir := range old {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), runDirPrefix), "-")
		if n, err := strconv.Atoi(pid); err == nil && errors.Is(syscall.Kill(n, 0), syscall.ESRCH) && ownDir(dir) {
			removeRunDir(dir)
		}
	}
	dir, err := os.MkdirTemp("", runDirPrefix+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return "", fmt.Errorf("make a state directory: %w", err)
	}
	return dir, nil
}

// ownDir reports whether a path is a directory of this user's. Anybody can make
// one in /tmp that looks like a run's, and it says what is to be removed.
func ownDir(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// removeRunDir removes a killed run's directory. A driver that is opened on it
// ends the processes and removes the cgroups that the directory records first.
// Should that fail the directory stays for the next run to try.
func removeRunDir(dir string) {
	for _, name := range []string{launch.SandboxNamespace, launch.SandboxProcess} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
			continue // not what the run used
		}
		driver, err := launch.OpenDriver(launch.DriverOptions{Dir: dir, Sandbox: name, Logger: slog.New(slog.DiscardHandler)})
		if err != nil || driver.Close() != nil {
			return
		}
	}
	_ = os.RemoveAll(dir)
}
