// Package bundle turns the archives that users upload into directories that
// sandboxes show, and directories into archives.
//
//	Verify   reads an archive as hostile and says whether it can be extracted
//	Pack     zips a directory: hearth deploy
//	Cache    archives by digest -> directories, extracted once and shared
//
// An archive is hostile until it has been extracted. Nothing that its headers
// say is believed: sizes are counted while bytes are written, names are
// resolved one segment at a time below a directory that the kernel will not leave
// (os.Root), links may not lead out of the tree, and no entry may be written
// through another. The work is bounded too: names by their depth and their sum,
// the time that an extraction takes, and how many extractions run at a time.
//
// A Cache directory is a sibling of what it extracts:
//
//	<dir>/<digest>         a complete tree, under its final name only when complete
//	<dir>/.partial-<n>     being extracted or removed; removed by the next New
//	<dir>/boot             the boot that the trees were extracted under
package bundle

import (
	"archive/zip"
	"context"
	"io"
	"strings"
	"time"

	"github.com/hearthd/hearth"
)

// Limits of an archive.
const (
	// MaxUnzipped is how many bytes the files of a function's package may
	// have together, in AWS's documentation 250 MB.
	MaxUnzipped = 262144000
	// MaxEntries bounds files and directories. AWS documents no limit; this is
	// what a zip without the zip64 extension can hold.
	MaxEntries = 65535
	// maxName bounds a path within the archive, in bytes: Linux's PATH_MAX,
	// less what the directory around it takes.
	maxName = 3072
	// maxLink bounds the target of a symbolic link, in bytes.
	maxLink = 1024
	// MaxDepth bounds how many segments a name has: the file system resolves each
	// segment of a path anew with every use of the path.
	MaxDepth = 128
	// MaxSegments bounds the segments of all names of an archive together, and
	// by itself the steps that it takes to follow all links of the archive.
	MaxSegments = 1 << 20
	// MaxImplied bounds the directories that are above an entry, and that no entry
	// before it names. They cost the archive two bytes each, and the host 0.1 ms.
	MaxImplied = 16384
)

// errUnzip is what AWS says of every archive it does not like.
func errUnzip() error {
	return hearth.Errorf(hearth.ErrInvalid, "Could not unzip uploaded file. Please check your file, then try to upload again.")
}

// errEmpty is what AWS says of an archive without entries.
func errEmpty() error {
	return hearth.Errorf(hearth.ErrInvalid, "Uploaded file must be a non-empty zip")
}

// errUnzipped is what AWS says of an archive that is too large.
func errUnzipped() error {
	return hearth.Errorf(hearth.ErrInvalid, "Unzipped size must be smaller than %d bytes", MaxUnzipped)
}

// errDepth, errSegments, errNodes and errLinks name bounds of hearth's own, about
// which AWS says nothing.
func errDepth(name string) error {
	const shown = 64
	if len(name) > shown {
		name = strings.ToValidUTF8(name[:shown], "") + "..."
	}
	return hearth.Errorf(hearth.ErrInvalidZip, "The name %q in the archive has more than %d segments.", name, MaxDepth)
}

func errSegments() error {
	return hearth.Errorf(hearth.ErrInvalidZip, "The names in the archive have more than %d segments together.", MaxSegments)
}

func errImplied() error {
	return hearth.Errorf(hearth.ErrInvalidZip, "The archive has files in more than %d directories that have no entry of their own.", MaxImplied)
}

func errLinks() error {
	return hearth.Errorf(hearth.ErrInvalidZip, "The links in the archive take more than %d steps to follow.", MaxSegments)
}

// errTime is for an archive whose extraction was given up.
func errTime(limit time.Duration) error {
	return hearth.Errorf(hearth.ErrInvalidZip, "The archive takes longer than %s to unzip.", limit)
}

// Verify reads a whole archive of size bytes, writing nothing, and returns how
// many bytes its files have. An archive that Verify accepts extracts. Its
// error is a *hearth.Error of kind ErrInvalid in AWS's words, one of kind
// ErrInvalidZip where only hearth has a bound, the cause of ctx, or one of r.
func Verify(ctx context.Context, r io.ReaderAt, size int64) (unzipped int64, err error) {
	plan, err := readPlan(ctx, r, size, MaxUnzipped)
	if err != nil {
		return 0, err
	}
	budget := int64(MaxUnzipped)
	for _, e := range plan.entries {
		if e.kind != kindFile {
			continue
		}
		n, err := copyEntry(ctx, io.Discard, e.file, budget)
		if err != nil {
			return 0, err
		}
		budget -= n
	}
	return MaxUnzipped - budget, nil
}

// copyEntry writes an entry's content, at most budget bytes of it. The
// checksum is verified.
func copyEntry(ctx context.Context, w io.Writer, f *zip.File, budget int64) (int64, error) {
	content, err := f.Open()
	if err != nil {
		return 0, errUnzip()
	}
	defer content.Close()
	// Errors of reading are the archive's fault, errors of writing the host's.
	source := &zipReader{ctx: ctx, r: content}
	n, err := io.Copy(w, io.LimitReader(source, budget+1))
	switch {
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case n > budget:
		return 0, errUnzipped()
	case source.failed:
		return 0, errUnzip()
	case err != nil:
		return 0, err
	}
	return n, nil
}

// zipReader remembers whether reading failed, and ends with its context.
type zipReader struct {
	ctx    context.Context
	r      io.Reader
	failed bool
}

func (z *zipReader) Read(b []byte) (int, error) {
	if z.ctx.Err() != nil {
		return 0, context.Cause(z.ctx)
	}
	n, err := z.r.Read(b)
	if err != nil && err != io.EOF {
		z.failed = true
	}
	return n, err
}
