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
	p, err := os.FindProcess(n.spawner.Pid())
	if err != nil {
		panic(err) // it never fails on Linux
	}
	return p
}
