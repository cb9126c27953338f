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
