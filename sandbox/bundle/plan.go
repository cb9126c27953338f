package bundle

import (
	"archive/zip"
	"cmp"
	"context"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// kind is what an entry becomes.
type kind int

const (
	kindDir kind = iota
	kindFile
	kindLink
)

// entry is one node of the tree that an archive describes.
type entry struct {
	name   string // clean, relative, slash-separated, below the root
	kind   kind
	file   *zip.File
	mode   fs.FileMode // of a file: 0644 or 0755
	target string      // of a link: as written
	mtime  time.Time
}

// Systems that an archive was made on, from the format's specification.
const (
	madeOnUnix = 3
	madeOnMac  = 19
)

// plan is what an archive is to become.
type plan struct {
	entries []*entry // in the archive's order
	names   *names
}

// readPlan reads the directory of an archive and decides what to make of it. Its
// error tells the user why the archive cannot be used. Its files may have budget
// bytes.
func readPlan(ctx context.Context, r io.ReaderAt, size, budget int64) (*plan, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, errUnzip()
	}
	if len(archive.File) > MaxEntries || overlapping(archive.File) {
		return nil, errUnzip()
	}
	if len(archive.File) == 0 {
		return nil, errEmpty()
	}
	p := &plan{entries: make([]*entry, 0, len(archive.File)), names: newNames()}
	for _, f := range archive.File {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		e, err := readEntry(ctx, f)
		if err != nil {
			return nil, err
		}
		if e.kind == kindFile {
			// The header may lie, and copyEntry counts; but an archive that
			// says so itself is refused before anything is written.
			if f.UncompressedSize64 > uint64(budget) {
				return nil, errUnzipped()
			}
			budget -= int64(f.UncompressedSize64)
		}
		if e.name == "." {
			continue
		}
		p.entries = append(p.entries, e)
		if err := p.names.add(e); err != nil {
			return nil, err
		}
	}
	return p, p.names.checkLinks(ctx)
}

// overlapping says whether two entries share bytes of the archive, by which a
// few megabytes can be made to unzip to as many petabytes.
func overlapping(files []*zip.File) bool {
	type span struct{ from, to uint64 }
	spans := make([]span, 0, len(files))
	for _, f := range files {
		from, err := f.DataOffset()
		if err != nil || from < 0 {
			return true
		}
		to := uint64(from) + f.CompressedSize64
		if to < uint64(from) {
			return true
		}
		if f.CompressedSize64 > 0 {
			spans = append(spans, span{uint64(from), to})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	for i := 1; i < len(spans); i++ {
		if spans[i].from < spans[i-1].to {
			return true
		}
	}
	return false
}

// readEntry judges one entry by itself.
func readEntry(ctx context.Context, f *zip.File) (*entry, error) {
	name, ok := cleanName(f.Name)
	if !ok {
		return nil, errUnzip()
	}
	e := &entry{name: name, file: f, mtime: f.Modified}
	system := f.CreatorVersion >> 8
	mode := f.Mode()
	unix := (system == madeOnUnix || system == madeOnMac) && f.ExternalAttrs>>16 != 0
	if !unix { // the archive carries no modes: everything may be executed
		mode = 0o755 | mode&fs.ModeDir
	}
	switch {
	case mode.IsDir() || strings.HasSuffix(f.Name, "/"):
		e.kind = kindDir
	case mode&fs.ModeSymlink != 0:
		e.kind = kindLink
		return e, e.readTarget(ctx)
	case mode.IsRegular():
		e.kind, e.mode = kindFile, 0o644
		if mode&0o111 != 0 {
			e.mode = 0o755
		}
	default: // devices, pipes, sockets
		return nil, errUnzip()
	}
	return e, nil
}

// cleanName resolves a name within the archive. Not acceptable are names that
// lead out of it, on this system or on the one that made it.
func cleanName(name string) (string, bool) {
	switch {
	case name == "" || len(name) > maxName || !utf8.ValidString(name):
		return "", false
	case strings.ContainsAny(name, "\\\x00"):
		return "", false
	case strings.HasPrefix(name, "/"):
		return "", false
	case len(name) >= 2 && name[1] == ':': // a drive letter
		return "", false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." || len(part) > 255 {
			return "", false
		}
	}
	return path.Clean(name), true
}

// readTarget reads where a link leads: somewhere within the archive.
func (e *entry) readTarget(ctx context.Context) error {
	var text strings.Builder
	if _, err := copyEntry(ctx, &text, e.file, maxLink); err != nil {
		return errUnzip()
	}
	e.target = text.String()
	if e.target == "" || strings.HasPrefix(e.target, "/") || strings.ContainsAny(e.target, "\\\x00") {
		return errUnzip()
	}
	return nil
}
