package jetstream_test

import (
	"os"
	"testing"

	"github.com/hearthd/hearth/store/jetstream/jetstreamtest"
	"github.com/hearthd/hearth/store/jetstream/stream"
	"golang.org/x/sys/unix"
)

// A disk as large as the reserve, which the file system counts.
func TestOpen_DiskThatIsFull_TakesNoWrites(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a small disk needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skipf("mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	s := jetstreamtest.Open(t, dir)
	if _, err := s.KV().Put(t.Context(), "key", []byte("value")); err != nil {
		t.Fatalf("there is room: %v", err)
	}
	if err := os.WriteFile(dir+"/other", make([]byte, 64<<20-stream.Reserve), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := s.KV().Put(t.Context(), "key", []byte("value"))
	jetstreamtest.WantFull(t, err)
}
