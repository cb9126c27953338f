package host

import (
	"context"
	"io"

	"github.com/hearthd/hearth/sandbox/bundle"
)

// OpenArchive returns the ZIP archive at a path of this machine, or one of the
// directory at the path, which is packed while it is read. The caller closes it; ctx
// ends the packing too.
func OpenArchive(ctx context.Context, path string) (io.ReadCloser, error) {
	return bundle.Paths{}.Open(ctx, path)
}
