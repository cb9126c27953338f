package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
)

// attempts is how often a change that needs records to stay as they were read
// starts over when they do not.
const attempts = 8

// Create stores a new function, whose Version must be $LATEST, and returns its
// revision. hearth.ErrConflict when the name is taken.
func (c *Catalog) Create(ctx context.Context, f *hearth.Function) (revision uint64, err error) {
	if f.Version != hearth.Latest {
		return 0, fmt.Errorf("create %s as version %q: %w", f.Name, f.Version, hearth.ErrInvalid)
	}
	r := functionRecord(f)
	value, err := encode(r)
	if err != nil {
		return 0, err
	}
	revision, err = c.kv.Create(ctx, r.key().String(), value)
	if errors.Is(err, hearth.ErrConflict) {
		return 0, alreadyExists(f.Name)
	}
	if err != nil {
		return 0, fmt.Errorf("create function %s: %w", f.Name, err)
	}
	c.wrote(r, revision)
	return revision, nil
}

func alreadyExists(name hearth.Name) error {
	return hearth.Errorf(hearth.ErrConflict, "Function already exist: %s", name.Function)
}

// Get reads a version of a function from the store: the latest for "" and
// $LATEST. revision is what Update and Publish compare on. hearth.ErrNotFound,
// also for an alias: see GetAlias.
func (c *Catalog) Get(ctx context.Context, name hearth.Name, version string) (f *hearth.Function, revision uint64, err error) {
	k := key{name, version}
	if version == "" {
		k.qualifier = hearth.Latest
	}
	if !isVersion(k.qualifier) {
		return nil, 0, notFound(name, version)
	}
	if err := k.check(); err != nil {
		return nil, 0, err
	}
	stored, err := c.kv.Get(ctx, k.String())
	if errors.Is(err, hearth.ErrNotFound) {
		return nil, 0, notFound(name, version)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("get function %s: %w", name, err)
	}
	r, err := decode(stored.Value, k)
	if err != nil {
		return nil, 0, err
	}
	return r.Function, stored.Revision, nil
}

// Update replaces a version of a function that is still at a revision, and
// returns its new one. hearth.ErrConflict when it was changed since,
// hearth.ErrNotFound when it was deleted.
func (c *Catalog) Update(ctx context.Context, f *hearth.Function, revision uint64) (uint64, error) {
	r := functionRecord(f)
	value, err := encode(r)
	if err != nil {
		return 0, err
	}
	next, err := c.kv.Update(ctx, r.key().String(), value, revision)
	if err != nil {
		return 0, changed(f.Name, err)
	}
	c.wrote(r, next)
	return next, nil
}

// Modify reads a version of a function, lets change write to it and stores it,
// again from the start when it was changed meanwhile. change may be called
// several times; its error is returned as it is. hearth.ErrNotFound.
func (c *Catalog) Modify(ctx context.Context, name hearth.Name, version string, change func(*hearth.Function) error) (*hearth.Function, error) {
	for attempt := 1; ; attempt++ {
		f, revision, err := c.Get(ctx, name, version)
		if err != nil {
			return nil, err
		}
		if err := change(f); err != nil {
			return nil, err
		}
		_, err = c.Update(ctx, f, revision)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, hearth.ErrConflict) || attempt == attempts {
			return nil, err
		}
	}
}

// changed is the error of a conditional write in AWS's words.
func changed(name hearth.Name, err error) error {
	switch {
	case errors.Is(err, hearth.ErrNotFound):
		return notFound(name, "")
	case errors.Is(err, hearth.ErrPrecondition), errors.Is(err, hearth.ErrConflict):
		return hearth.Errorf(hearth.ErrConflict, "The function could not be updated due to a concurrent update operation.")
	}
	return fmt.Errorf("update function %s: %w", name, err)
}

// Delete removes a function with all its versions and aliases;
// hearth.ErrNotFound. Its code stays until a Sweep.
func (c *Catalog) Delete(ctx context.Context, name hearth.Name) error {
	latest := key{name, hearth.Latest}
	if err := latest.check(); err != nil {
		return err
	}
	err := retry(func() error { return c.tryDelete(ctx, latest) })
	switch {
	case err == nil:
		return nil
	case errors.Is(err, hearth.ErrNotFound):
		return notFound(name, "")
	case errors.Is(err, hearth.ErrPrecondition):
		return changed(name, err)
	}
	return fmt.Errorf("delete function %s: %w", name, err)
}

// retry calls try again as long as the store says that a record was not what
// it had read.
func retry(try func() error) (err error) {
	for range attempts {
		if err = try(); !errors.Is(err, hearth.ErrPrecondition) || isCallers(err) {
			return err
		}
	}
	return err
}

// tryDelete removes what it finds of a function: aliases before the versions
// that they point to. $LATEST goes with the last commit: until then the
// function is there, and Delete can be repeated.
func (c *Catalog) tryDelete(ctx context.Context, latest key) error {
	found, err := c.kv.Get(ctx, latest.String())
	if err != nil {
		return err
	}
	// $LATEST and the versions are read before the aliases: an alias that comes
	// in between has changed what it points to, and the commit notices.
	versions, err := c.kv.List(ctx, versionPrefix+latest.name.String()+"/", "", 0)
	if err != nil {
		return err
	}
	aliases, err := c.kv.List(ctx, aliasPrefix+latest.name.String()+"/", "", 0)
	if err != nil {
		return err
	}
	for records := append(append(aliases, versions...), found); len(records) > 0; {
		n := min(len(records), store.MaxOps)
		if err := c.deleteRecords(ctx, records[:n]); err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

func (c *Catalog) deleteRecords(ctx context.Context, records []store.Record) error {
	ops := make([]store.Op, len(records))
	keys := make([]key, len(records))
	for i, r := range records {
		ops[i] = store.Op{Kind: store.OpDelete, Key: r.Key, Revision: r.Revision}
		var err error
		if keys[i], err = parseKey(r.Key); err != nil {
			return err
		}
	}
	revisions, err := c.kv.Commit(ctx, ops)
	if err != nil {
		return err
	}
	for i, k := range keys {
		c.mirror.Deleted(k, revisions[i])
	}
	return nil
}
