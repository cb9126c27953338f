package cgroup

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrRefused: the host has control groups but does not let this process use
// them. Root.Disable goes on without.
var ErrRefused = errors.New("control groups refused")

// Limits of a group. A zero field is no limit.
type Limits struct {
	MemoryBytes int64
	CPU         float64 // share of cores; 1 is what a process outside gets
	HardCPU     bool    // CPU bounds also what nobody else wants
	Pids        int
}

// Usage is what the processes of a group used so far.
type Usage struct {
	MemoryPeak int64 // bytes, file cache included
	// FileCache is what of the memory is file cache now that no process has
	// mapped: it goes when something needs the room. Bytes.
	FileCache int64
	// Mapped is what of the memory is file cache now that a process has mapped. Bytes.
	Mapped   int64
	OOMKills int64
}

// Group is the control group of one sandbox.
type Group struct {
	trees []tree // dir is that of this group
	join  *os.File
	inner *os.File
	// noInner is why there is no inner group.
	noInner error
}

// Names within a v2 group.
const (
	innerName  = "inner"
	freezeFile = "cgroup.freeze"
	eventsFile = "cgroup.events"
	procsFile  = "cgroup.procs"
)

// Create makes an empty group without limits. The caller must Remove it. A
// process of user uid may fork processes from the group into its inner group.
func (r *Root) Create(name string, uid int) (*Group, error) {
	g := &Group{noInner: errors.New(r.support.Why(""))}
	for _, t := range r.trees {
		t.dir = filepath.Join(t.dir, name)
		if err := os.Mkdir(t.dir, 0o755); err != nil {
			return nil, errors.Join(fmt.Errorf("create group: %w: %w", ErrRefused, err), g.Remove())
		}
		g.trees = append(g.trees, t)
		if !t.v2 {
			continue
		}
		var err error
		if g.join, err = os.Open(t.dir); err != nil {
			return nil, errors.Join(fmt.Errorf("create group: %w: %w", ErrRefused, err), g.Remove())
		}
		g.inner, g.noInner = openInner(t.dir, uid)
	}
	return g, nil
}

// openInner makes the inner group and lets uid enter it from the outer one: the
// kernel asks for write access to cgroup.procs of both.
func openInner(dir string, uid int) (*os.File, error) {
	inner := filepath.Join(dir, innerName)
	if err := os.Mkdir(inner, 0o755); err != nil {
		return nil, err
	}
	if !exists(filepath.Join(inner, freezeFile)) {
		return nil, errors.New("the kernel has no cgroup.freeze")
	}
	for _, d := range []string{dir, inner} {
		if err := os.Chown(filepath.Join(d, procsFile), uid, -1); err != nil {
			return nil, err
		}
	}
	return os.Open(inner)
}

// JoinDir is the directory to clone pid 1 into, owned by the group; nil when
// there is no v2 hierarchy. Processes must be Added in any case.
func (g *Group) JoinDir() *os.File { return g.join }

// InnerDir is the directory to clone the processes into that Freeze is to
// stop, owned by the group; nil, with the reason, when the group cannot freeze.
func (g *Group) InnerDir() (*os.File, error) { return g.inner, g.noInner }

// Add moves a process into the v1 groups. It may take tens of milliseconds.
func (g *Group) Add(pid int) error {
	for _, t := range g.trees {
		if t.v2 {
			continue
		}
		if err := write(t.dir, procsFile, strconv.Itoa(pid)); err != nil {
			return fmt.Errorf("add process: %w: %w", ErrRefused, err)
		}
	}
	return nil
}

// SetLimits sets the limits that the root supports.
func (g *Group) SetLimits(l Limits) error {
	for _, t := range g.trees {
		for _, s := range t.settings(l) {
			err := write(t.dir, s.file, s.value)
			if err != nil && !(s.optional && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission))) {
				return fmt.Errorf("set limit: %w: %w", ErrRefused, err)
			}
		}
	}
	return nil
}

// setting is a value to write to a control file.
type setting struct {
	file, value string
	optional    bool // kernels without swap accounting lack the file
}

func (t tree) settings(l Limits) []setting {
	var s []setting
	bytes, count := strconv.FormatInt(l.MemoryBytes, 10), strconv.Itoa(l.Pids)
	if t.has(memory) && l.MemoryBytes > 0 {
		if t.v2 {
			s = append(s, setting{file: "memory.max", value: bytes}, setting{file: "memory.swap.max", value: "0", optional: true})
		} else {
			s = append(s, setting{file: "memory.limit_in_bytes", value: bytes},
				setting{file: "memory.memsw.limit_in_bytes", value: bytes, optional: true})
		}
	}
	if t.has(cpu) && l.CPU > 0 {
		if t.v2 {
			s = append(s, setting{file: "cpu.weight", value: strconv.Itoa(scale(l.CPU, 100, 1, 10_000))})
		} else {
			s = append(s, setting{file: "cpu.shares", value: strconv.Itoa(scale(l.CPU, 1024, 2, 262_144))})
		}
	}
	if t.has(cpu) && l.CPU > 0 && l.HardCPU {
		quota := strconv.Itoa(scale(l.CPU, cpuPeriod, 1000, math.MaxInt32))
		if t.v2 {
			s = append(s, setting{file: "cpu.max", value: quota + " " + strconv.Itoa(cpuPeriod)})
		} else {
			s = append(s, setting{file: "cpu.cfs_period_us", value: strconv.Itoa(cpuPeriod)}, setting{file: "cpu.cfs_quota_us", value: quota})
		}
	}
	if t.has(pids) && l.Pids > 0 {
		s = append(s, setting{file: "pids.max", value: count})
	}
	return s
}

