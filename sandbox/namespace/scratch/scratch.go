// Package scratch makes and removes the directories behind a sandbox's /tmp.
// What is in them was written by function code, which may be hostile: removal
// survives trees of any depth, names of any kind and links to anywhere.
package scratch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Make makes the directory of a sandbox's /tmp, owned by in-sandbox root.
func Make(dir string, owner, group int) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("make /tmp: %w", err)
	}
	// Chmod last: chown may clear bits, and mkdir obeys the umask.
	if err := errors.Join(os.Chown(dir, owner, group), os.Chmod(dir, 0o777|fs.ModeSticky)); err != nil {
		return errors.Join(fmt.Errorf("make /tmp: %w", err), os.Remove(dir))
	}
	return nil
}

// sweepTime bounds how long removing may take: of the order of what a disk full
// of small files takes.
const sweepTime = 10 * time.Minute

// Remove removes a directory with all that a function left in it. A tree
// may be so deep that neither a path nor the descriptors of a recursion reach
// its end: each directory is moved to the top before it is emptied. A process
// of a predecessor that is just being killed may still write: what it adds is
// removed too, and no link that it makes leads out of the directory.
func Remove(dir string) error {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove /tmp: %w", err)
	}
	defer root.Close()
	r := remover{Root: root}
	for deadline := time.Now().Add(sweepTime); ; {
		if err := r.empty("."); err != nil {
			return fmt.Errorf("remove /tmp: %w", err)
		}
		if err = os.Remove(dir); !errors.Is(err, syscall.ENOTEMPTY) || time.Now().After(deadline) {
			return err
		}
	}
}

// remover empties a directory.
type remover struct {
	*os.Root
	moved int // directories moved to the top
}

// empty removes the files in a directory, and moves its directories to the top
// unless they are there.
func (r *remover) empty(dir string) error {
	f, err := r.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	entries, err := f.ReadDir(-1)
	f.Close()
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case !e.IsDir():
			err = r.remove(path)
		case dir == ".":
			if err = r.empty(path); err == nil {
				err = r.remove(path)
			}
		default:
			err = r.raise(path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// raise moves a directory to the top.
func (r *remover) raise(dir string) error {
	for {
		r.moved++
		err := r.Rename(dir, ".hearth-"+strconv.Itoa(r.moved))
		// The function may have used the name, for a directory or a file.
		switch {
		case errors.Is(err, fs.ErrExist), errors.Is(err, syscall.ENOTDIR):
		case errors.Is(err, fs.ErrNotExist):
			return nil
		default:
			return err
		}
	}
}

// remove removes a file or a directory. That it is gone, or filled again, is
// seen when the top is removed.
func (r *remover) remove(path string) error {
	err := r.Remove(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTEMPTY) {
		return nil
	}
	return err
}
