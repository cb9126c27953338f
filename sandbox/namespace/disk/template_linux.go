package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"

	"golang.org/x/sys/unix"
)

// blockSize is that of the file systems, in bytes.
const blockSize = 4096

// extra is how much more than its nominal size a /tmp of Lambda's takes.
const extra = 357 * blockSize

// features of the file systems: no journal, for there is nothing to recover,
// and nothing else that takes space. Named one by one, not by the host's taste.
const features = "none,dir_index,dir_nlink,ext_attr,extent,extra_isize,filetype,flex_bg,huge_file,large_file,metadata_csum,sparse_super,64bit"

// template is what mkfs wrote for one size.
type template struct {
	size  int64 // of the image
	parts []part
}

type part struct {
	offset int64
	data   []byte
}

// template returns the template of a size, which it may have to make.
func (m *Maker) template(ctx context.Context, size int64) (*template, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t := m.templates[size]; t != nil {
		return t, nil
	}
	t, err := m.makeTemplate(ctx, size)
	if err != nil {
		return nil, err
	}
	if len(m.templates) >= maxTemplates {
		for other := range m.templates {
			delete(m.templates, other)
			break
		}
	}
	m.templates[size] = t
	return t, nil
}

// makeTemplate makes file systems until one has room for exactly size bytes and
// Lambda's extra: what the file system itself takes depends on its size.
func (m *Maker) makeTemplate(ctx context.Context, size int64) (*template, error) {
	want := (size + extra + blockSize - 1) / blockSize
	const tries = 5
	total := want + want/16
	for i := range tries {
		t, free, err := m.format(ctx, total)
		if err != nil {
			return nil, err
		}
		// The last try is good when there is enough room.
		if free == want || i == tries-1 && free > want {
			return t, nil
		}
		total += want - free
	}
	return nil, errors.New("no file system has that size")
}

// format makes a file system of so many blocks, and counts those that files
// can use.
func (m *Maker) format(ctx context.Context, blocks int64) (t *template, free int64, err error) {
	f, err := os.CreateTemp(m.dir, "template-")
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	if err := f.Truncate(blocks * blockSize); err != nil {
		return nil, 0, err
	}
	cmd := exec.CommandContext(ctx, m.mkfs, "-q", "-F", "-b", strconv.Itoa(blockSize), "-m", "0", "-O", features,
		"-I", "256", "-i", strconv.Itoa(blockSize), // an inode for each block: small files run out of blocks first
		"-E", "nodiscard,lazy_itable_init=1", f.Name())
	cmd.Env = []string{"MKE2FS_CONFIG=/dev/null"}
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, 0, fmt.Errorf("mkfs.ext4: %w: %s", err, out)
	}
	if free, err = m.furnish(f); err != nil {
		return nil, 0, err
	}
	t, err = readTemplate(f, blocks*blockSize)
	return t, free, err
}

// furnish gives the root directory its owner and mode, and leaves nothing in it.
// It returns the number of free blocks.
func (m *Maker) furnish(image *os.File) (free int64, err error) {
	d, err := mount(image)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.mount.Close(), d.root.Close()) }()
	root := int(d.root.Fd())
	var s unix.Statfs_t
	for _, step := range []func() error{
		func() error { return unix.Unlinkat(root, "lost+found", unix.AT_REMOVEDIR) },
		func() error { return unix.Fchown(root, m.owner, m.group) },
		func() error { return unix.Fchmod(root, 0o1777) },
		func() error { return unix.Syncfs(root) },
		func() error { return unix.Fstatfs(root, &s) },
	} {
		if err := step(); err != nil {
			return 0, fmt.Errorf("furnish a disk: %w", err)
		}
	}
	return int64(s.Bavail), nil
}

// readTemplate reads the parts of an image that are not holes.
func readTemplate(f *os.File, size int64) (*template, error) {
	t := &template{size: size}
	for end := int64(0); ; {
		start, err := f.Seek(end, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return t, nil
		}
		if err == nil {
			end, err = f.Seek(start, unix.SEEK_HOLE)
		}
		if err != nil {
			return nil, fmt.Errorf("read a template: %w", err)
		}
		data := make([]byte, end-start)
		if _, err := f.ReadAt(data, start); err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read a template: %w", err)
		}
		t.parts = append(t.parts, part{start, data})
	}
}

// write puts the file system into an empty image.
func (t *template) write(image *os.File) error {
	for _, p := range t.parts {
		if _, err := image.WriteAt(p.data, p.offset); err != nil {
			return err
		}
	}
	return nil
}
