// Package catalog is the repository of functions, their versions and aliases:
// typed records over a store.KV, code over a store.Blobs, and a copy of all
// records in memory that invocations are resolved from.
//
//	control ── Create Update Publish Delete ──► KV ──► watch ──┐
//	   │                                                       ▼
//	   └────────── applied before the call returns ──────► index ──► Lookup
//	                                                           └───► Options.Changes
//
// Get and the lists read the store; Lookup and LookupAlias read the index alone
// and never wait.
// On the node that made a change Lookup shows it as soon as the call has
// returned; other nodes follow within milliseconds.
//
// # Keys
//
//	fn/latest/<account>/<region>/<name>              $LATEST
//	fn/version/<account>/<region>/<name>/<number>    published versions; ten digits
//	fn/alias/<account>/<region>/<name>/<alias>       aliases
//
// Values are the forms of package schema. Further records of a function get
// prefixes of their own beside these.
//
// A record that this version of hearth cannot read is kept and named in the log.
// Whoever asks for that version or alias gets schema.ErrUnreadable, and it can be
// deleted; lists leave it out. Sweep removes nothing while there is one of a
// function, whose code is not known.
//
// An alias never points to a version that is not there: whoever writes an alias
// writes its versions too, unchanged, in the same commit, so that a deletion
// that did not see the alias finds another revision and starts over.
//
// # Life of code
//
// PutCode stores an archive and holds it until its release is called; in
// between the caller creates or updates the function that refers to it. Sweep
// removes archives that nothing refers to and nobody holds. Layers have their
// archives here too: Options.References names them.
package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/changes"
	"github.com/hearthd/hearth/store/mirror"
)

// DefaultGrace is how old an archive must be before Sweep removes it. It
// covers the time between PutCode and Create on other nodes, whose holds this
// one does not see.
const DefaultGrace = time.Hour

// Options configure a catalog.
type Options struct {
	KV    store.KV    // required; the catalog uses the keys under "fn/"
	Blobs store.Blobs // required; the catalog owns all blobs in it
	// Changes is told of every version and every alias that is created, changed
	// or deleted, once per change and after Lookup shows it, and has the catalog
	// as a source. Its subscribers must not call the catalog's Close. Nil: nobody
	// wants to know.
	Changes *changes.Feed
	// References are archives beside those of functions that Sweep keeps. Nil: there
	// are none.
	References References
	// Directories allows functions whose code is a directory of this machine. It is
	// for a store that ends with the process.
	Directories bool
	Logger      *slog.Logger  // nil: silent
	Grace       time.Duration // 0: DefaultGrace; negative: none
}

// References refer to archives, as layers do.
type References interface {
	// Digests returns the digests of the archives that are in use, from the store.
	Digests(ctx context.Context) ([]string, error)
}

// Catalog is an open catalog. All methods may be called from several
// goroutines. Errors with a caller-facing text are *hearth.Error; all wrap the
// kinds of package hearth. Close it before the store.
type Catalog struct {
	kv     store.KV
	blobs  store.Blobs
	feed   *changes.Feed
	logger *slog.Logger
	grace  time.Duration
	others References // never nil
	forms  forms
	mirror *mirror.Mirror[key, record]

	mu    sync.Mutex
	holds map[string]int // digests held by PutCode
}

// Open reads all functions and follows their changes until Close. ctx bounds
// the reading.
func Open(ctx context.Context, opts Options) (*Catalog, error) {
	f := newForms()
	f.directories = opts.Directories
	return open(ctx, opts, f)
}

