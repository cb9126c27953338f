package cgroup

import (
	"path/filepath"
	"slices"
	"strings"
)

// Controllers that limits need.
const (
	memory = "memory"
	cpu    = "cpu"
	pids   = "pids"
)

// hierarchy is one mounted cgroup tree that the daemon is part of.
type hierarchy struct {
	v2          bool
	controllers []string // v1: those attached to it; v2: found when it is prepared
	own         string   // directory of the daemon's own group
}

// hierarchies joins /proc/self/mountinfo and /proc/self/cgroup to the trees
// that can serve: at most one for each v1 controller, and the v2 tree.
func hierarchies(mountinfo, selfCgroup string) []hierarchy {
	own := make(map[string]string) // controllers as in the file -> path; "" is v2
	for line := range strings.Lines(selfCgroup) {
		if f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3); len(f) == 3 {
			own[f[1]] = f[2]
		}
	}
	var found []hierarchy
	for line := range strings.Lines(mountinfo) {
		m, ok := parseMount(line)
		if !ok {
			continue
		}
		for controllers, path := range own {
			v2 := controllers == ""
			names := strings.Split(controllers, ",")
			if v2 != (m.fsType == "cgroup2") || !v2 && !slices.ContainsFunc(names, func(n string) bool { return slices.Contains(m.options, n) }) {
				continue
			}
			rel, err := filepath.Rel(m.root, path)
			if err != nil || strings.HasPrefix(rel, "..") {
				continue // the daemon's group is above what is mounted here
			}
			if v2 {
				names = nil
			}
			h := hierarchy{v2: v2, controllers: names, own: filepath.Join(m.point, rel)}
			if !slices.ContainsFunc(found, func(f hierarchy) bool { return f.v2 == v2 && slices.Equal(f.controllers, names) }) {
				found = append(found, h)
			}
		}
	}
	return slices.DeleteFunc(found, func(h hierarchy) bool {
		return !h.v2 && !slices.ContainsFunc(h.controllers, func(c string) bool { return c == memory || c == cpu || c == pids })
	})
}

// mount is a cgroup line of mountinfo.
type mount struct {
	root, point, fsType string
	options             []string // of the superblock
}

// parseMount reads a line such as
//
//	36 31 0:35 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
func parseMount(line string) (mount, bool) {
	before, after, ok := strings.Cut(strings.TrimSpace(line), " - ")
	f, g := strings.Fields(before), strings.Fields(after)
	if !ok || len(f) < 5 || len(g) < 3 || g[0] != "cgroup" && g[0] != "cgroup2" {
		return mount{}, false
	}
	return mount{root: unescape(f[3]), point: unescape(f[4]), fsType: g[0], options: strings.Split(g[2], ",")}, true
}

// unescape undoes mountinfo's octal escapes of space, tab, newline and backslash.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
