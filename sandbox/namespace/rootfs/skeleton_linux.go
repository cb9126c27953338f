package rootfs

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Skeleton is the directory that all sandboxes of a driver have as their root:
// mount points, a few files in /etc, and nothing that depends on a function.
// It is read-only in sandboxes and grows from outside: a new mount point shows
// in all of them at once, as an empty directory.
type Skeleton struct {
	dir   string
	root  *os.Root // dir, for paths that must not leave it
	state string   // the directory that it is in, beside files that sandboxes see

	mu     sync.Mutex
	points map[string]bool // mount points that exist
	memory map[int64]bool  // sizes that there is a memoryFile of
}

// Places of a sandbox that every one has.
const (
	TaskDir    = "/var/task"
	RuntimeDir = "/var/runtime"
	OptDir     = "/opt"
	LangDir    = "/var/lang"
	TmpDir     = "/tmp"
)

// hostTrees are the host's programs and libraries: symbolic links in the root
// are repeated, directories are bound.
var hostTrees = [...]string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"}

// hostConfig are directories in /etc that programs read: certificates, and the
// targets of Debian's links. Patterns of path.Match.
var hostConfig = [...]string{"/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/crypto-policies", "/etc/alternatives", "/etc/java*", "/etc/fonts"}

// hostFiles are copied when a driver starts.
var hostFiles = [...]string{"/etc/os-release", "/etc/ld.so.cache", "/etc/services", "/etc/protocols", "/etc/mime.types"}

// hostDevices are all that a sandbox has.
var hostDevices = [...]string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}

// etcFiles are written into the skeleton. localhost is IPv4 alone, as on Lambda:
// clients that try ::1 first would miss servers on 127.0.0.1.
var etcFiles = map[string]string{
	"etc/passwd":        "root:x:0:0:root:/root:/sbin/nologin\nsbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n",
	"etc/group":         "root:x:0:\nsbx_user1051:x:990:\nnogroup:x:65534:\n",
	"etc/hosts":         ownHosts,
	"etc/Hostname":      Hostname + "\n",
	"etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nprotocols: files\nservices: files\n",
	"etc/resolv.conf":   "# No network: only the names in /etc/hosts resolve.\n",
	"etc/host.conf":     "multi on\n",
}

// entrypoint is the program that AWS's base images begin with. Function code finds it
// there, and tools that look where they are ask for it.
const (
	entrypoint     = "/lambda-entrypoint.sh"
	entrypointText = `#!/bin/sh
# Runs the bootstrap with the handler that is named.
if [ $# -ne 1 ]; then
	echo "lambda-entrypoint.sh: name the handler as the only argument" >&2
	exit 142
fi
export _HANDLER="$1"
for bootstrap in /var/runtime/bootstrap /var/task/bootstrap /opt/bootstrap; do
	if [ -x "$bootstrap" ]; then
		exec "$bootstrap"
	fi
done
echo "lambda-entrypoint.sh: there is no bootstrap" >&2
exit 127
`
)

// New makes the directory anew, in the state directory of a driver. The caller
// must close the skeleton.
func New(state string) (*Skeleton, error) {
	dir := filepath.Join(state, "root")
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("remove old root: %w", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make root: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("make root: %w", err)
	}
	s := &Skeleton{dir: dir, root: root, state: state, points: make(map[string]bool), memory: make(map[int64]bool)}
	if err := s.fill(); err != nil {
		return nil, errors.Join(fmt.Errorf("make root: %w", err), root.Close())
	}
	return s, nil
}

// Dir is the directory's path on the host.
func (s *Skeleton) Dir() string { return s.dir }

// Open makes a detached mount of the directory. The caller closes it.
func (s *Skeleton) Open() (*os.File, error) {
	b, err := openBind(s.dir, "/", attrReadOnly)
	return b.Mount, err
}

// fill writes what is not bound.
func (s *Skeleton) fill() error {
	for _, d := range []string{TaskDir, RuntimeDir, OptDir, LangDir, TmpDir, "/proc", "/sys", "/run", "/etc", "/dev/shm", "/var/tmp", "/root", "/home"} {
		if err := s.directory(d); err != nil {
			return err
		}
	}
	for name, content := range etcFiles {
		if err := s.root.WriteFile(name, []byte(content), 0o644); err != nil {
			return err
		}
	}
	if err := s.root.WriteFile(entrypoint[1:], []byte(entrypointText), 0o755); err != nil {
		return err
	}
	for _, f := range hostFiles {
		content, err := os.ReadFile(f)
		if err != nil {
			continue // not on this host
		}
		if err := s.root.WriteFile(f[1:], content, 0o644); err != nil {
			return err
		}
	}
	links := map[string]string{
		"dev/fd": "/proc/self/fd", "dev/stdin": "/proc/self/fd/0", "dev/stdout": "/proc/self/fd/1", "dev/stderr": "/proc/self/fd/2",
		"etc/mtab": "/proc/self/mounts",
	}
	if target, err := filepath.EvalSymlinks("/etc/localtime"); err == nil && strings.HasPrefix(target, "/usr/") {
		links["etc/localtime"] = target
	}
	for _, p := range hostTrees { // such as /bin -> usr/bin
		if target, err := os.Readlink(p); err == nil {
			links[p[1:]] = target
		}
	}
	for name, target := range links {
		if err := s.root.Symlink(target, name); err != nil {
			return err
		}
	}
	return writeShown(s.hostHosts(), hostHosts)
}

