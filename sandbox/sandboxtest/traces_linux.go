package sandboxtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const isLinux = true

// noTraces fails the case unless nothing on the host carries a sandbox's ID.
// Processes are looked for first and without patience: the contract is that
// they are gone when Close returns.
func (b *bench) noTraces(id string) {
	b.Helper()
	if alive := processesOf(id); len(alive) > 0 {
		b.Errorf("processes outlive the sandbox: %q", alive)
	}
	if mounts := mountsOf(id); len(mounts) > 0 {
		b.Errorf("mounts outlive the sandbox: %q", mounts)
	}
	for _, root := range []string{b.stateDir, "/sys/fs/cgroup"} {
		if left := entriesOf(root, id); len(left) > 0 {
			b.Errorf("directories outlive the sandbox: %q", left)
		}
	}
	b.eventually("no zombie is a child of the driver", func() bool { return zombieChildren() == 0 })
}

// processesOf returns the command lines of the processes that carry the ID in
// their environment or arguments.
func processesOf(id string) []string {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var found []string
	for _, dir := range dirs {
		if dir == "/proc/"+strconv.Itoa(os.Getpid()) {
			continue
		}
		environ, _ := os.ReadFile(filepath.Join(dir, "environ"))
		cmdline, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		if strings.Contains(string(environ), id) || strings.Contains(string(cmdline), id) {
			found = append(found, dir+" "+strings.ReplaceAll(string(cmdline), "\x00", " "))
		}
	}
	return found
}

func mountsOf(id string) []string {
	text, _ := os.ReadFile("/proc/self/mountinfo")
	var found []string
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, id) {
			found = append(found, line)
		}
	}
	return found
}

func entriesOf(root, id string) []string {
	var found []string
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.Contains(filepath.Base(path), id) {
			found = append(found, path)
		}
		return nil
	})
	return found
}

// devicesOf returns the loop devices on files in a directory.
func devicesOf(dir string) []string {
	files, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	var found []string
	for _, f := range files {
		if image, err := os.ReadFile(f); err == nil && strings.HasPrefix(string(image), dir+"/") {
			found = append(found, f)
		}
	}
	return found
}

// zombieChildren counts this process's children that nobody waited for.
func zombieChildren() int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	n := 0
	for _, name := range stats {
		text, _ := os.ReadFile(name)
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[0] == "Z" && fields[1] == strconv.Itoa(os.Getpid()) {
			n++
		}
	}
	return n
}

// openFiles counts this process's descriptors.
func openFiles() int {
	names, _ := filepath.Glob("/proc/self/fd/*")
	return len(names)
}

// cpuTicks sums the CPU time of the processes that carry a sandbox's ID.
func cpuTicks(id string) int {
	sum := 0
	for _, process := range processesOf(id) {
		dir, _, _ := strings.Cut(process, " ")
		text, _ := os.ReadFile(filepath.Join(dir, "stat"))
		_, rest, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(rest); len(fields) > 12 {
			user, _ := strconv.Atoi(fields[11])
			system, _ := strconv.Atoi(fields[12])
			sum += user + system
		}
	}
	return sum
}
