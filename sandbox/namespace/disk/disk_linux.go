package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"

	"golang.org/x/sys/unix"
)

// maxTemplates bounds how many sizes are kept ready; another takes the place of
// any of them. A template takes some ten KiB of memory, and milliseconds to make.
const maxTemplates = 64

// Maker makes disks. It is safe for concurrent use.
type Maker struct {
	dir          string // where images have a name for an instant
	mkfs         string
	owner, group int

	mu        sync.Mutex
	templates map[int64]*template // by size
}

// Open returns a maker of disks that keeps images on dir's file system; it
// makes dir, or empties it. owner and group are those of the root of every disk.
// It makes one disk, of the given size, and says why when the host does not let it.
func Open(ctx context.Context, dir string, size int64, owner, group int) (*Maker, error) {
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)); err != nil {
		return nil, fmt.Errorf("directory of disks: %w", err)
	}
	mkfs, err := findMkfs()
	if err != nil {
		return nil, err
	}
	m := &Maker{dir: dir, mkfs: mkfs, owner: owner, group: group, templates: make(map[int64]*template)}
	d, err := m.Make(ctx, size)
	if err != nil {
		return nil, err
	}
	return m, d.Close()
}

// findMkfs looks where ordinary users' PATH does not lead, too.
func findMkfs() (string, error) {
	for _, name := range []string{"mkfs.ext4", "/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("mkfs.ext4: %w", exec.ErrNotFound)
}

// Disk is an empty file system of a fixed size.
type Disk struct {
	mount *os.File // detached until a sandbox moves it
	root  *os.File // its root directory
}

// Make makes an empty disk. Its owner must Close it. The first of a size takes
// tens of milliseconds, any other one or two.
func (m *Maker) Make(ctx context.Context, size int64) (*Disk, error) {
	t, err := m.template(ctx, size)
	if err != nil {
		return nil, fmt.Errorf("prepare a disk of %d bytes: %w", size, err)
	}
	image, err := m.image(t.size)
	if err != nil {
		return nil, fmt.Errorf("make a disk of %d bytes: %w", size, err)
	}
	defer image.Close() // the device holds it
	if err := t.write(image); err != nil {
		return nil, fmt.Errorf("make a disk of %d bytes: %w", size, err)
	}
	d, err := mount(image)
	if err != nil {
		return nil, fmt.Errorf("make a disk of %d bytes: %w", size, err)
	}
	return d, nil
}

// image makes an empty, sparse file without a name.
func (m *Maker) image(size int64) (*os.File, error) {
	f, err := os.CreateTemp(m.dir, "image-")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.Remove(f.Name()), f.Truncate(size)); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// mount attaches an image to a loop device and mounts that.
func mount(image *os.File) (*Disk, error) {
	device, err := attach(image)
	if err != nil {
		return nil, err
	}
	defer device.Close() // the mount holds it; without one it detaches itself
	m, err := mountDevice(device.Name())
	if err != nil {
		return nil, err
	}
	root, err := unix.Openat(int(m.Fd()), ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		m.Close()
		return nil, fmt.Errorf("open the root: %w", err)
	}
	return &Disk{mount: m, root: os.NewFile(uintptr(root), device.Name())}, nil
}

// mountDevice mounts without a trace in any mount namespace.
func mountDevice(device string) (*os.File, error) {
	fd, err := unix.Fsopen("ext4", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("open ext4: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.FsconfigSetString(fd, "source", device); err != nil {
		return nil, fmt.Errorf("mount %s: %w", device, err)
	}
	for _, flag := range []string{
		"noinit_itable", // or a kernel thread would fill in what mkfs left sparse
		"nobarrier",     // nothing here is meant to survive a power cut
		"discard",       // give blocks of deleted files back to the host
	} {
		if err := unix.FsconfigSetFlag(fd, flag); err != nil {
			return nil, fmt.Errorf("mount %s: option %s: %w", device, flag, err)
		}
	}
	if err := unix.FsconfigCreate(fd); err != nil {
		return nil, fmt.Errorf("mount %s: %w", device, err)
	}
	mnt, err := unix.Fsmount(fd, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOATIME)
	if err != nil {
		return nil, fmt.Errorf("mount %s: %w", device, err)
	}
	return os.NewFile(uintptr(mnt), device), nil
}

// Mount returns the mount, for a sandbox to move to its place; once. It has no
// set-uid programs and no devices. The caller closes the file.
func (d *Disk) Mount() (*os.File, error) {
	fd, err := unix.FcntlInt(d.mount.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("mount a disk: %w", err)
	}
	return os.NewFile(uintptr(fd), d.mount.Name()), nil
}

// shutdown is EXT4_IOC_SHUTDOWN, and noFlush its EXT4_GOING_FLAGS_NOLOGFLUSH.
const (
	shutdown = 0x8004587d
	noFlush  = 2
)

// dropFrom is from how many used blocks on a disk is shut down before it is
// unmounted, which writes back what the host's disk does not have yet. A
// shutdown is faster for more, but raises an alert in the kernel's log.
const dropFrom = 8 << 20 / blockSize

// Close removes the disk with all that is on it. No process may use it any
// more.
func (d *Disk) Close() error {
	var s unix.Statfs_t
	err := unix.Fstatfs(int(d.root.Fd()), &s)
	if err == nil && s.Blocks-s.Bfree >= dropFrom {
		err = unix.IoctlSetPointerInt(int(d.root.Fd()), shutdown, noFlush)
	}
	if err != nil {
		err = fmt.Errorf("drop what is on a disk: %w", err)
	}
	return errors.Join(err, d.mount.Close(), d.root.Close())
}
