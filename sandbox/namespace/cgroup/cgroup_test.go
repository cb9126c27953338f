package cgroup_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hearthd/hearth/sandbox/namespace/cgroup"
)

// tree is a fake of a mounted hierarchy: directories and files, without the
// kernel's meaning.
type tree struct {
	*testing.T
	dir string
}

func (f tree) file(name, content string) {
	f.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		f.Fatal(err)
	}
}

func (f tree) read(name string) string {
	f.Helper()
	b, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil {
		f.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// pure is a host with version 2 alone and the daemon in a service of its own.
func pure(t *testing.T, procs string) (tree, cgroup.Config) {
	f := tree{t, t.TempDir()}
	f.file("mountinfo", "35 24 0:30 / "+f.dir+"/fs rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n")
	f.file("self", "0::/system.slice/hearth.service\n")
	own := "fs/system.slice/hearth.service/"
	f.file(own+"cgroup.controllers", "cpuset cpu io memory pids\n")
	f.file(own+"cgroup.subtree_control", "")
	f.file(own+"cgroup.procs", procs)
	f.file(own+"hearth-x/cgroup.subtree_control", "")
	f.file(own+"hearth-x/cgroup.freeze", "0\n")
	return f, cgroup.Config{Name: "hearth-x", Record: filepath.Join(f.dir, "record"),
		MountInfo: filepath.Join(f.dir, "mountinfo"), SelfCgroup: filepath.Join(f.dir, "self")}
}

func open(t *testing.T, c cgroup.Config) *cgroup.Root {
	t.Helper()
	r, err := cgroup.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOpen_PureV2_DelegatesControllers(t *testing.T) {
	f, c := pure(t, strconv.Itoa(os.Getpid()))
	s := open(t, c).Support()
	if !s.Memory || !s.CPU || !s.Pids {
		t.Errorf("got %+v", s)
	}
	for _, dir := range []string{"", "/hearth-x"} {
		if got := f.read("fs/system.slice/hearth.service" + dir + "/cgroup.subtree_control"); got != "+memory +cpu +pids" {
			t.Errorf("%q hands on %q", dir, got)
		}
	}
}

func TestOpen_NoDelegation_SaysWhy(t *testing.T) {
	f, c := pure(t, "1\n2\n3\n")
	// Writing is refused, as the kernel does while there are processes.
	if err := os.Remove(filepath.Join(f.dir, "fs/system.slice/hearth.service/cgroup.subtree_control")); err != nil {
		t.Fatal(err)
	}
	s := open(t, c).Support()
	if s.Memory || s.CPU || s.Pids {
		t.Errorf("got %+v", s)
	}
	if why := s.Why("memory"); !strings.Contains(why, "3 other processes") {
		t.Errorf("the reason is %q", why)
	}
}

func TestOpen_NotMounted_SaysWhy(t *testing.T) {
	f := tree{t, t.TempDir()}
	f.file("mountinfo", "22 27 0:21 / /proc rw,relatime - proc proc rw\n")
	f.file("self", "4:memory:/\n0::/\n")
	r := open(t, cgroup.Config{Name: "hearth-x", Record: filepath.Join(f.dir, "record"),
		MountInfo: filepath.Join(f.dir, "mountinfo"), SelfCgroup: filepath.Join(f.dir, "self")})
	if s := r.Support(); s.Memory || !strings.Contains(s.Why("memory"), "memory") {
		t.Errorf("got %+v: %s", s, s.Why("memory"))
	}
	g, err := r.Create("a", os.Getuid())
	if err != nil {
		t.Fatal(err)
	}
	if err := g.SetLimits(cgroup.Limits{MemoryBytes: 1, CPU: 1, Pids: 1}); err != nil {
		t.Error(err)
	}
	if err := g.Remove(); err != nil {
		t.Error(err)
	}
}

func TestSetLimits_V2_WritesItsFiles(t *testing.T) {
	f, c := pure(t, strconv.Itoa(os.Getpid()))
	g, err := open(t, c).Create("a", os.Getuid())
	if err != nil {
		t.Fatal(err)
	}
	group := "fs/system.slice/hearth.service/hearth-x/a/"
	files := map[string]string{"memory.max": "134217728", "memory.swap.max": "0", "cpu.weight": "50", "cpu.max": "50000 100000", "pids.max": "12"}
	for name := range files {
		f.file(group+name, "")
	}
	if err := g.SetLimits(cgroup.Limits{MemoryBytes: 128 << 20, CPU: 0.5, HardCPU: true, Pids: 12}); err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got := f.read(group + name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestSetLimits_V1_WritesItsFiles(t *testing.T) {
	f := tree{t, t.TempDir()}
	f.file("mountinfo", "32 31 0:29 / "+f.dir+"/cpu rw - cgroup cgroup rw,cpu,cpuacct\n36 31 0:31 /docker/x "+f.dir+"/memory rw - cgroup cgroup rw,memory\n")
	f.file("self", "4:memory:/docker/x/inside\n1:cpu,cpuacct:/\n")
	f.file("memory/inside/cgroup.procs", "")
	f.file("cpu/cgroup.procs", "")
	r := open(t, cgroup.Config{Name: "hearth-x", Record: filepath.Join(f.dir, "record"),
		MountInfo: filepath.Join(f.dir, "mountinfo"), SelfCgroup: filepath.Join(f.dir, "self")})
	g, err := r.Create("a", os.Getuid())
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"memory/inside/hearth-x/a/memory.limit_in_bytes": "134217728",
		"cpu/hearth-x/a/cpu.shares":                      "512",
	}
	for name := range files {
		f.file(name, "")
	}
	if err := g.SetLimits(cgroup.Limits{MemoryBytes: 128 << 20, CPU: 0.5, Pids: 12}); err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got := f.read(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestUsage_V2_ReadsPeakAndKills(t *testing.T) {
	f, c := pure(t, strconv.Itoa(os.Getpid()))
	g, err := open(t, c).Create("a", os.Getuid())
	if err != nil {
		t.Fatal(err)
	}
	group := "fs/system.slice/hearth.service/hearth-x/a/"
	f.file(group+"memory.peak", "4096\n")
	f.file(group+"memory.events", "low 0\noom 3\noom_kill 2\noom_group_kill 0\n")
	f.file(group+"memory.stat", "anon 1000\nfile 2500\nshmem 500\nfile_mapped 300\ninactive_file 1200\nactive_file 800\n")
	if got, want := g.Usage(), (cgroup.Usage{MemoryPeak: 4096, FileCache: 1700, Mapped: 300, OOMKills: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestProcesses_AreThoseOfBothGroups_UpToABound(t *testing.T) {
	f, c := pure(t, strconv.Itoa(os.Getpid()))
	g, err := open(t, c).Create("a", os.Getuid())
	if err != nil {
		t.Fatal(err)
	}
	group := "fs/system.slice/hearth.service/hearth-x/a/"
	f.file(group+"cgroup.procs", "7\n")
	f.file(group+"inner/cgroup.procs", "8\n9\n")
	for most, want := range map[int][]int{1: {7}, 2: {7, 8}, 9: {7, 8, 9}} {
		if got := g.Processes(most); !slices.Equal(got, want) {
			t.Errorf("at most %d: %v, want %v", most, got, want)
		}
	}
}

func TestUsage_MoreMappedThanCached_IsNoCache(t *testing.T) {
	f, c := pure(t, strconv.Itoa(os.Getpid()))
	g, err := open(t, c).Create("a", os.Getuid())
	if err != nil {
		t.Fatal(err)
	}
	group := "fs/system.slice/hearth.service/hearth-x/a/"
	f.file(group+"memory.peak", "4096\n")
	f.file(group+"memory.stat", "file_mapped 300\ninactive_file 200\n") // shared memory is mapped, too
	if got := g.Usage().FileCache; got != 0 {
		t.Errorf("got %d", got)
	}
}

func TestOpen_PredecessorElsewhere_IsRemoved(t *testing.T) {
	f, c := pure(t, strconv.Itoa(os.Getpid()))
	left := filepath.Join(f.dir, "fs/user.slice/hearth-x/7/inner")
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	f.file("record", filepath.Join(f.dir, "fs/user.slice/hearth-x")+"\n")
	open(t, c)
	if _, err := os.Stat(filepath.Join(f.dir, "fs/user.slice/hearth-x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the predecessor's group is still there: %v", err)
	}
}

func TestSetLimits_Refused_CanGoOnWithout(t *testing.T) {
	_, c := pure(t, strconv.Itoa(os.Getpid()))
	r := open(t, c)
	g, err := r.Create("a", os.Getuid())
	if err != nil {
		t.Fatal(err)
	}
	refused := g.SetLimits(cgroup.Limits{Pids: 1}) // the fake group has no pids.max
	if !errors.Is(refused, cgroup.ErrRefused) {
		t.Fatalf("got %v, want ErrRefused", refused)
	}
	_ = r.Disable(refused) // the fake directories are not empty, as the kernel's would be
	if s := r.Support(); s.Pids || !strings.Contains(s.Why("pids"), "pids.max") {
		t.Errorf("got %+v: %s", s, s.Why("pids"))
	}
	if g, err = r.Create("b", os.Getuid()); err != nil {
		t.Fatal(err)
	}
	if err := g.SetLimits(cgroup.Limits{Pids: 1}); err != nil {
		t.Error(err)
	}
}
