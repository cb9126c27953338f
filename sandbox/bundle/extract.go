package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"
)

// Owner is a user and a group of the host.
type Owner struct{ UID, GID int }

// tree is a directory that archives are extracted into.
type tree struct {
	root   *os.Root
	owner  *Owner // nil: whoever the daemon is
	budget int64  // bytes of files that may still be written
	// made has the directories known to be there, for one archive.
	made map[string]bool
}

// openTree opens an existing directory for extraction.
func openTree(dir string, owner *Owner) (*tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	return &tree{root: root, owner: owner, budget: MaxUnzipped}, nil
}

func (t *tree) close() error { return t.root.Close() }

// extract adds an archive to the tree. What it holds replaces what was there,
// as layers do; within one archive nothing replaces anything.
func (t *tree) extract(ctx context.Context, r io.ReaderAt, size int64) error {
	plan, err := readPlan(r, size, t.budget)
	if err != nil {
		return err
	}
	t.made = map[string]bool{".": true}
	for _, e := range plan {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := t.add(e); err != nil {
			return fmt.Errorf("extract %q: %w", e.name, err)
		}
	}
	// Making an entry changes its directory's time, so those come last; the
	// order within the plan is parents first.
	for i := len(plan) - 1; i >= 0; i-- {
		if e := plan[i]; e.kind == kindDir && usable(e.mtime) {
			if err := t.root.Chtimes(e.name, e.mtime, e.mtime); err != nil {
				return fmt.Errorf("set time of %q: %w", e.name, err)
			}
		}
	}
	return nil
}

// add makes one entry.
func (t *tree) add(e entry) error {
	if err := t.makeDirs(path.Dir(e.name)); err != nil {
		return err
	}
	switch e.kind {
	case kindDir:
		return t.makeDirs(e.name)
	case kindLink:
		if err := t.root.RemoveAll(e.name); err != nil {
			return err
		}
		if err := t.root.Symlink(e.target, e.name); err != nil {
			return err
		}
		return t.own(e.name)
	default:
		return t.addFile(e)
	}
}

func (t *tree) addFile(e entry) error {
	if err := t.root.RemoveAll(e.name); err != nil {
		return err
	}
	f, err := t.root.OpenFile(e.name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, e.mode)
	if err != nil {
		return err
	}
	n, err := copyEntry(f, e.file, t.budget)
	t.budget -= n
	// The mode again, because the umask had its way with the first one.
	err = errors.Join(err, f.Chmod(e.mode), f.Close())
	if err != nil {
		return err
	}
	if usable(e.mtime) {
		if err := t.root.Chtimes(e.name, e.mtime, e.mtime); err != nil {
			return err
		}
	}
	return t.own(e.name)
}

// makeDirs makes a directory and those above it, from the top. What is in the
// way and no directory, from an earlier layer, is replaced; a link is, too.
func (t *tree) makeDirs(name string) error {
	if t.made[name] {
		return nil
	}
	if err := t.makeDirs(path.Dir(name)); err != nil {
		return err
	}
	info, err := t.root.Lstat(name)
	switch {
	case err == nil && info.IsDir():
		t.made[name] = true
		return nil
	case err == nil:
		if err := t.root.Remove(name); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := t.root.Mkdir(name, 0o755); err != nil {
		return err
	}
	if err := t.root.Chmod(name, 0o755); err != nil { // the umask
		return err
	}
	t.made[name] = true
	return t.own(name)
}

// checkLinks is for a tree of several archives, whose links may be harmless one
// by one and lead out together.
func (t *tree) checkLinks() error {
	nodes := make(map[string]entry)
	err := fs.WalkDir(t.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink == 0 {
			return err
		}
		target, err := t.root.Readlink(name)
		nodes[name] = entry{name: name, kind: kindLink, target: target}
		return err
	})
	if err != nil {
		return fmt.Errorf("check links: %w", err)
	}
	for _, e := range nodes {
		if hops := maxHops; !staysInside(nodes, e, &hops) {
			return fmt.Errorf("check link %q: %w", e.name, errUnzip())
		}
	}
	return nil
}

func (t *tree) own(name string) error {
	if t.owner == nil {
		return nil
	}
	return t.root.Lchown(name, t.owner.UID, t.owner.GID)
}

// usable says whether a time can be set on every file system. Archives without
// one have the zero time.
func usable(at time.Time) bool {
	return at.Unix() > 0 && at.Year() < 2200
}