// cpuPeriod is the time, in microseconds, over which a hard CPU share is counted.
const cpuPeriod = 100_000

// scale turns a share of cores into a weight within the kernel's bounds.
func scale(share, unit float64, least, most int) int {
	return int(max(float64(least), min(float64(most), math.Round(share*unit))))
}

// Freeze stops the processes of the inner group, and returns when all are stopped.
func (g *Group) Freeze() error { return g.setFrozen("1") }

// Thaw lets them continue.
func (g *Group) Thaw() error { return g.setFrozen("0") }

func (g *Group) setFrozen(value string) error {
	if g.inner == nil {
		return fmt.Errorf("freeze cgroup: %w", errors.ErrUnsupported)
	}
	if err := write(g.inner.Name(), freezeFile, value); err != nil {
		return fmt.Errorf("freeze cgroup: %w", err)
	}
	// A process in an uninterruptible sleep stops when that ends.
	return within(freezeTime, "cgroup is not frozen", func() bool {
		return event(filepath.Join(g.inner.Name(), eventsFile), "frozen") == value
	})
}

// How long the kernel may take. Both are microseconds as a rule.
const (
	freezeTime = 5 * time.Second
	removeTime = 5 * time.Second
)

// Usage measures. What the host cannot measure is 0.
func (g *Group) Usage() Usage {
	var u Usage
	for _, t := range g.trees {
		if !t.has(memory) {
			continue
		}
		peak, events := "memory.max_usage_in_bytes", "memory.oom_control"
		if t.v2 {
			peak, events = "memory.peak", "memory.events"
		}
		if w := words(filepath.Join(t.dir, peak)); len(w) == 1 {
			u.MemoryPeak, _ = strconv.ParseInt(w[0], 10, 64)
		}
		u.FileCache, u.Mapped = fileCache(filepath.Join(t.dir, "memory.stat"), t.v2)
		u.OOMKills, _ = strconv.ParseInt(event(filepath.Join(t.dir, events), "oom_kill"), 10, 64)
	}
	return u
}

// fileCache is Usage.FileCache and Usage.Mapped, from a memory.stat: the pages of
// files on both lists, without and with those that processes have mapped. Shared
// memory, which no pressure frees, is not on the lists.
func fileCache(stat string, v2 bool) (unmapped, mapped int64) {
	activeKey, inactiveKey, mappedKey := "total_active_file", "total_inactive_file", "total_mapped_file"
	if v2 {
		activeKey, inactiveKey, mappedKey = "active_file", "inactive_file", "file_mapped"
	}
	b, err := os.ReadFile(stat)
	if err != nil {
		return 0, 0
	}
	var cache int64
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseInt(value, 10, 64)
		switch {
		case err != nil:
		case key == activeKey, key == inactiveKey:
			cache += n
		case key == mappedKey: // shared memory, too, where it is mapped
			mapped = n
		}
	}
	mapped = min(mapped, cache)
	return cache - mapped, mapped
}

// Processes returns processes of the group, at most so many.
func (g *Group) Processes(most int) (pids []int) {
	for _, t := range g.trees {
		if !t.has(memory) {
			continue
		}
		for _, dir := range []string{t.dir, filepath.Join(t.dir, innerName)} {
			for _, word := range words(filepath.Join(dir, procsFile)) {
				if pid, err := strconv.Atoi(word); err == nil && len(pids) < most {
					pids = append(pids, pid)
				}
			}
		}
	}
	return pids
}

// Remove kills what is in the group, removes it and frees its files.
func (g *Group) Remove() error {
	var errs []error
	for _, t := range g.trees {
		errs = append(errs, removeTree(t.dir))
	}
	for _, f := range []*os.File{g.join, g.inner} {
		if f != nil {
			f.Close()
		}
	}
	return errors.Join(errs...)
}

// removeTree removes a group and the groups in it; processes that are still
// there are killed. A group that does not exist is removed already.
func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove cgroup: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeTree(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	var last error
	err = within(removeTime, "remove cgroup "+dir, func() bool {
		last = syscall.Rmdir(dir)
		if last == nil || last == syscall.ENOENT {
			return true
		}
		killAll(dir)
		return false
	})
	if err != nil {
		return errors.Join(err, last)
	}
	return nil
}

// killAll kills the processes of a group. On v1 they may fork meanwhile: the
// caller repeats it.
func killAll(dir string) {
	if write(dir, "cgroup.kill", "1") == nil {
		return
	}
	for _, p := range words(filepath.Join(dir, procsFile)) {
		if pid, err := strconv.Atoi(p); err == nil && pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone
		}
	}
}

// within tries until done, at growing intervals of up to 10 ms.
func within(limit time.Duration, what string, done func() bool) error {
	deadline := time.Now().Add(limit)
	for pause := 50 * time.Microsecond; !done(); pause = min(2*pause, 10*time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: not done after %v", what, limit)
		}
		<-time.After(pause)
	}
	return nil
}

// write writes to a control file. Control files are never created.
func write(dir, file, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// words returns the fields of a file; none when it cannot be read.
func words(file string) []string {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	return strings.Fields(string(b))
}

// event returns the value of a key in a file of "key value" lines.
func event(file, key string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for s := bufio.NewScanner(strings.NewReader(string(b))); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), " "); ok && k == key {
			return v
		}
	}
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
