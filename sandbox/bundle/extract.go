package bundle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"
)

// Owner is a user and a group of the host.
type Owner struct{ UID, GID int }

// tree is a directory that archives are extracted into.
type tree struct {
	root   *os.Root
	owner  *Owner // nil: whoever the daemon is
	budget int64  // bytes of files that may still be written
	made   *names // what is there
}

// openTree opens an empty directory for extraction.
func openTree(dir string, owner *Owner) (*tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	return &tree{root: root, owner: owner, budget: MaxUnzipped, made: newNames()}, nil
}

func (t *tree) close() error { return t.root.Close() }

// extract adds an archive to the tree. What it holds replaces what was there,
// as layers do; within one archive nothing replaces anything.
func (t *tree) extract(ctx context.Context, r io.ReaderAt, size int64) error {
	plan, err := readPlan(ctx, r, size, t.budget)
	if err != nil {
		return err
	}
	return t.fill(ctx, t.root, plan.names.root, t.made.root)
}

// fill makes what a directory is to have. Every name is one segment below the open
// directory, so that the work grows with the archive and not with its depth too.
// made is what the directory has; it is kept up to date.
func (t *tree) fill(ctx context.Context, dir *os.Root, planned, made *node) error {
	for _, name := range order(planned) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := planned.children[name]
		var err error
		if n.kind == kindDir {
			err = t.addDir(ctx, dir, name, n, made)
		} else {
			if err = t.addLeaf(ctx, dir, name, n, made); err != nil {
				err = fmt.Errorf("extract %q: %w", n.entry.name, err)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// order returns the names of a directory in the order in which they are made. Links
// come last, so that no file can be written through one.
func order(dir *node) []string {
	return slices.SortedFunc(maps.Keys(dir.children), func(a, b string) int {
		return cmp.Or(cmp.Compare(dir.children[a].kind, dir.children[b].kind), cmp.Compare(a, b))
	})
}

// addDir makes a directory with all that is in it. What is in the way and no
// directory, from an earlier layer, is replaced; a link is, too.
func (t *tree) addDir(ctx context.Context, dir *os.Root, name string, n, made *node) error {
	there := made.child(name)
	if there == nil || there.kind != kindDir {
		if err := t.makeDir(dir, name, there != nil); err != nil {
			return fmt.Errorf("make directory %q: %w", name, err)
		}
		there = &node{kind: kindDir}
		made.set(name, there)
	}
	if len(n.children) > 0 {
		below, err := dir.OpenRoot(name)
		if err != nil {
			return err
		}
		err = t.fill(ctx, below, n, there)
		if err := errors.Join(err, below.Close()); err != nil {
			return err
		}
	}
	// Making an entry changes its directory's time, so the time comes last.
	if n.entry != nil && usable(n.entry.mtime) {
		return dir.Chtimes(name, n.entry.mtime, n.entry.mtime)
	}
	return nil
}

func (t *tree) makeDir(dir *os.Root, name string, replace bool) error {
	if replace {
		if err := dir.Remove(name); err != nil {
			return err
		}
	}
	if err := dir.Mkdir(name, 0o755); err != nil {
		return err
	}
	if err := dir.Chmod(name, 0o755); err != nil { // the umask
		return err
	}
	return t.own(dir, name)
}

// addLeaf makes a file or a link.
func (t *tree) addLeaf(ctx context.Context, dir *os.Root, name string, n, made *node) error {
	if made.child(name) != nil {
		if err := dir.RemoveAll(name); err != nil {
			return err
		}
	}
	made.set(name, &node{kind: n.kind, target: n.target})
	if n.kind == kindFile {
		return t.addFile(ctx, dir, name, n.entry)
	}
	if err := dir.Symlink(n.target, name); err != nil {
		return err
	}
	return t.own(dir, name)
}

func (t *tree) addFile(ctx context.Context, dir *os.Root, name string, e *entry) error {
	f, err := dir.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, e.mode)
	if err != nil {
		return err
	}
	n, err := copyEntry(ctx, f, e.file, t.budget)
	t.budget -= n
	// The mode again, because the umask had its way with the first one.
	err = errors.Join(err, f.Chmod(e.mode), f.Close())
	if err != nil {
		return err
	}
	if usable(e.mtime) {
		if err := dir.Chtimes(name, e.mtime, e.mtime); err != nil {
			return err
		}
	}
	return t.own(dir, name)
}

func (t *tree) own(dir *os.Root, name string) error {
	if t.owner == nil {
		return nil
	}
	return dir.Lchown(name, t.owner.UID, t.owner.GID)
}

// usable says whether a time can be set on every file system. Archives without
// one have the zero time.
func usable(at time.Time) bool {
	return at.Unix() > 0 && at.Year() < 2200
}
