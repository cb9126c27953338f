package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/hearthd/hearth"
)

// Dir is a directory whose sub-directories are buckets and whose files in those
// are objects. It has no versions. Symbolic links are followed within a bucket
// only.
type Dir struct{ path string }

// NewDir returns the buckets of a directory, which need not exist yet.
func NewDir(path string) *Dir { return &Dir{path} }

// Open opens an object, which the caller closes.
func (d *Dir) Open(_ context.Context, o hearth.S3Object) (io.ReadCloser, error) {
	if strings.ContainsAny(o.Bucket, "/\\\x00") || o.Bucket == "." || o.Bucket == ".." {
		return nil, errNoSuchBucket()
	}
	all, err := os.OpenRoot(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoSuchBucket()
	}
	if err != nil {
		return nil, fmt.Errorf("open the bucket of %s: %w", address(o), err)
	}
	defer all.Close()
	bucket, err := all.OpenRoot(o.Bucket)
	if err != nil {
		// Whatever it is, a file or a link that leads out, it is no bucket.
		return nil, errNoSuchBucket()
	}
	defer bucket.Close()
	if o.Version != "" && o.Version != "null" { // the version of objects without versions
		return nil, errNoSuchVersion()
	}
	info, err := bucket.Stat(o.Key)
	if err != nil || !info.Mode().IsRegular() {
		// Whatever it is, it is no object: S3's keys are no paths.
		return nil, errNoSuchKey()
	}
	f, err := bucket.Open(o.Key)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", address(o), err)
	}
	return f, nil
}
