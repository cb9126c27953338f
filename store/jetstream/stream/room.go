package stream

import (
	"fmt"

	"github.com/hearthd/hearth"
)

// Reserve is how many bytes of its file system the embedded store leaves free.
// A write that meets a full disk breaks its stream until the server is started
// again, also when there is room by then; so none is begun that could. It has
// room for what several writers begin at once, and for what the server writes by
// itself.
const Reserve = 32 << 20

// Disk is where a server of this process keeps its streams.
type Disk interface {
	// Free returns how many bytes are left for users that are not root.
	Free() (uint64, error)
	// String names the directory.
	String() string
}

// RoomFor returns hearth.ErrUnavailable when a write of n bytes would leave less
// than the Reserve. The disk of servers elsewhere has no end. Writers ask before
// they write.
func (s *Stream) RoomFor(n int) error { return s.conn.room(uint64(n) + Reserve) } //nolint:gosec // a length

// RoomForDeletion is RoomFor for what makes room: it may take half of the Reserve.
func (s *Stream) RoomForDeletion() error { return s.conn.room(Reserve / 2) }

func (c *Conn) room(needed uint64) error {
	if c.disk == nil {
		return nil
	}
	free, err := c.disk.Free()
	if err != nil {
		return err
	}
	if free < needed {
		full := hearth.Errorf(hearth.ErrUnavailable, "The disk of the daemon's data directory is full.")
		return fmt.Errorf("%v: %d MB are free, of which %d are kept: %w", c.disk, free>>20, Reserve>>20, full)
	}
	return nil
}
