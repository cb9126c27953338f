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
	n.spawning.Lock()
	defer n.spawning.Unlock()
	return n.spawner.process
}

// SubordinateRange returns the base and size of the range of ids that a file
// like /etc/subuid gives to one of names.
func SubordinateRange(file string, names ...string) (base, count int, err error) {
	p, err := subordinateRange(file, names)
	return p.base, p.count, err
}
