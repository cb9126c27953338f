package rootfs

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Attributes of mounts in a sandbox.
const (
	attrReadOnly = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
	attrWritable = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
	attrDevice   = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC
)

// Bind is a host directory or file on its way into a sandbox.
type Bind struct {
	Mount  *os.File // detached; it goes away with its last descriptor
	Target string   // absolute, in the sandbox
	// Point is the file type of a mount point that pid 1 makes for it, in a
	// directory of the sandbox's own; 0: the mount point exists.
	Point uint32
}

// openBind makes a detached mount of a host path and of what is mounted below
// it. The caller closes it.
func openBind(source, target string, attr uint64) (Bind, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, source, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return Bind{}, fmt.Errorf("open %s for the sandbox: %w", source, err)
	}
	a := unix.MountAttr{Attr_set: attr, Propagation: unix.MS_PRIVATE}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &a); err != nil {
		unix.Close(fd)
		return Bind{}, fmt.Errorf("protect %s in the sandbox: %w", source, err)
	}
	return Bind{Mount: os.NewFile(uintptr(fd), source), Target: target}, nil
}

// OpenTmp makes a detached mount of a host directory that a sandbox may write
// to. The caller closes it.
func OpenTmp(dir string) (*os.File, error) {
	b, err := openBind(dir, TmpDir, attrWritable)
	return b.Mount, err
}

// showAsRoot shows files of the host's root as files of in-sandbox root, whose
// id is another, as function code on Lambda sees them. It is best effort: old
// file systems and daemons without root cannot, and the files are nobody's then.
// users is a sandbox's user namespace.
func (b Bind) showAsRoot(users *os.File) {
	a := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(users.Fd())}
	_ = unix.MountSetattr(int(b.Mount.Fd()), "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &a)
}

// Mounts returns the descriptors of binds.
func Mounts(binds []Bind) []*os.File {
	files := make([]*os.File, len(binds))
	for i, b := range binds {
		files[i] = b.Mount
	}
	return files
}

// CloseBinds closes binds: what was not mounted by then is gone.
func CloseBinds(binds []Bind) {
	for _, b := range binds {
		b.Mount.Close()
	}
}
