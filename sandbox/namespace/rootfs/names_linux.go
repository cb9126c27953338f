package rootfs

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hearthd/hearth/sandbox"
)

// Hostname is what a sandbox calls itself; it resolves, as Java wants.
const Hostname = "sandbox.localdomain"

// Address is the sandbox's own, as on Lambda: its host name resolves to it, and
// the Runtime API is there. With the host's network it is not the sandbox's to
// have, and the name resolves to Loopback.
const (
	Address  = "169.254.100.1"
	Loopback = "127.0.0.1"
)

// Contents of /etc/hosts. Extensions written for the Logs API know the sandbox
// by the short name.
const (
	ownHosts  = "127.0.0.1\tlocalhost localhost.localdomain\n" + Address + "\t" + Hostname + " sandbox\n"
	hostHosts = Loopback + "\tlocalhost localhost.localdomain " + Hostname + " sandbox\n"
)

// bindFile is a file of the host's and what it is in a sandbox.
type bindFile struct{ source, target string }

// nameFiles are the files by which names resolve, where the skeleton's will not
// do.
func (s *Skeleton) nameFiles(n sandbox.Network) []bindFile {
	switch n {
	case sandbox.NetworkHost:
		return []bindFile{{"/etc/resolv.conf", "/etc/resolv.conf"}, {s.hostHosts(), "/etc/hosts"}}
	case sandbox.NetworkNAT:
		return []bindFile{{s.natResolvConf(), "/etc/resolv.conf"}}
	default:
		return nil
	}
}

// WriteResolvConf sets what is /etc/resolv.conf in sandboxes with NAT, which
// there can be none of before.
func (s *Skeleton) WriteResolvConf(content string) error {
	return writeShown(s.natResolvConf(), content)
}

func (s *Skeleton) natResolvConf() string { return filepath.Join(s.state, "resolv.conf") }

func (s *Skeleton) hostHosts() string { return filepath.Join(s.state, "hosts") }

// writeShown writes a file that sandboxes see.
func writeShown(name, content string) error {
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		return fmt.Errorf("write a file for sandboxes: %w", err)
	}
	return os.Chmod(name, 0o644) // the umask is none of a sandbox's business
}