// HostBinds opens the parts of the host that all sandboxes see. The caller
// closes them, also those that come with an error.
func (s *Skeleton) HostBinds() (binds []Bind, err error) {
	addAt := func(source, target string, attr uint64) error {
		if err := s.mountPoint(source, target, false); err != nil {
			return err
		}
		b, err := openBind(source, target, attr)
		if err == nil {
			binds = append(binds, b)
		}
		return err
	}
	add := func(p string, attr uint64) error { return addAt(p, p, attr) }
	trees := slices.DeleteFunc(slices.Clone(hostTrees[:]), func(p string) bool {
		info, err := os.Lstat(p)
		return err != nil || !info.IsDir() // not on this host, or a link
	})
	for _, pattern := range hostConfig {
		found, _ := filepath.Glob(pattern) // the patterns are well-formed
		trees = append(trees, found...)
	}
	for _, p := range trees {
		if err := add(p, attrReadOnly); err != nil {
			return binds, err
		}
	}
	if bash, sh := shell(); bash != "" {
		if err := addAt(bash, sh, attrReadOnly); err != nil {
			return binds, err
		}
	}
	for _, p := range hostDevices {
		if err := add(p, attrDevice); err != nil {
			return binds, err
		}
	}
	// The kernel lets a sandbox mount its own /proc only where it sees one
	// already; its own then covers this one.
	return binds, add("/proc", 0)
}

// shell returns bash, and the dash that it is to stand for: /bin/sh is bash on
// Amazon Linux, and bootstraps use its options. Nothing is returned where that
// is so already, or where there is no bash; other programs than dash may be
// more than a shell.
func shell() (bash, sh string) {
	sh, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil || filepath.Base(sh) != "dash" || !strings.HasPrefix(sh, "/usr/") {
		return "", ""
	}
	bash, err = filepath.EvalSymlinks("/bin/bash")
	if err != nil {
		return "", ""
	}
	return bash, sh
}

// checkTarget refuses what cannot be a mount point.
func checkTarget(target string) error {
	if !path.IsAbs(target) || path.Clean(target) != target || target == "/" {
		return fmt.Errorf("mount point %q is not an absolute, clean path", target)
	}
	return nil
}

// mountPoint sees to it that target can have source mounted on it. layers says
// that something is mounted at /opt.
func (s *Skeleton) mountPoint(source, target string, layers bool) error {
	if err := checkTarget(target); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.points[target] || s.covered(target, layers) {
		return nil
	}
	info, err := os.Stat(source)
	if err != nil {
		return fmt.Errorf("mount %s: %w", target, err)
	}
	if info.IsDir() {
		err = s.directory(target)
	} else if err = s.directory(path.Dir(target)); err == nil {
		var f *os.File
		if f, err = s.root.OpenFile(target[1:], os.O_CREATE|os.O_RDONLY, 0o644); err == nil {
			err = f.Close()
		}
	}
	if err != nil {
		return fmt.Errorf("make mount point %s: %w", target, err)
	}
	s.points[target] = true
	return nil
}

// covered says that a path is within something that is mounted, or behind a
// link to it: it must exist there already.
func (s *Skeleton) covered(target string, layers bool) bool {
	for _, tree := range hostTrees {
		if strings.HasPrefix(target, tree+"/") {
			return true
		}
	}
	for _, d := range []string{TaskDir, RuntimeDir, LangDir, TmpDir, "/proc"} {
		if strings.HasPrefix(target, d+"/") {
			return true
		}
	}
	return layers && strings.HasPrefix(target, OptDir+"/")
}

// directory makes a directory and its parents.
func (s *Skeleton) directory(p string) error { return s.root.MkdirAll(p[1:], 0o755) }

// Close frees the skeleton. Sandboxes that have it as their root keep it.
func (s *Skeleton) Close() error { return s.root.Close() }
