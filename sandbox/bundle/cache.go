package bundle

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Options configure a Cache.
type Options struct {
	// MaxBytes is how many bytes of unused trees are kept for the next one who
	// wants them; 0: DefaultMaxBytes. Trees in use are never removed.
	MaxBytes int64
	// BootID identifies the boot of the machine (Linux: the content of
	// /proc/sys/kernel/random/boot_id). Extraction does not wait for the disk,
	// so after a power loss a complete tree can have empty files: trees of
	// another boot are extracted anew. Empty: all trees are kept.
	BootID string
	// Owner is who extracted files and directories belong to. Nil: the daemon.
	Owner *Owner
	// Timeout is how long an extraction may take, from the time it begins; 0:
	// DefaultTimeout.
	Timeout time.Duration
	// Parallel is how many extractions run at a time; 0: one for every second
	// processor that the daemon may use, and at least one. The daemon answers
	// calls meanwhile, and archives come from strangers. (A thread of a lower
	// priority would not do: the collector stops the world only once the thread got
	// its turn, so that all calls would wait for the thread on a busy machine.)
	Parallel int
}

// DefaultTimeout is a hundred times what the largest package takes on a disk of
// 2020.
const DefaultTimeout = 2 * time.Minute

// DefaultMaxBytes is 10 GiB.
const DefaultMaxBytes = 10 << 30

// Open opens an archive and says how many bytes it has. The cache closes it.
type Open func(ctx context.Context) (io.ReadCloser, int64, error)

// Archive is one archive of several.
type Archive struct {
	Digest string // hex SHA-256
	Open   Open
}

// Cache is a directory of extracted archives. One daemon at a time may use it.
type Cache struct {
	dir        string
	opts       Options
	extracting chan struct{} // a slot for each extraction at a time

	mu    sync.Mutex
	trees map[string]*cached
}

// cached is one tree: being extracted, in use, or kept.
type cached struct {
	key   string
	ready chan struct{} // closed when extraction has ended
	err   error         // written before ready is closed
	left  bool          // written before ready is closed: whoever extracted left, for reasons of its own
	bytes int64
	refs  int       // under the cache's mu; the extraction's waiters hold one each
	used  time.Time // under the cache's mu
}

// partial is the prefix of what is not complete.
const partial = ".partial-"

// digestPattern is what a directory is named by.
var digestPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// New opens a cache in a directory, which is created. What a killed
// predecessor had not completed is removed; what it had is kept.
func New(dir string, opts Options) (*Cache, error) {
	opts.MaxBytes = cmp.Or(opts.MaxBytes, DefaultMaxBytes)
	opts.Timeout = cmp.Or(opts.Timeout, DefaultTimeout)
	opts.Parallel = cmp.Or(opts.Parallel, max(1, runtime.GOMAXPROCS(0)/2))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create bundle cache: %w", err)
	}
	c := &Cache{dir: dir, opts: opts, extracting: make(chan struct{}, opts.Parallel), trees: make(map[string]*cached)}
	reboot, err := c.rebooted()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list bundle cache: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		switch {
		case strings.HasPrefix(name, partial), reboot && digestPattern.MatchString(name):
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				return nil, fmt.Errorf("remove bundle: %w", err)
			}
		case digestPattern.MatchString(name) && entry.IsDir():
			if err := c.adopt(name); err != nil {
				return nil, err
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, bootFile), []byte(opts.BootID), 0o644); err != nil {
		return nil, fmt.Errorf("mark bundle cache: %w", err)
	}
	if err := c.evict(); err != nil {
		return nil, err
	}
	return c, nil
}

// bootFile holds the boot that complete trees were extracted under.
const bootFile = "boot"

// rebooted says whether the machine was, or may have been, restarted since the
// trees in the cache were extracted.
func (c *Cache) rebooted() (bool, error) {
	if c.opts.BootID == "" {
		return false, nil
	}
	last, err := os.ReadFile(filepath.Join(c.dir, bootFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("read boot of bundle cache: %w", err)
	}
	return string(last) != c.opts.BootID, nil
}

// adopt takes over a complete tree of a predecessor.
func (c *Cache) adopt(key string) error {
	dir := filepath.Join(c.dir, key)
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("adopt bundle: %w", err)
	}
	size, err := treeSize(dir)
	if err != nil {
		return fmt.Errorf("measure bundle %s: %w", key, err)
	}
	ready := make(chan struct{})
	close(ready)
	c.trees[key] = &cached{key: key, ready: ready, bytes: size, used: info.ModTime()}
	return nil
}

func treeSize(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}

