// Package code reads the archives that users name on the command line and in
// settings: a ZIP file, or a directory as one.
package code

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/node/host"
)

// maxArchive is the size in bytes that AWS accepts of an archive in a request.
const maxArchive = 50 << 20

// Open returns the ZIP archive at path, or one of the directory at path, which is
// packed while it is read. The caller closes it; ctx ends the packing too.
func Open(ctx context.Context, path string) (io.ReadCloser, error) {
	return host.OpenArchive(ctx, path)
}

// Read returns what Open does, whole. A path that is not there, and an archive
// that is larger than a request may carry, are usage errors.
func Read(ctx context.Context, path string) ([]byte, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, exit.Usagef("%w", err)
	}
	archive, err := readAll(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("read the code in %s: %w", path, err)
	}
	if len(archive) > maxArchive {
		return nil, exit.Usagef("the archive of %s is larger than the %d bytes that a request may carry", path, maxArchive)
	}
	return archive, nil
}

// readAll reads at most one byte more than maxArchive.
func readAll(ctx context.Context, path string) ([]byte, error) {
	r, err := Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer r.Close() // read only
	var archive bytes.Buffer
	_, err = io.Copy(&archive, io.LimitReader(r, maxArchive+1))
	return archive.Bytes(), err
}
