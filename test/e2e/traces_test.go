package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// leftovers lists what a daemon that has ended left on this machine: processes
// of its functions and sandboxes (and with them their namespaces), mounts,
// namespaces held by mounts, cgroups, and sandboxes' files.
func (d *daemon) leftovers() []string {
	left := d.processes()
	left = append(left, mounts(d.dir)...)
	for _, group := range d.groups {
		if _, err := os.Stat(group); err == nil {
			left = append(left, "cgroup "+group)
		}
	}
	return append(left, d.sandboxFiles()...)
}

// processes lists the processes that a daemon started, except the daemon.
func (d *daemon) processes() []string {
	return processesWhere(func(pid int) bool {
		proc := fmt.Sprintf("/proc/%d/", pid)
		state, parent := status(pid)
		// Those that have ended are init's to wait for, when the daemon has.
		return state != "Z" && pid != d.pid() && (d.ownsGroup(proc+"cgroup") || under(proc+"cwd", d.dir) || under(proc+"exe", d.dir) ||
			variable(proc+"environ", markerVariable) == d.dir || parent == d.pid())
	})
}

// functionProcesses lists the processes of the environments of a function.
func functionProcesses(name string) []string {
	return processesWhere(func(pid int) bool {
		return variable(fmt.Sprintf("/proc/%d/environ", pid), "AWS_LAMBDA_FUNCTION_NAME") == name
	})
}

// insideOf returns the host's path of a file in an environment of a function,
// once there is one that has it.
func (f function) insideOf(path string) (string, bool) {
	found, _ := filepath.Glob("/proc/[0-9]*/root" + path) // the pattern is valid
	for _, file := range found {
		environ := strings.TrimSuffix(file, "root"+path) + "environ"
		if variable(environ, "AWS_LAMBDA_FUNCTION_NAME") == f.name && variable(environ, markerVariable) == f.d.dir {
			return file, true
		}
	}
	return "", false
}

// awaitFile waits until an environment of the function has written a file, and
// returns the host's path of it.
func (f function) awaitFile(t *testing.T, path string) string {
	t.Helper()
	var file string
	eventually(t, "write "+path, func() (found bool) {
		file, found = f.insideOf(path)
		return found
	})
	return file
}

func processesWhere(match func(pid int) bool) []string {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() || !match(pid) {
			continue
		}
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil {
			continue // it has just ended
		}
		found = append(found, fmt.Sprintf("process %d: %q", pid, strings.ReplaceAll(string(name), "\x00", " ")))
	}
	return found
}

// markerVariable is set in every function that tests create, to the data
// directory of its daemon.
const markerVariable = "HEARTH_E2E"

func (d *daemon) ownsGroup(cgroupFile string) bool {
	content, err := os.ReadFile(cgroupFile)
	return err == nil && slices.ContainsFunc(d.groups, func(group string) bool {
		return strings.Contains(string(content), "/"+filepath.Base(group)+"/")
	})
}

// under reports whether a link leads to a place in dir.
func under(link, dir string) bool {
	target, err := os.Readlink(link)
	return err == nil && strings.HasPrefix(target, dir+"/")
}

func variable(environFile, name string) string {
	content, err := os.ReadFile(environFile)
	if err != nil {
		return ""
	}
	for kv := range strings.SplitSeq(string(content), "\x00") {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			return value
		}
	}
	return ""
}

// status returns a process's state, such as "Z", and its parent.
func status(pid int) (state string, parent int) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0
	}
	// The name, in parentheses, may hold anything.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if parent, err = strconv.Atoi(fields[1]); err != nil {
		return "", 0
	}
	return fields[0], parent
}

// zombies counts the processes that the daemon has started, and that have
// ended, and that it has not waited for.
func (d *daemon) zombies() int {
	return len(processesWhere(func(pid int) bool {
		state, parent := status(pid)
		return state == "Z" && parent == d.pid()
	}))
}

// mounts lists the mounts of this machine that have to do with dir.
func mounts(dir string) []string {
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	for line := range strings.Lines(string(content)) {
		if strings.Contains(line, dir) {
			found = append(found, "mount "+strings.TrimSpace(line))
		}
	}
	return found
}

// sandboxFiles lists the files of sandboxes, such as their /tmp. Code that is
// unpacked and the root that all share may stay.
func (d *daemon) sandboxFiles() []string {
	var found []string
	for _, pattern := range []string{"namespace/tmp/*", "process/sandboxes/*"} {
		files, err := filepath.Glob(filepath.Join(d.dir, "sandbox", pattern))
		if err != nil {
			return []string{err.Error()}
		}
		found = append(found, files...)
	}
	return found
}
