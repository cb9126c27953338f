package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/hearthd/hearth"
	"golang.org/x/sys/unix"
)

// layout is the content of DIR/LAYOUT. A later layout gets another line, and
// code that carries data over to it.
const layout = "hearth store, standalone, 1\n"

// Dir is a store directory that is this process's. Release it. The kernel frees the lock of a process
// that was killed.
type Dir struct {
	path string
	file *os.File
}

// Claim creates the directory, locks it, and checks that a standalone hearth
// wrote what is in it. hearth.ErrConflict: in use; hearth.ErrInvalid: foreign.
func Claim(path string) (_ *Dir, err error) {
	if path == "" {
		return nil, fmt.Errorf("no directory given: %w", hearth.ErrInvalid)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	d := &Dir{path: path}
	if err := d.lock(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Release())
		}
	}()
	if err := d.checkForeign(); err != nil {
		return nil, err
	}
	if err := d.checkLayout(); err != nil {
		return nil, err
	}
	return d, nil
}

// ServerDir is the server's directory. Its name tells an operator who points
// another server at it what it must not become.
func (d *Dir) ServerDir() string { return filepath.Join(d.path, "standalone") }

// String returns the path.
func (d *Dir) String() string { return d.path }

// Free returns how many bytes the file system has left for users that are not
// root.
func (d *Dir) Free() (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(d.path, &s); err != nil {
		return 0, fmt.Errorf("look for room in %s: %w", d.path, err)
	}
	return s.Bavail * uint64(s.Bsize), nil //nolint:gosec // a size
}

func (d *Dir) lock() error {
	file, err := os.OpenFile(filepath.Join(d.path, "LOCK"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		content, _ := os.ReadFile(file.Name()) // the pid is help, not proof
		_ = file.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("lock %s: %w", file.Name(), err)
		}
		return fmt.Errorf("%s is in use by process %s; stop it or choose another data directory: %w",
			d.path, strings.TrimSpace(string(content)), hearth.ErrConflict)
	}
	d.file = file
	if err := file.Truncate(0); err != nil {
		return errors.Join(err, d.Release())
	}
	if _, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return errors.Join(err, d.Release())
	}
	return nil
}

// Release unlocks. The file stays: removing it would let two processes lock
// two files of one name.
func (d *Dir) Release() error { return d.file.Close() }

// checkForeign refuses what a cluster node, or another NATS server, wrote: the
// embedded server would delete it, or not see it.
func (d *Dir) checkForeign() error {
	for trace, why := range map[string]string{
		"jetstream":                             "a NATS server used it as its own store directory",
		"standalone/jetstream/$SYS/_js_/_meta_": "a node of a NATS cluster wrote it, and would lose its streams here",
	} {
		_, err := os.Lstat(filepath.Join(d.path, trace))
		if err == nil {
			return fmt.Errorf("%s holds %s: %s; choose another data directory: %w", d.path, trace, why, hearth.ErrInvalid)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// checkLayout reads LAYOUT, or writes it into a directory without a store.
func (d *Dir) checkLayout() error {
	path := filepath.Join(d.path, "LAYOUT")
	content, err := os.ReadFile(path)
	switch {
	case err == nil && string(content) == layout:
		return nil
	case err == nil && len(content) > 0:
		return fmt.Errorf("%s was written by another version of hearth: its layout is %q, this one reads %q: %w",
			d.path, strings.TrimSpace(string(content)), strings.TrimSpace(layout), hearth.ErrInvalid)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if _, err := os.Lstat(d.ServerDir()); err == nil {
		return fmt.Errorf("%s holds a store but no LAYOUT file: it was not written by hearth, or is damaged: %w", d.path, hearth.ErrInvalid)
	}
	return writeDurable(path, layout)
}

// writeDurable writes a file whole or not at all, and both it and its name to disk.
func writeDurable(path, content string) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	_, err = file.WriteString(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err = os.Rename(file.Name(), path); err != nil {
		return err
	}
	dir, openErr := os.Open(filepath.Dir(path))
	if openErr != nil {
		return nil // renamed; a directory that cannot be opened cannot be synced
	}
	return errors.Join(dir.Sync(), dir.Close())
}
