package namespace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// makeTmp makes the directory of a sandbox's /tmp, owned by in-sandbox root.
func makeTmp(dir string, owner, group int) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("make /tmp: %w", err)
	}
	// Chmod last: chown may clear bits, and mkdir obeys the umask.
	if err := errors.Join(os.Chown(dir, owner, group), os.Chmod(dir, 0o777|fs.ModeSticky)); err != nil {
		return errors.Join(fmt.Errorf("make /tmp: %w", err), os.Remove(dir))
	}
	return nil
}

// removeTmp removes a directory with all that a function left in it. A tree
// may be so deep that neither a path nor the descriptors of a recursion reach
// its end: each directory is moved to the top before it is emptied.
func removeTmp(dir string) error {
	for n := 0; ; {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("remove /tmp: %w", err)
		}
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if !e.IsDir() {
				err = os.Remove(path)
			} else {
				n, err = flatten(dir, path, n)
			}
			if err != nil {
				return fmt.Errorf("remove /tmp: %w", err)
			}
		}
	}
	if err := os.Remove(dir); err != nil {
		return fmt.Errorf("remove /tmp: %w", err)
	}
	return nil
}

// flatten moves the directories in path up to top, as names that n numbers,
// and removes the rest and path itself.
func flatten(top, path string, n int) (int, error) {
	if err := os.Chmod(path, 0o700); err != nil { // the daemon may be the owner, and no more
		return n, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return n, err
	}
	for _, e := range entries {
		from := filepath.Join(path, e.Name())
		if !e.IsDir() {
			if err := os.Remove(from); err != nil {
				return n, err
			}
			continue
		}
		for {
			n++
			err := os.Rename(from, filepath.Join(top, ".hearth-"+strconv.Itoa(n)))
			if err == nil {
				break
			}
			if !errors.Is(err, fs.ErrExist) && !errors.Is(err, syscall.ENOTDIR) { // a name that the function took
				return n, err
			}
		}
	}
	return n, os.Remove(path)
}