func open(ctx context.Context, opts Options, forms forms) (*Catalog, error) {
	c := &Catalog{
		kv: opts.KV, blobs: opts.Blobs, feed: opts.Changes, logger: opts.Logger, grace: opts.Grace,
		others: opts.References, forms: forms, holds: map[string]int{},
	}
	if c.others == nil {
		c.others = noReferences{}
	}
	if c.feed == nil {
		c.feed = &changes.Feed{}
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	if c.grace == 0 {
		c.grace = DefaultGrace
	}
	c.mirror = mirror.New(mirror.Options[key, record]{
		KV: opts.KV, Prefix: rootPrefix, Key: parseKey,
		Value:   func(k key, value []byte) (*record, error) { return c.forms.decode(value, k) },
		Changed: func(k key) { c.feed.Publish(k.change()) }, Logger: c.logger,
	})
	if err := c.mirror.Open(ctx); err != nil {
		return nil, fmt.Errorf("open catalog: %w", err)
	}
	c.feed.AddSource(c)
	return c, nil
}

// noReferences refer to nothing.
type noReferences struct{}

func (noReferences) Digests(context.Context) ([]string, error) { return nil, nil }

// Close stops following and waits for it. Lookup keeps answering from what it
// has.
func (c *Catalog) Close() { c.mirror.Close() }

// Changes yields a change for every version and alias that there is, in no
// order: the catalog is a changes.Source.
func (c *Catalog) Changes() iter.Seq[hearth.Change] {
	return func(yield func(hearth.Change) bool) {
		for k := range c.mirror.Keys() {
			if !yield(k.change()) {
				return
			}
		}
	}
}

// wrote applies a write of this node to the index. It copies what the record
// holds: the caller may go on with its own.
func (c *Catalog) wrote(r *record, revision uint64) {
	own := &record{}
	if r.function != nil {
		f := *r.function
		own.function = &f
	}
	if r.alias != nil {
		a := *r.alias
		own.alias = &a
	}
	c.mirror.Wrote(r.key(), own, revision)
}

// Lookup returns a version of a function from memory: the latest for "" and
// $LATEST. hearth.ErrNotFound with AWS's text otherwise, also for an alias, and
// schema.ErrUnreadable. It neither waits nor allocates when it finds one. Nobody may write to what it
// returns.
func (c *Catalog) Lookup(name hearth.Name, version string) (*hearth.Function, error) {
	if version == "" {
		version = hearth.Latest
	}
	r, err := c.mirror.Find(key{name, version})
	switch {
	case err != nil && !hearth.IsAlias(version):
		return nil, err
	case r == nil || r.function == nil:
		return nil, notFound(name, version)
	}
	return r.function, nil
}

// LookupAlias returns an alias from memory, as Lookup does a version;
// hearth.ErrNotFound, schema.ErrUnreadable.
func (c *Catalog) LookupAlias(name hearth.Name, alias string) (*hearth.Alias, error) {
	r, err := c.mirror.Find(key{name, alias})
	switch {
	case err != nil && hearth.IsAlias(alias):
		return nil, err
	case r == nil || r.alias == nil:
		return nil, notFound(name, alias)
	}
	return r.alias, nil
}

// Exists returns hearth.ErrNotFound, with AWS's text, when there is no such function,
// or no such version or alias of it. It looks in memory and does not wait.
func (c *Catalog) Exists(name hearth.Name, qualifier string) (err error) {
	if hearth.IsAlias(qualifier) {
		_, err = c.LookupAlias(name, qualifier)
	} else {
		_, err = c.Lookup(name, qualifier)
	}
	return err
}

// All returns every version of every function that can be read from memory, in no
// order. Nobody
// may write to what it returns.
func (c *Catalog) All() []*hearth.Function {
	var list []*hearth.Function
	for _, r := range c.mirror.All() {
		if r.function != nil {
			list = append(list, r.function)
		}
	}
	return list
}

func notFound(name hearth.Name, qualifier string) error {
	return hearth.Errorf(hearth.ErrNotFound, "Function not found: %s", name.ARN(qualifier))
}

// PutCode stores a code archive under its hex SHA-256 and keeps Sweep away from
// it until release is called, which is after the function that refers to it
// was created or updated, or was not. release is nil on an error and may be
// called more than once. hearth.ErrInvalid when r does not have the digest.
func (c *Catalog) PutCode(ctx context.Context, digest string, r io.Reader) (release func(), err error) {
	c.hold(digest, 1)
	if _, err := c.blobs.Put(ctx, digest, r); err != nil {
		c.hold(digest, -1)
		return nil, fmt.Errorf("put code: %w", err)
	}
	return sync.OnceFunc(func() { c.hold(digest, -1) }), nil
}

// HoldCode keeps Sweep away from an archive that is there, as PutCode does from
// the one it stores. Whoever is about to refer to an archive that somebody else
// refers to holds it first, then makes sure that it is still referred to.
func (c *Catalog) HoldCode(digest string) (release func()) {
	c.hold(digest, 1)
	return sync.OnceFunc(func() { c.hold(digest, -1) })
}

// OpenCode returns a code archive; hearth.ErrNotFound. ctx bounds the reading
// too. The caller closes it.
func (c *Catalog) OpenCode(ctx context.Context, digest string) (io.ReadCloser, error) {
	r, err := c.blobs.Open(ctx, digest)
	if err != nil {
		return nil, fmt.Errorf("open code: %w", err)
	}
	return r, nil
}

func (c *Catalog) hold(digest string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.holds[digest] += n; c.holds[digest] == 0 {
		delete(c.holds, digest)
	}
}

// Sweep removes the archives that nothing refers to, that are older than
// Options.Grace, and that nobody holds. It returns how many it removed, also on
// an error.
func (c *Catalog) Sweep(ctx context.Context) (removed int, err error) {
	// The order makes it safe. An archive that was put before it was listed and
	// is not held any more when the holds are copied has its function in the
	// store by then. One that is put later has another revision than listed.
	// Other references are asked for on both sides of the holds: what a function
	// took over from one before that went is held, or the function is there.
	keep := map[string]bool{}
	if err := c.addOthers(ctx, keep); err != nil {
		return 0, fmt.Errorf("sweep: %w", err)
	}
	blobs, err := c.blobs.List(ctx)
	if err != nil {
		return 0, fmt.Errorf("sweep: %w", err)
	}
	c.mu.Lock()
	for digest := range c.holds {
		keep[digest] = true
	}
	c.mu.Unlock()
	if err := errors.Join(c.addOthers(ctx, keep), c.addReferenced(ctx, keep)); err != nil {
		return 0, fmt.Errorf("sweep: %w", err)
	}
	for _, blob := range blobs {
		if keep[blob.Digest] || c.grace > 0 && time.Since(blob.Modified) < c.grace {
			continue
		}
		switch err := c.blobs.Delete(ctx, blob); {
		case err == nil:
			removed++
		case !errors.Is(err, hearth.ErrPrecondition) && !errors.Is(err, hearth.ErrNotFound):
			return removed, fmt.Errorf("sweep: %w", err)
		}
	}
	return removed, nil
}

// SweepEvery sweeps at once and then at the end of every interval, until ctx ends. A
// sweep that fails is logged, and made up for by the next one.
func (c *Catalog) SweepEvery(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if _, err := c.Sweep(ctx); err != nil && ctx.Err() == nil {
			c.logger.Error("remove unused code", "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// addOthers adds the digests of Options.References.
func (c *Catalog) addOthers(ctx context.Context, digests map[string]bool) error {
	others, err := c.others.Digests(ctx)
	for _, digest := range others {
		digests[digest] = true
	}
	return err
}

// addReferenced adds the digests that functions refer to. $LATEST comes first:
// a version that is published meanwhile has the code that it had then.
func (c *Catalog) addReferenced(ctx context.Context, digests map[string]bool) error {
	for _, prefix := range []string{latestPrefix, versionPrefix} {
		records, err := c.kv.List(ctx, prefix, "", 0)
		if err != nil {
			return err
		}
		for _, stored := range records {
			r, err := c.forms.decodeRecord(stored)
			if err != nil {
				// Its code is not known: nothing can be removed safely.
				c.logger.Error("no code is removed as long as this record cannot be read", "key", stored.Key, "error", err)
				return err
			}
			digests[r.function.Code.Digest] = true
			for _, layer := range r.function.Layers {
				digests[layer.Digest] = true
			}
		}
	}
	return nil
}
