package namespace

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hearthd/hearth/sandbox"
)

// How names resolve in a sandbox. Its host name is where the Runtime API is, and
// with the host's network, where that address is not, the loopback. Extensions
// written for the Logs API know the sandbox by the short name.
const (
	ownHosts  = "127.0.0.1\tlocalhost localhost.localdomain\n" + apiAddress + "\t" + hostname + " sandbox\n"
	hostHosts = loopback + "\tlocalhost localhost.localdomain " + hostname + " sandbox\n"
)

// bindFile is a file of the host's and what it is in a sandbox.
type bindFile struct{ source, target string }

// nameFiles are the files by which names resolve, where the skeleton's will not
// do.
func (d *Driver) nameFiles(n sandbox.Network) []bindFile {
	switch n {
	case sandbox.NetworkHost:
		return []bindFile{{"/etc/resolv.conf", "/etc/resolv.conf"}, {d.hostHosts(), "/etc/hosts"}}
	case sandbox.NetworkNAT:
		return []bindFile{{d.natResolvConf(), "/etc/resolv.conf"}}
	default:
		return nil
	}
}

func (d *Driver) natResolvConf() string { return filepath.Join(d.dir, "resolv.conf") }

func (d *Driver) hostHosts() string { return filepath.Join(d.dir, "hosts") }

// writeShown writes a file that sandboxes see.
func writeShown(name, content string) error {
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		return fmt.Errorf("write a file for sandboxes: %w", err)
	}
	return os.Chmod(name, 0o644) // the umask is none of a sandbox's business
}