// Acquire returns the directory that holds an archive's tree, extracting it if
// nobody has. digest is the hex SHA-256 of the archive; content of another
// digest is refused. The tree is the caller's to read until release, which may
// be called more than once. open is called at most once, and only by the first
// of several callers; when extraction fails they all get its error, and the
// next caller tries again.
func (c *Cache) Acquire(ctx context.Context, digest string, open Open) (dir string, release func(), err error) {
	if !digestPattern.MatchString(digest) {
		return "", nil, fmt.Errorf("acquire bundle: %q is not a digest", digest)
	}
	return c.acquire(ctx, digest, []Archive{{Digest: digest, Open: open}})
}

// Merge is Acquire for several archives in one tree, of which a later one
// replaces what an earlier one has: layers. Their limit is shared.
func (c *Cache) Merge(ctx context.Context, archives []Archive) (dir string, release func(), err error) {
	sum := sha256.New()
	fmt.Fprint(sum, "merge\n") // never the digest of an archive
	for _, a := range archives {
		if !digestPattern.MatchString(a.Digest) {
			return "", nil, fmt.Errorf("merge bundles: %q is not a digest", a.Digest)
		}
		fmt.Fprintln(sum, a.Digest)
	}
	return c.acquire(ctx, hex.EncodeToString(sum.Sum(nil)), archives)
}

func (c *Cache) acquire(ctx context.Context, key string, archives []Archive) (string, func(), error) {
	for {
		t, mine := c.hold(key)
		if mine {
			t.bytes, t.err = c.extract(ctx, key, archives)
			if t.err != nil {
				t.left = ctx.Err() != nil
				c.drop(t)
			}
			close(t.ready)
		}
		select {
		case <-t.ready:
		case <-ctx.Done():
			c.release(t)
			return "", nil, fmt.Errorf("acquire bundle: %w", context.Cause(ctx))
		}
		if t.err == nil {
			var once sync.Once
			return filepath.Join(c.dir, key), func() { once.Do(func() { c.release(t) }) }, nil
		}
		c.release(t)
		if mine || !t.left {
			return "", nil, t.err
		}
	}
}

// hold returns the tree of a key with a reference taken, and whether the
// caller has to extract it.
func (c *Cache) hold(key string) (t *cached, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.trees[key]
	if !ok {
		t = &cached{key: key, ready: make(chan struct{})}
		c.trees[key] = t
	}
	t.refs++
	return t, !ok
}

// drop forgets a tree that could not be made.
func (c *Cache) drop(t *cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.trees, t.key)
}

func (c *Cache) release(t *cached) {
	c.mu.Lock()
	t.refs--
	t.used = time.Now()
	c.mu.Unlock()
	// What could not be removed is tried again at the next release.
	_ = c.evict()
}

// extract makes a tree under a temporary name and gives it its own. It waits for a
// slot, and gives up after the cache's timeout.
func (c *Cache) extract(ctx context.Context, key string, archives []Archive) (size int64, err error) {
	select {
	case c.extracting <- struct{}{}:
		defer func() { <-c.extracting }()
	case <-ctx.Done():
		return 0, fmt.Errorf("extract bundle: %w", context.Cause(ctx))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.opts.Timeout, errTime(c.opts.Timeout))
	defer cancel()
	dir, err := os.MkdirTemp(c.dir, partial)
	if err != nil {
		return 0, fmt.Errorf("extract bundle: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if err := c.fill(ctx, dir, archives); err != nil {
		return 0, err
	}
	if size, err = treeSize(dir); err != nil {
		return 0, fmt.Errorf("measure bundle: %w", err)
	}
	if err := os.Rename(dir, filepath.Join(c.dir, key)); err != nil {
		return 0, fmt.Errorf("name bundle: %w", err)
	}
	return size, nil
}

// fill extracts archives into a new directory.
func (c *Cache) fill(ctx context.Context, dir string, archives []Archive) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return fmt.Errorf("extract bundle: %w", err)
	}
	t, err := openTree(dir, c.opts.Owner)
	if err != nil {
		return err
	}
	defer t.close()
	if err := t.own(t.root, "."); err != nil {
		return fmt.Errorf("own bundle: %w", err)
	}
	for _, a := range archives {
		f, size, err := c.spool(ctx, a)
		if err != nil {
			return err
		}
		err = t.extract(ctx, f, size)
		f.Close()
		if err != nil {
			return err
		}
	}
	if len(archives) > 1 {
		// The links of several archives may be harmless one by one and lead out together.
		return t.made.checkLinks(ctx)
	}
	return nil
}
