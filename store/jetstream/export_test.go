package jetstream

import "time"

// What the tests of the four traps need from inside.
var (
	ServerOptions = serverOptions
	StartServer   = startServer
	EncodeKey     = encodeKey
	DecodeKey     = decodeKey
)

// RemoveOrphans is removeOrphans of everything older than now.
func (s *Store) RemoveOrphans() error {
	return s.blobs.removeOrphans(s.closing, time.Now())
}

// Reserve is how many bytes of its disk a store leaves free.
const Reserve = reserve

// SetFree replaces what says how many bytes the disk has left. Call it before
// the store is written to.
func (s *Store) SetFree(free func() uint64) {
	s.room.free = func(string) (uint64, error) { return free(), nil }
}
