package records

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/schema"
)

// Collection is all records of one kind. Methods may be called from several
// goroutines. Keys are made by Key or FunctionKey. Errors wrap the kinds of
// package hearth and, but for schema.ErrUnreadable, have no text for callers: that
// is the business of who knows what the record is.
type Collection[T any] struct {
	set    *Set
	kind   schema.Kind
	prefix string
}

// Item is a record with its key.
type Item[T any] struct {
	Key   string
	Value *T
}

// Of adds the collection of a kind to a set that is not open yet. The keys of a
// kind that belongs to functions are made by FunctionKey, and Set.DeleteFunction
// deletes its records. Of panics when the kind is not in schema.Kinds, or not one
// of values T.
func Of[T any](s *Set, name hearth.Kind) *Collection[T] {
	at := slices.IndexFunc(s.known, func(k schema.Kind) bool { return k.Name == name })
	if at < 0 {
		panic(fmt.Sprintf("records: there is no kind %q", name))
	}
	k := s.known[at]
	if form := reflect.TypeFor[T](); form != k.Form && !k.Foreign {
		panic(fmt.Sprintf("records: %q has values %v, not %v", name, k.Form, form))
	}
	c := &Collection[T]{set: s, kind: k, prefix: prefixOf(name)}
	s.kinds[name] = kind{k, func(value []byte) (any, error) { return c.decode(value) }}
	return c
}

func (c *Collection[T]) decode(value []byte) (*T, error) {
	v := new(T)
	if err := c.kind.Decode(value, v); err != nil {
		return nil, err
	}
	return v, nil
}

// Lookup returns a record from memory, or nil: also for one that cannot be read,
// see Find. It never waits. Nobody may write to what it returns.
func (c *Collection[T]) Lookup(key string) *T {
	v := c.set.mirror.Get(c.prefix + key)
	if v == nil {
		return nil
	}
	return (*v).(*T) //nolint:forcetypeassert // by kind: what decode and wrote put there
}

// Find is Lookup for those to whom a record that cannot be read is not as good as
// none: schema.ErrUnreadable. Without a record both results are nil.
func (c *Collection[T]) Find(key string) (*T, error) {
	v, err := c.set.mirror.Find(c.prefix + key)
	if v == nil {
		return nil, err
	}
	return (*v).(*T), nil //nolint:forcetypeassert // as in Lookup
}

// All returns every record whose key begins with prefix from memory, sorted by
// their keys. It looks at all records of all kinds: not for every invocation.
func (c *Collection[T]) All(prefix string) []Item[T] {
	var items []Item[T]
	for k, v := range c.set.mirror.All() {
		if strings.HasPrefix(k, c.prefix+prefix) {
			items = append(items, Item[T]{k[len(c.prefix):], (*v).(*T)}) //nolint:forcetypeassert // as in Lookup
		}
	}
	slices.SortFunc(items, func(a, b Item[T]) int { return cmp.Compare(a.Key, b.Key) })
	return items
}

// Get returns a record from the store; hearth.ErrNotFound, schema.ErrUnreadable.
// The caller owns it.
func (c *Collection[T]) Get(ctx context.Context, key string) (*T, error) {
	v, _, err := c.get(ctx, key)
	return v, err
}

// get returns the revision of a record that cannot be read too.
func (c *Collection[T]) get(ctx context.Context, key string) (*T, uint64, error) {
	r, err := c.set.kv.Get(ctx, c.prefix+key)
	if err != nil {
		return nil, 0, fmt.Errorf("get %s %s: %w", c.kind.Name, key, err)
	}
	v, err := c.decode(r.Value)
	if err != nil {
		return nil, r.Revision, fmt.Errorf("get %s %s: %w", c.kind.Name, key, err)
	}
	return v, r.Revision, nil
}

// List returns up to limit records whose keys begin with prefix and sort after
// after, from the store, by their keys, and whether there are more. limit 0: all.
// Records that cannot be read are left out and logged.
func (c *Collection[T]) List(ctx context.Context, prefix, after string, limit int) (items []Item[T], more bool, err error) {
	if after != "" {
		after = c.prefix + after
	}
	fetch := limit
	if limit > 0 {
		fetch++ // one more tells whether there are more
	}
	for {
		listed, err := c.set.kv.List(ctx, c.prefix+prefix, after, fetch)
		if err != nil {
			return nil, false, fmt.Errorf("list %s: %w", c.kind.Name, err)
		}
		for _, r := range listed {
			v, err := c.decode(r.Value)
			if err != nil {
				c.set.logger.Error("a list leaves out a record that cannot be read", "key", r.Key, "error", err)
				continue
			}
			items = append(items, Item[T]{r.Key[len(c.prefix):], v})
		}
		switch {
		case limit > 0 && len(items) > limit:
			return items[:limit], true, nil
		case limit <= 0 || len(listed) < fetch:
			return items, false, nil
		}
		after = listed[len(listed)-1].Key
	}
}

