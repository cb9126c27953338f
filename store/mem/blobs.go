package mem

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
)

// Blobs is a store.Blobs in memory. NewBlobs makes one.
type Blobs struct {
	mu       sync.Mutex
	blobs    map[string]blob
	revision uint64
}

type blob struct {
	store.Blob
	content []byte // never written to
}

// NewBlobs returns an empty Blobs.
func NewBlobs() *Blobs { return &Blobs{blobs: map[string]blob{}} }

// Put implements store.Blobs.
func (b *Blobs) Put(ctx context.Context, digest string, r io.Reader) (store.Blob, error) {
	if err := store.CheckDigest(digest); err != nil {
		return store.Blob{}, err
	}
	content, err := io.ReadAll(r)
	if err != nil {
		return store.Blob{}, fmt.Errorf("put blob %s: %w", digest, err)
	}
	if err := context.Cause(ctx); err != nil {
		return store.Blob{}, fmt.Errorf("put blob %s: %w", digest, err)
	}
	sum := sha256.Sum256(content)
	if err := store.CheckSum(digest, sum[:]); err != nil {
		return store.Blob{}, fmt.Errorf("put blob: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.revision++
	desc := store.Blob{Digest: digest, Size: int64(len(content)), Modified: time.Now(), Revision: b.revision}
	b.blobs[digest] = blob{Blob: desc, content: content}
	return desc, nil
}

// Open implements store.Blobs.
func (b *Blobs) Open(ctx context.Context, digest string) (io.ReadCloser, error) {
	found, err := b.get(ctx, digest)
	if err != nil {
		return nil, fmt.Errorf("open blob: %w", err)
	}
	return io.NopCloser(bytes.NewReader(found.content)), nil
}

// Stat implements store.Blobs.
func (b *Blobs) Stat(ctx context.Context, digest string) (store.Blob, error) {
	found, err := b.get(ctx, digest)
	if err != nil {
		return store.Blob{}, fmt.Errorf("stat blob: %w", err)
	}
	return found.Blob, nil
}

func (b *Blobs) get(ctx context.Context, digest string) (blob, error) {
	if err := store.CheckDigest(digest); err != nil {
		return blob{}, err
	}
	if err := context.Cause(ctx); err != nil {
		return blob{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	found, ok := b.blobs[digest]
	if !ok {
		return blob{}, fmt.Errorf("%s: %w", digest, hearth.ErrNotFound)
	}
	return found, nil
}

// Delete implements store.Blobs.
func (b *Blobs) Delete(ctx context.Context, old store.Blob) error {
	if _, err := b.get(ctx, old.Digest); err != nil {
		return fmt.Errorf("delete blob: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.blobs[old.Digest].Revision; now != old.Revision {
		return fmt.Errorf("delete blob %s at revision %d, it is at %d: %w", old.Digest, old.Revision, now, hearth.ErrPrecondition)
	}
	delete(b.blobs, old.Digest)
	return nil
}

// List implements store.Blobs.
func (b *Blobs) List(ctx context.Context) ([]store.Blob, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("list blobs: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]store.Blob, 0, len(b.blobs))
	for _, found := range b.blobs {
		list = append(list, found.Blob)
	}
	slices.SortFunc(list, func(x, y store.Blob) int { return cmp.Compare(x.Digest, y.Digest) })
	return list, nil
}
