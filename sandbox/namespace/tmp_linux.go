package namespace

import (
	"context"
	"os"
	"path/filepath"
	"strconv"

	"github.com/hearthd/hearth/sandbox/namespace/disk"
	"github.com/hearthd/hearth/sandbox/namespace/rootfs"
	"github.com/hearthd/hearth/sandbox/namespace/scratch"
)

// defaultTmpBytes is Spec.TmpBytes when that is 0, and what spares have:
// Lambda's EphemeralStorage.
const defaultTmpBytes = 512 << 20

// tmp is what is behind a sandbox's /tmp: a disk of its own, or a directory
// where the host allows none. The zero value is nothing yet.
type tmp struct {
	size int64 // in bytes, as in the Spec
	disk *disk.Disk
	dir  string
}

// openTmp removes the /tmp directories of a predecessor and finds out whether
// those of this driver can be disks.
func (d *Driver) openTmp(ctx context.Context) error {
	dir := filepath.Join(d.dir, "tmp")
	if err := scratch.Remove(dir); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o711); err != nil {
		return err
	}
	d.disks, d.noDisks = disk.Open(ctx, filepath.Join(d.dir, "disks"), defaultTmpBytes, d.ids.Root(), d.ids.RootGroup())
	return nil
}

// provideTmp gives the cell an empty /tmp of a size, unless it has one. Nothing
// may have been written to that.
func (c *cell) provideTmp(ctx context.Context, size int64) error {
	if size <= 0 {
		size = defaultTmpBytes
	}
	if c.tmp.size == size {
		return nil
	}
	if err := c.tmp.remove(); err != nil {
		return err
	}
	c.tmp = tmp{}
	if c.driver.disks != nil {
		made, err := c.driver.disks.Make(ctx, size)
		if err != nil {
			return err
		}
		c.tmp = tmp{size: size, disk: made}
		return nil
	}
	dir := filepath.Join(c.driver.dir, "tmp", strconv.Itoa(c.slot))
	if err := scratch.Make(dir, c.driver.ids.Root(), c.driver.ids.RootGroup()); err != nil {
		return err
	}
	c.tmp = tmp{size: size, dir: dir}
	return nil
}

// open returns it as a detached mount, once. The caller closes that.
func (t tmp) open() (*os.File, error) {
	if t.disk == nil {
		return rootfs.OpenTmp(t.dir)
	}
	return t.disk.Mount()
}

// remove removes it with all that is in it.
func (t tmp) remove() error {
	switch {
	case t.disk != nil:
		return t.disk.Close()
	case t.dir != "":
		return scratch.Remove(t.dir)
	default:
		return nil
	}
}
