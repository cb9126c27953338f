package bundle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// spool copies an archive into a file, because a zip is read from its end and
// a source need not be able to seek. The content has to be what its digest
// says. The caller closes the file, which has no name any more.
func (c *Cache) spool(ctx context.Context, a Archive) (_ *os.File, size int64, err error) {
	source, size, err := a.Open(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("open archive %s: %w", a.Digest, err)
	}
	defer source.Close()
	if size < 0 || size > MaxUnzipped {
		return nil, 0, errUnzipped()
	}
	f, err := os.CreateTemp(c.dir, partial)
	if err != nil {
		return nil, 0, fmt.Errorf("spool archive: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if err := os.Remove(f.Name()); err != nil {
		return nil, 0, fmt.Errorf("spool archive: %w", err)
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), io.LimitReader(source, size+1))
	if err != nil {
		return nil, 0, fmt.Errorf("read archive %s: %w", a.Digest, err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); n != size || got != a.Digest {
		return nil, 0, fmt.Errorf("read archive %s: got %d bytes of digest %s, expected %d", a.Digest, n, got, size)
	}
	return f, size, nil
}

// evict removes trees that nobody uses, the least recently used first, until
// the rest fits.
func (c *Cache) evict() error {
	var errs []error
	for {
		victim, name, err := c.pick()
		if victim == nil || err != nil {
			return errors.Join(append(errs, err)...)
		}
		if err := os.RemoveAll(name); err != nil {
			errs = append(errs, fmt.Errorf("evict bundle %s: %w", victim.key, err))
		}
	}
}

// pick takes the next tree to remove out of the cache and gives it a name
// under which it cannot be mistaken for a complete one. A rename is quick
// enough to hold the lock over; a removal is not.
func (c *Cache) pick() (*cached, string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var unused []*cached
	var sum int64
	for _, t := range c.trees {
		if t.refs == 0 {
			unused = append(unused, t)
			sum += t.bytes
		}
	}
	if sum <= c.opts.MaxBytes {
		return nil, "", nil
	}
	victim := slices.MinFunc(unused, func(a, b *cached) int { return a.used.Compare(b.used) })
	dir, err := os.MkdirTemp(c.dir, partial)
	if err != nil {
		return nil, "", fmt.Errorf("evict bundle %s: %w", victim.key, err)
	}
	if err := os.Rename(filepath.Join(c.dir, victim.key), filepath.Join(dir, "evicted")); err != nil {
		return nil, "", fmt.Errorf("evict bundle %s: %w", victim.key, errors.Join(err, os.Remove(dir)))
	}
	delete(c.trees, victim.key)
	return victim, dir, nil
}
