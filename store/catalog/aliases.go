package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
)

// CreateAlias stores a new alias. hearth.ErrNotFound when a version that it
// points to does not exist, hearth.ErrConflict when the name is taken.
func (c *Catalog) CreateAlias(ctx context.Context, a *hearth.Alias) error {
	err := retry(func() error { return c.putAlias(ctx, a, store.Op{Kind: store.OpCreate}) })
	if errors.Is(err, hearth.ErrConflict) && !isCallers(err) {
		return hearth.Errorf(hearth.ErrConflict, "Alias already exists: %s", a.ARN())
	}
	return aliasError("create", a.Function, a.Name, err)
}

// GetAlias reads an alias from the store; hearth.ErrNotFound, about the alias
// also when there is no such function; schema.ErrUnreadable.
func (c *Catalog) GetAlias(ctx context.Context, name hearth.Name, alias string) (*hearth.Alias, error) {
	r, _, err := c.getAlias(ctx, key{name, alias})
	if err != nil {
		return nil, aliasError("get", name, alias, err)
	}
	return r.alias, nil
}

// UpdateAlias lets change edit a copy of an alias and stores the result, which
// it returns. change is called again when the alias was changed meanwhile; its
// errors end the update and are returned as they are. Other errors:
// hearth.ErrNotFound when the alias or a version that it is to point to does
// not exist, hearth.ErrConflict when it never came to rest.
func (c *Catalog) UpdateAlias(ctx context.Context, name hearth.Name, alias string, change func(*hearth.Alias) error) (*hearth.Alias, error) {
	k := key{name, alias}
	var updated *hearth.Alias
	err := retry(func() error {
		r, revision, err := c.getAlias(ctx, k)
		if err != nil {
			return err
		}
		updated = r.alias
		if err := change(updated); err != nil {
			return err
		}
		return c.putAlias(ctx, updated, store.Op{Kind: store.OpUpdate, Revision: revision})
	})
	if err != nil {
		return nil, aliasError("update", name, alias, err)
	}
	return updated, nil
}

// DeleteAlias removes an alias, whether it can be read or not; hearth.ErrNotFound
// when there is none.
func (c *Catalog) DeleteAlias(ctx context.Context, name hearth.Name, alias string) error {
	k := key{name, alias}
	err := retry(func() error {
		stored, err := c.storedAlias(ctx, k)
		if err != nil {
			return err
		}
		return c.deleteRecords(ctx, []store.Record{stored})
	})
	return aliasError("delete", name, alias, err)
}

// errNoAlias is apart from a version that is not there.
var errNoAlias = fmt.Errorf("alias %w", hearth.ErrNotFound)

func (c *Catalog) storedAlias(ctx context.Context, k key) (store.Record, error) {
	if err := k.check(); err != nil {
		return store.Record{}, err
	}
	if !k.isAlias() {
		return store.Record{}, errNoAlias
	}
	stored, err := c.kv.Get(ctx, k.String())
	if errors.Is(err, hearth.ErrNotFound) {
		return store.Record{}, errNoAlias
	}
	return stored, err
}

func (c *Catalog) getAlias(ctx context.Context, k key) (*record, uint64, error) {
	stored, err := c.storedAlias(ctx, k)
	if err != nil {
		return nil, 0, err
	}
	r, err := c.forms.decode(stored.Value, k)
	return r, stored.Revision, err
}

// putAlias writes an alias as op says, and its versions as they are: see the
// package comment.
func (c *Catalog) putAlias(ctx context.Context, a *hearth.Alias, op store.Op) error {
	written := []*record{aliasRecord(a)}
	ops := []store.Op{op}
	for _, version := range []string{a.Version, a.Additional} {
		if version == "" {
			continue
		}
		f, revision, err := c.Get(ctx, a.Function, version)
		if err != nil {
			return err
		}
		written = append(written, functionRecord(f))
		ops = append(ops, store.Op{Kind: store.OpUpdate, Revision: revision})
	}
	for i, r := range written {
		var err error
		if ops[i].Value, err = c.forms.encode(r); err != nil {
			return err
		}
		ops[i].Key = r.key().String()
	}
	revisions, err := c.kv.Commit(ctx, ops)
	if errors.Is(err, hearth.ErrNotFound) {
		return fmt.Errorf("%w: %w", hearth.ErrPrecondition, err) // gone since it was read: look again
	}
	if err != nil {
		return err
	}
	for i := len(written) - 1; i >= 0; i-- { // the alias last
		c.wrote(written[i], revisions[i])
	}
	return nil
}

// aliasError is what became of an operation on an alias.
func aliasError(what string, name hearth.Name, alias string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNoAlias):
		return hearth.Errorf(hearth.ErrNotFound, "Alias not found: %s", name.ARN(alias))
	case isCallers(err):
		return err
	case errors.Is(err, hearth.ErrPrecondition):
		return changed(name, err)
	}
	return fmt.Errorf("%s alias %s of %s: %w", what, alias, name, err)
}

// isCallers reports whether an error is written for the caller already.
func isCallers(err error) bool {
	_, ok := errors.AsType[*hearth.Error](err)
	return ok
}
