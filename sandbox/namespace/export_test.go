//go:build linux

package namespace

import (
	"os"

	"github.com/hearthd/hearth/sandbox"
)

// SpawnerOf returns the process that a driver clones sandboxes from, for tests
// that kill it.
func SpawnerOf(d sandbox.Driver) *os.Process {
	n := d.(*Driver)
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.spawner.process
}