// ListStrict returns all records whose keys begin with prefix, from the store, by
// their keys. It is for those who must not miss one: schema.ErrUnreadable when one
// of them cannot be read.
func (c *Collection[T]) ListStrict(ctx context.Context, prefix string) (items []Item[T], err error) {
	listed, err := c.set.kv.List(ctx, c.prefix+prefix, "", 0)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", c.kind.Name, err)
	}
	for _, r := range listed {
		v, err := c.decode(r.Value)
		if err != nil {
			return nil, fmt.Errorf("list %s: %s: %w", c.kind.Name, r.Key, err)
		}
		items = append(items, Item[T]{r.Key[len(c.prefix):], v})
	}
	return items, nil
}

// Create writes a record that does not exist; hearth.ErrConflict when it does.
func (c *Collection[T]) Create(ctx context.Context, key string, v *T) error {
	_, err := c.write(ctx, store.Op{Kind: store.OpCreate, Key: c.prefix + key}, v)
	return err
}

// Put writes a record whatever is there, unless that cannot be read:
// schema.ErrUnreadable.
func (c *Collection[T]) Put(ctx context.Context, key string, v *T) error {
	if _, err := c.Find(key); err != nil {
		return fmt.Errorf("put %s %s: %w", c.kind.Name, key, err)
	}
	_, err := c.write(ctx, store.Op{Kind: store.OpPut, Key: c.prefix + key}, v)
	return err
}

// attempts is how often an Update or Delete that others were ahead of begins
// again.
const attempts = 10

// Update reads a record, lets change write to it and stores it, again from the
// start when somebody wrote in between. change may be called several times; its
// error ends the update and is returned as it is. hearth.ErrNotFound when there
// is no record.
func (c *Collection[T]) Update(ctx context.Context, key string, change func(*T) error) (*T, error) {
	return c.modify(ctx, key, func(v *T, _ bool) error { return change(v) }, false)
}

// Modify is Update that begins with a zero value when there is no record;
// exists tells change which it is.
func (c *Collection[T]) Modify(ctx context.Context, key string, change func(v *T, exists bool) error) (*T, error) {
	return c.modify(ctx, key, change, true)
}

func (c *Collection[T]) modify(ctx context.Context, key string, change func(*T, bool) error, create bool) (v *T, err error) {
	err = retry(func() error {
		var revision uint64
		op := store.Op{Kind: store.OpUpdate, Key: c.prefix + key}
		v, revision, err = c.get(ctx, key)
		missing := errors.Is(err, hearth.ErrNotFound)
		switch {
		case missing && create:
			v, op.Kind = new(T), store.OpCreate
		case err != nil:
			return err
		default:
			op.Revision = revision
		}
		if err := change(v, !missing); err != nil {
			return &final{err}
		}
		_, err := c.write(ctx, op, v)
		return err
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Delete removes a record; hearth.ErrNotFound. check, when not nil, sees it
// first and can refuse with an error that is returned as it is; it may be called
// several times. Without a check a record that cannot be read is removed too, and v
// is nil then.
func (c *Collection[T]) Delete(ctx context.Context, key string, check func(*T) error) (v *T, err error) {
	err = retry(func() error {
		var revision uint64
		v, revision, err = c.get(ctx, key)
		if err != nil && (check != nil || !errors.Is(err, schema.ErrUnreadable)) {
			return err
		}
		if check != nil {
			if err := check(v); err != nil {
				return &final{err}
			}
		}
		if err := c.set.delete(ctx, c.prefix+key, revision); err != nil {
			return fmt.Errorf("delete %s %s: %w", c.kind.Name, key, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// final is an error that no other attempt would change.
type final struct{ err error }

func (f *final) Error() string { return f.err.Error() }

// retry tries until nobody is ahead of it, up to attempts times.
func retry(try func() error) (err error) {
	for range attempts {
		err = try()
		if f, ok := errors.AsType[*final](err); ok {
			return f.err
		}
		raced := errors.Is(err, hearth.ErrPrecondition) || errors.Is(err, hearth.ErrConflict)
		if !raced || errors.Is(err, schema.ErrUnreadable) {
			return err
		}
	}
	return err
}

// write stores a record and shows a copy of it in memory: v is the caller's.
func (c *Collection[T]) write(ctx context.Context, op store.Op, v *T) (uint64, error) {
	value, err := c.kind.Encode(v)
	if err != nil {
		return 0, err
	}
	own, err := c.decode(value)
	if err != nil {
		return 0, err
	}
	op.Value = value
	revisions, err := c.set.kv.Commit(ctx, []store.Op{op})
	if err != nil {
		return 0, fmt.Errorf("write %s: %w", op.Key, err)
	}
	shown := any(own)
	c.set.mirror.Wrote(op.Key, &shown, revisions[0])
	return revisions[0], c.set.disown(ctx, op.Key, revisions[0])
}
