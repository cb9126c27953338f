//go:build linux

package rootfs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace/rootfs"
)

// skeleton returns one in a directory of its own.
func skeleton(t *testing.T) *rootfs.Skeleton {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root makes detached mounts")
	}
	s, err := rootfs.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// of describes a sandbox with a Spec.
func of(t *testing.T, spec sandbox.Spec) rootfs.Sandbox {
	t.Helper()
	users, err := os.Open("/proc/self/ns/user")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { users.Close() })
	dir := t.TempDir()
	if spec.Task == "" {
		spec.Task = readable(t)
	}
	return rootfs.Sandbox{Spec: spec, Network: sandbox.NetworkNone, Users: users, Tmp: func() (*os.File, error) { return rootfs.OpenTmp(dir) }}
}

// readable returns a directory that every user may read.
func readable(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// bind is what is compared of a rootfs.Bind.
type bind struct {
	Target string
	Point  uint32
}

// binds opens the binds of a sandbox and closes them.
func binds(t *testing.T, s *rootfs.Skeleton, of rootfs.Sandbox) ([]bind, error) {
	t.Helper()
	opened, err := s.Binds(of)
	defer rootfs.CloseBinds(opened)
	var got []bind
	for _, b := range opened {
		got = append(got, bind{b.Target, b.Point})
	}
	return got, err
}

func TestBinds_Tmp_ComesBeforeWhatIsInIt(t *testing.T) {
	s, dir := skeleton(t), readable(t)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := binds(t, s, of(t, sandbox.Spec{Opt: dir, Mounts: []sandbox.Mount{
		{Source: file, Target: "/tmp/a/file"}, {Source: dir, Target: "/tmp/dir"}, {Source: dir, Target: "/mnt/dir"},
	}}))
	if err != nil {
		t.Fatal(err)
	}
	want := []bind{
		{"/lambda-entrypoint.sh", 0}, {"/var/task", 0}, {"/opt", 0}, {"/mnt/dir", 0}, {"/tmp", 0},
		{"/tmp/a/file", unix.S_IFREG}, {"/tmp/dir", unix.S_IFDIR},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if info, err := os.Stat(filepath.Join(s.Dir(), "mnt/dir")); err != nil || !info.IsDir() {
		t.Errorf("the mount point in the root: %v, %v", info, err)
	}
}

func TestBinds_Memory_IsShownWhereThereIsAProc(t *testing.T) {
	s := skeleton(t)
	for _, proc := range []bool{false, true} {
		o := of(t, sandbox.Spec{MemoryBytes: 128 << 20})
		o.Proc = proc
		opened, err := s.Binds(o)
		if err != nil {
			t.Fatal(err)
		}
		var text string
		for _, b := range opened {
			if b.Target == "/proc/meminfo" {
				content, err := os.ReadFile(b.Mount.Name())
				if err != nil {
					t.Error(err)
				}
				text, _, _ = strings.Cut(string(content), "\n")
			}
		}
		rootfs.CloseBinds(opened)
		if got, want := strings.Fields(text), strings.Fields("MemTotal: 131072 kB"); proc != (cmp.Diff(want, got) == "") {
			t.Errorf("with /proc: %t; got %q", proc, got)
		}
	}
}

func TestBinds_PrivateTask_IsRefusedUnlessTheUserIsTheSame(t *testing.T) {
	s, dir := skeleton(t), t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	o := of(t, sandbox.Spec{Task: dir})
	if _, err := binds(t, s, o); err == nil || !strings.Contains(err.Error(), "chmod o+rx") {
		t.Errorf("another user: got %v", err)
	}
	o.OneUser = true
	if _, err := binds(t, s, o); err != nil {
		t.Errorf("the same user: %v", err)
	}
}

func TestBinds_TargetOutOfPlace_IsRefused(t *testing.T) {
	s := skeleton(t)
	for _, target := range []string{"relative", "/", "/a/../b", "/tmp/../etc", "/tmp/a/"} {
		if got, err := binds(t, s, of(t, sandbox.Spec{Mounts: []sandbox.Mount{{Source: readable(t), Target: target}}})); err == nil {
			t.Errorf("%s: got %v", target, got)
		}
	}
}

func TestBinds_MissingSource_IsNamed(t *testing.T) {
	s := skeleton(t)
	_, err := binds(t, s, of(t, sandbox.Spec{Mounts: []sandbox.Mount{{Source: "/no/such/file", Target: "/mnt/x"}}}))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "/no/such/file") {
		t.Errorf("got %v", err)
	}
}
