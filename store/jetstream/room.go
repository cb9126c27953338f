package jetstream

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth"
)

// reserve is how many bytes of its file system the embedded store leaves free.
// A write that meets a full disk breaks its stream until the server is started
// again, also when there is room by then; so none is begun that could. It has
// room for what several writers begin at once, and for what the server writes by
// itself.
const reserve = 32 << 20

// room says no to writes that the disk may not have room for.
type room struct {
	dir  string
	free func(dir string) (uint64, error) // bytes
}

// freeBytes is what a file system has left for users that are not root.
func freeBytes(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("look for room in %s: %w", dir, err)
	}
	return s.Bavail * uint64(s.Bsize), nil //nolint:gosec // a size
}

// forBytes returns hearth.ErrUnavailable when a write of n bytes would leave less than
// the reserve. A nil room is that of servers elsewhere, and has no end.
func (r *room) forBytes(n int) error { return r.check(uint64(n) + reserve) } //nolint:gosec // a length

// forDeletion is forBytes for what makes room: it may take half of the reserve.
func (r *room) forDeletion() error { return r.check(reserve / 2) }

func (r *room) check(needed uint64) error {
	if r == nil {
		return nil
	}
	free, err := r.free(r.dir)
	if err != nil {
		return err
	}
	if free < needed {
		full := hearth.Errorf(hearth.ErrUnavailable, "The disk of the daemon's data directory is full.")
		return fmt.Errorf("%s: %d MB are free, of which %d are kept: %w", r.dir, free>>20, reserve>>20, full)
	}
	return nil
}
