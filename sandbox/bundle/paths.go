package bundle

import (
	"context"
	"io"
	"os"
)

// Paths opens what users name by a path of this machine: a ZIP archive, or a
// directory as one. It has no state.
type Paths struct{}

// Open returns the archive at path, or one of the directory at path, which Pack
// makes while it is read. The caller closes it; ctx ends the packing too.
func (Paths) Open(ctx context.Context, path string) (io.ReadCloser, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return os.Open(path)
	}
	r, w := io.Pipe()
	p := &packing{PipeReader: r, done: make(chan struct{})}
	// Ends with the archive, or when the reader is closed; Close waits for it.
	go func() {
		defer close(p.done)
		w.CloseWithError(Pack(ctx, path, w)) // never fails: see io.Pipe
	}()
	return p, nil
}

// packing is a directory on its way into an archive.
type packing struct {
	*io.PipeReader

	done chan struct{}
}

func (p *packing) Close() error {
	err := p.PipeReader.Close()
	<-p.done
	return err
}
