package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Config says where the groups are to be.
type Config struct {
	// Name is that of the group that holds all sandboxes of a daemon.
	Name string
	// Record is a file that lists where groups were made, so that a successor
	// that runs in another group of its own finds and removes them.
	Record string
	// MountInfo and SelfCgroup are the files to find the hierarchies in; empty:
	// those of /proc/self.
	MountInfo, SelfCgroup string
}

// Support is what can be enforced.
type Support struct {
	Memory, CPU, Pids bool

	problems []problem
	refused  error // of Disable
}

// problem is why a hierarchy is of no use.
type problem struct {
	tree hierarchy
	err  error
}

// Why says what was found instead of support for a controller: "memory", "cpu"
// or "pids"; or, with "", instead of a v2 hierarchy.
func (s Support) Why(controller string) string {
	if s.refused != nil {
		return s.refused.Error()
	}
	for _, p := range s.problems {
		if p.tree.v2 || slices.Contains(p.tree.controllers, controller) {
			return p.err.Error()
		}
	}
	if controller == "" {
		return "no cgroup v2 hierarchy is mounted"
	}
	return "no mounted cgroup hierarchy has the " + controller + " controller"
}

// Root is where the groups of a daemon's sandboxes are.
type Root struct {
	trees   []tree
	support Support
	record  string
}

// tree is a Root's part in one hierarchy.
type tree struct {
	hierarchy
	dir string // holds the groups of the sandboxes
}

// Open prepares the groups of a daemon. That nothing can be enforced is no
// error: Support says so.
func Open(c Config) (*Root, error) {
	mountinfo, err := os.ReadFile(or(c.MountInfo, "/proc/self/mountinfo"))
	if err != nil {
		return nil, fmt.Errorf("find cgroup hierarchies: %w", err)
	}
	self, err := os.ReadFile(or(c.SelfCgroup, "/proc/self/cgroup"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // a kernel without cgroups
		return nil, fmt.Errorf("find the daemon's cgroup: %w", err)
	}
	r := &Root{record: c.Record}
	r.sweepRecord()
	for _, h := range hierarchies(string(mountinfo), string(self)) {
		t := tree{hierarchy: h, dir: filepath.Join(h.own, c.Name)}
		if err := t.prepare(); err != nil {
			r.support.problems = append(r.support.problems, problem{h, err})
			continue
		}
		if err := t.control(); err != nil {
			// Without controllers the groups still freeze.
			r.support.problems = append(r.support.problems, problem{h, err})
		}
		r.trees = append(r.trees, t)
		r.support.Memory = r.support.Memory || t.has(memory)
		r.support.CPU = r.support.CPU || t.has(cpu)
		r.support.Pids = r.support.Pids || t.has(pids)
	}
	return r, r.writeRecord()
}

// Support says what this root enforces.
func (r *Root) Support() Support { return r.support }

// Disable gives all groups up for a reason, which Support tells from then on.
func (r *Root) Disable(reason error) error {
	err := r.removeTrees()
	r.trees, r.support = nil, Support{refused: reason}
	return err
}

// Close removes the daemon's groups. Groups of sandboxes must be gone.
func (r *Root) Close() error {
	if err := r.removeTrees(); err != nil {
		return err
	}
	return os.Remove(r.record)
}

func (r *Root) removeTrees() error {
	var errs []error
	for _, t := range r.trees {
		errs = append(errs, t.remove())
	}
	return errors.Join(errs...)
}

// prepare makes an empty directory for the groups.
func (t *tree) prepare() error {
	if err := os.Mkdir(t.dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err // names the directory
	}
	if err := t.sweep(); err != nil {
		return fmt.Errorf("remove what was left in cgroup %s: %w", t.dir, err)
	}
	return nil
}

// control sees to it that the groups of a v2 tree get its controllers.
func (t *tree) control() error {
	if !t.v2 {
		return nil
	}
	available := words(filepath.Join(t.own, "cgroup.controllers"))
	want := slices.DeleteFunc([]string{memory, cpu, pids}, func(c string) bool { return !slices.Contains(available, c) })
	if len(want) == 0 {
		return nil // a tree without controllers, for the freezer
	}
	if err := t.delegate(want); err != nil {
		return fmt.Errorf("cgroup %s: %w", t.own, err)
	}
	t.controllers = want
	return nil
}

// delegate enables controllers for the groups of the sandboxes. The daemon
// leaves its own group for a leaf when it must.
func (t *tree) delegate(want []string) error {
	enabled := words(filepath.Join(t.own, "cgroup.subtree_control"))
	if missing := slices.ContainsFunc(want, func(c string) bool { return !slices.Contains(enabled, c) }); missing {
		if err := enable(t.own, want); err != nil {
			if err := t.leave(); err != nil {
				return err
			}
			if err := enable(t.own, want); err != nil {
				return err
			}
		}
	}
	return enable(t.dir, want)
}

// leave moves the daemon from its own group, in which it must be alone, to a
// leaf beside the sandboxes.
func (t *tree) leave() error {
	self := strconv.Itoa(os.Getpid())
	if procs := words(filepath.Join(t.own, "cgroup.procs")); len(procs) != 1 || procs[0] != self {
		return fmt.Errorf("controllers cannot be delegated: %d other processes are in the daemon's group", len(slices.DeleteFunc(procs, func(p string) bool { return p == self })))
	}
	leaf := t.dir + "-daemon"
	if err := os.Mkdir(leaf, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return write(leaf, "cgroup.procs", self)
}

// enable hands controllers of a group to its children.
func enable(dir string, controllers []string) error {
	return write(dir, "cgroup.subtree_control", "+"+strings.Join(controllers, " +"))
}

func (t *tree) has(controller string) bool { return slices.Contains(t.controllers, controller) }

// remove removes the directory for the groups. The leaf that the daemon moved
// to stays: the daemon is in it.
func (t *tree) remove() error {
	if err := os.Remove(t.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove cgroup: %w", err)
	}
	return nil
}

// sweep kills and removes all groups below the tree's directory.
func (t *tree) sweep() error {
	entries, err := os.ReadDir(t.dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if e.IsDir() {
			errs = append(errs, removeTree(filepath.Join(t.dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// sweepRecord removes the groups that a predecessor recorded.
func (r *Root) sweepRecord() {
	for _, dir := range words(r.record) {
		// Groups of a hierarchy that is gone, or that is not ours any more,
		// are not there: nothing to report.
		_ = removeTree(dir)
	}
}

func (r *Root) writeRecord() error {
	var b strings.Builder
	for _, t := range r.trees {
		fmt.Fprintln(&b, t.dir)
	}
	if err := os.WriteFile(r.record, []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("record cgroups: %w", err)
	}
	return nil
}
