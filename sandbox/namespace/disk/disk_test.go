//go:build linux

package disk_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox/namespace/disk"
)

const (
	mib        = 1 << 20
	lambdaSize = 512 * mib
	lambdaFree = 538_333_184 // what statvfs says on Lambda
)

func open(t testing.TB) (*disk.Maker, string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a file system")
	}
	dir := filepath.Join(t.TempDir(), "disks")
	m, err := disk.Open(t.Context(), dir, lambdaSize, 1234, 5678)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left := devices(t, dir); len(left) > 0 {
			t.Errorf("loop devices are left: %q", left)
		}
	})
	return m, dir
}

// made makes a disk and returns a path that leads into it.
func made(t testing.TB, m *disk.Maker, size int64) (*disk.Disk, string) {
	t.Helper()
	d, err := m.Make(t.Context(), size)
	if err != nil {
		t.Fatal(err)
	}
	mount, err := d.Mount()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		mount.Close()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, fmt.Sprintf("/proc/self/fd/%d", mount.Fd())
}

// devices returns the loop devices on images in a directory.
func devices(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range files {
		if image, err := os.ReadFile(f); err == nil && strings.HasPrefix(string(image), dir+"/") {
			found = append(found, f)
		}
	}
	return found
}

// fill writes a file until there is no space, and returns how much it took.
func fill(t testing.TB, name string) int64 {
	t.Helper()
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var written int64
	for block := make([]byte, 4096); ; {
		n, err := f.Write(block)
		written += int64(n)
		if errors.Is(err, syscall.ENOSPC) {
			return written
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestMake_Lambdas_HasLambdasRoom(t *testing.T) {
	m, _ := open(t)
	_, root := made(t, m, lambdaSize)
	var s unix.Statfs_t
	if err := unix.Statfs(root, &s); err != nil {
		t.Fatal(err)
	}
	if got := int64(s.Bavail) * s.Bsize; got != lambdaFree {
		t.Errorf("%d bytes are available, on Lambda %d", got, lambdaFree)
	}
	if s.Ffree < 100_000 {
		t.Errorf("room for %d files", s.Ffree)
	}
	// On Lambda one block less.
	if got := fill(t, filepath.Join(root, "f")); got < lambdaFree-4096 || got > lambdaFree {
		t.Errorf("took %d bytes of %d", got, lambdaFree)
	}
}

func TestMake_AnySize_HasThatMuch(t *testing.T) {
	m, _ := open(t)
	for _, size := range []int64{1, 16 * mib, 100 * mib, 513 * mib, 1000 * mib, 10240 * mib} {
		_, root := made(t, m, size)
		var s unix.Statfs_t
		if err := unix.Statfs(root, &s); err != nil {
			t.Fatal(err)
		}
		if got := int64(s.Bavail) * s.Bsize; got < size || got > size+2*mib {
			t.Errorf("%d bytes: %d are available", size, got)
		}
	}
}

func TestMake_Root_IsEmptyAndOwned(t *testing.T) {
	m, _ := open(t)
	_, root := made(t, m, lambdaSize)
	info, err := os.Stat(root)
	if err != nil {
		t.Fatal(err)
	}
	s := info.Sys().(*syscall.Stat_t)
	if got, want := fmt.Sprintf("%o %d:%d", s.Mode, s.Uid, s.Gid), "41777 1234:5678"; got != want {
		t.Errorf("mode and owner are %s, want %s", got, want)
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) > 0 {
		t.Errorf("an empty disk holds %v, %v", entries, err)
	}
}

func TestMake_Deleted_GivesSpaceBackToTheHost(t *testing.T) {
	m, dir := open(t)
	_, root := made(t, m, lambdaSize)
	free := func() int64 {
		for _, path := range []string{root, dir} {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(unix.Syncfs(int(f.Fd())), f.Close()); err != nil {
				t.Fatal(err)
			}
		}
		var s unix.Statfs_t
		if err := unix.Statfs(dir, &s); err != nil {
			t.Fatal(err)
		}
		return int64(s.Bfree) * s.Bsize
	}
	name := filepath.Join(root, "f")
	fill(t, name)
	full := free()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	// Others use the host's disk too.
	if got := free() - full; got < lambdaSize/2 {
		t.Errorf("the host got %d bytes of %d back", got, lambdaFree)
	}
}

func TestClose_Full_LeavesNothing(t *testing.T) {
	m, dir := open(t)
	d, err := m.Make(t.Context(), 64*mib)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(devices(t, dir)); n != 1 {
		t.Errorf("one disk has %d devices", n)
	}
	mount, err := d.Mount()
	if err != nil {
		t.Fatal(err)
	}
	fill(t, fmt.Sprintf("/proc/self/fd/%d/f", mount.Fd()))
	if err := errors.Join(mount.Close(), d.Close()); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestMake_Many_SideBySide(t *testing.T) {
	m, dir := open(t)
	const many = 200
	disks := make([]*disk.Disk, many)
	var wg sync.WaitGroup
	next := make(chan int)
	for range 8 {
		wg.Go(func() {
			for i := range next {
				var err error
				if disks[i], err = m.Make(t.Context(), lambdaSize); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range many {
		next <- i
	}
	close(next)
	wg.Wait()
	if n := len(devices(t, dir)); n != many {
		t.Errorf("%d disks have %d devices", many, n)
	}
	for _, d := range disks {
		if d != nil {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func BenchmarkMake(b *testing.B) {
	m, _ := open(b)
	for b.Loop() {
		d, err := m.Make(b.Context(), lambdaSize)
		if err != nil {
			b.Fatal(err)
		}
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSmallFiles(b *testing.B) {
	m, _ := open(b)
	_, root := made(b, m, lambdaSize)
	data := make([]byte, 4096)
	for b.Loop() {
		name := filepath.Join(root, "f")
		if err := errors.Join(os.WriteFile(name, data, 0o600), os.Remove(name)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSyncedFiles(b *testing.B) {
	m, _ := open(b)
	_, root := made(b, m, lambdaSize)
	data := make([]byte, 4096)
	for b.Loop() {
		name := filepath.Join(root, "f")
		f, err := os.Create(name)
		if err != nil {
			b.Fatal(err)
		}
		_, err = f.Write(data)
		if err := errors.Join(err, f.Sync(), f.Close(), os.Remove(name)); err != nil {
			b.Fatal(err)
		}
	}
}
