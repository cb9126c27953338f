package bundle

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hearthd/hearth"
)

// packTime is the time of every entry, so that the same files give the same
// archive, and an upload that changes nothing has the same digest. It is the
// earliest that the format has.
var packTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Pack writes a directory as a zip that Verify accepts: the same bytes for the
// same names, contents and executable bits. Links are kept, except that one
// which leads out of the directory is an error; .git is left out. Its errors
// are of kind ErrInvalid or ErrInvalidZip where the directory is at fault.
func Pack(ctx context.Context, dir string, w io.Writer) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("pack %s: %w", dir, err)
	}
	defer root.Close()
	p := &packer{zip: zip.NewWriter(w), root: root, budget: MaxUnzipped, names: newNames()}
	// WalkDir goes in the order of names, which makes the archive reproducible.
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case name == ".":
			return nil
		case d.Name() == ".git":
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil // a worktree's or a submodule's
		}
		return p.add(name, d)
	})
	if err == nil {
		err = p.checkLinks(ctx)
	}
	if err != nil {
		return fmt.Errorf("pack %s: %w", dir, err)
	}
	if err := p.zip.Close(); err != nil {
		return fmt.Errorf("pack %s: %w", dir, err)
	}
	return nil
}

// packer writes entries.
type packer struct {
	zip    *zip.Writer
	root   *os.Root
	budget int64
	names  *names
	count  int
}

func (p *packer) add(name string, d fs.DirEntry) error {
	if p.count++; p.count > MaxEntries {
		return hearth.Errorf(hearth.ErrInvalid, "more than %d files and directories", MaxEntries)
	}
	if clean, ok := cleanName(filepath.ToSlash(name)); !ok || clean != name {
		return hearth.Errorf(hearth.ErrInvalid, "%q cannot be the name of a file in a deployment package", name)
	}
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: packTime}
	switch {
	case d.IsDir():
		header.Name += "/"
		header.Method = zip.Store
		header.SetMode(fs.ModeDir | 0o755)
		if err := p.names.add(&entry{name: name, kind: kindDir}); err != nil {
			return err
		}
		_, err := p.zip.CreateHeader(header)
		return err
	case d.Type()&fs.ModeSymlink != 0:
		return p.addLink(name, header)
	case d.Type().IsRegular():
		if err := p.names.add(&entry{name: name, kind: kindFile}); err != nil {
			return err
		}
		return p.addFile(name, header)
	default:
		return hearth.Errorf(hearth.ErrInvalid, "%s is neither a file nor a directory nor a link", name)
	}
}

func (p *packer) addLink(name string, header *zip.FileHeader) error {
	target, err := p.root.Readlink(name)
	if err != nil {
		return err
	}
	if err := p.names.add(&entry{name: name, kind: kindLink, target: target}); err != nil {
		return err
	}
	header.SetMode(fs.ModeSymlink | 0o777)
	header.Method = zip.Store
	w, err := p.zip.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, target)
	return err
}

func (p *packer) addFile(name string, header *zip.FileHeader) error {
	f, err := p.root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	header.SetMode(0o644)
	if info.Mode()&0o111 != 0 {
		header.SetMode(0o755)
	}
	w, err := p.zip.CreateHeader(header)
	if err != nil {
		return err
	}
	n, err := io.Copy(w, io.LimitReader(f, p.budget+1))
	if err != nil {
		return err
	}
	if p.budget -= n; p.budget < 0 {
		return errUnzipped()
	}
	return nil
}

// checkLinks refuses what Verify would, and names the link.
func (p *packer) checkLinks(ctx context.Context) error {
	steps := MaxSegments
	for name, link := range p.names.links() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		target := link.target
		bad := strings.HasPrefix(target, "/") || len(target) > maxLink || strings.Contains(target, `\`) || !staysInside(link, &steps)
		switch {
		case steps < 0:
			return errLinks()
		case bad:
			return hearth.Errorf(hearth.ErrInvalid, "%s is a link that leads out of the directory, to %s", name, target)
		}
	}
	return nil
}
