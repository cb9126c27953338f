// Package bundle turns the archives that users upload into directories that
// sandboxes show, and directories into archives.
//
//	Verify   reads an archive as hostile and says whether it can be extracted
//	Pack     zips a directory: hearth deploy
//	Cache    archives by digest -> directories, extracted once and shared
//
// An archive is hostile until it has been extracted. Nothing that its headers
// say is believed: sizes are counted while bytes are written, names are
// resolved below a directory that the kernel will not leave (os.Root), links
// may not lead out of the tree, and no entry may be written through another.
//
// A Cache directory is a sibling of what it extracts:
//
//	<dir>/<digest>         a complete tree, under its final name only when complete
//	<dir>/.partial-<n>     being extracted or removed; removed by the next New
//	<dir>/boot             the boot that the trees were extracted under
package bundle

import (
	"archive/zip"
	"io"

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

// Verify reads a whole archive of size bytes, writing nothing, and returns how
// many bytes its files have. An archive that Verify accepts extracts. Its
// error is a *hearth.Error of kind ErrInvalid in AWS's words, or one of r.
func Verify(r io.ReaderAt, size int64) (unzipped int64, err error) {
	plan, err := readPlan(r, size, MaxUnzipped)
	if err != nil {
		return 0, err
	}
	budget := int64(MaxUnzipped)
	for _, e := range plan {
		if e.kind != kindFile {
			continue
		}
		n, err := copyEntry(io.Discard, e.file, budget)
		if err != nil {
			return 0, err
		}
		budget -= n
	}
	return MaxUnzipped - budget, nil
}

// copyEntry writes an entry's content, at most budget bytes of it. The
// checksum is verified.
func copyEntry(w io.Writer, f *zip.File, budget int64) (int64, error) {
	content, err := f.Open()
	if err != nil {
		return 0, errUnzip()
	}
	defer content.Close()
	// Errors of reading are the archive's fault, errors of writing the host's.
	source := &zipReader{r: content}
	n, err := io.Copy(w, io.LimitReader(source, budget+1))
	switch {
	case n > budget:
		return 0, errUnzipped()
	case source.failed:
		return 0, errUnzip()
	case err != nil:
		return 0, err
	}
	return n, nil
}

// zipReader remembers whether reading failed.
type zipReader struct {
	r      io.Reader
	failed bool
}

func (z *zipReader) Read(b []byte) (int, error) {
	n, err := z.r.Read(b)
	if err != nil && err != io.EOF {
		z.failed = true
	}
	return n, err
}
