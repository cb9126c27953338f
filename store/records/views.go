package records

import (
	"context"

	"github.com/hearthd/hearth"
)

// ByFunction is a collection of a kind that belongs to functions, for those who know functions and
// qualifiers rather than keys. An empty qualifier is the record of the function
// itself, beside those of its qualifiers.
type ByFunction[T any] struct{ *Collection[T] }

// NewByFunction adds a collection to a set that is not open yet.
func NewByFunction[T any](s *Set, name hearth.Kind) ByFunction[T] {
	return ByFunction[T]{Of[T](s, name)}
}

// Lookup is Collection.Lookup.
func (b ByFunction[T]) Lookup(name hearth.Name, qualifier string) *T {
	return b.Collection.Lookup(FunctionKey(name, qualifier))
}

// Get is Collection.Get.
func (b ByFunction[T]) Get(ctx context.Context, name hearth.Name, qualifier string) (*T, error) {
	return b.Collection.Get(ctx, FunctionKey(name, qualifier))
}

// Create is Collection.Create.
func (b ByFunction[T]) Create(ctx context.Context, name hearth.Name, qualifier string, v *T) error {
	return b.Collection.Create(ctx, FunctionKey(name, qualifier), v)
}

// Put is Collection.Put.
func (b ByFunction[T]) Put(ctx context.Context, name hearth.Name, qualifier string, v *T) error {
	return b.Collection.Put(ctx, FunctionKey(name, qualifier), v)
}

// Update is Collection.Update.
func (b ByFunction[T]) Update(ctx context.Context, name hearth.Name, qualifier string, change func(*T) error) (*T, error) {
	return b.Collection.Update(ctx, FunctionKey(name, qualifier), change)
}

// Delete is Collection.Delete without a check.
func (b ByFunction[T]) Delete(ctx context.Context, name hearth.Name, qualifier string) error {
	_, err := b.Collection.Delete(ctx, FunctionKey(name, qualifier), nil)
	return err
}

// List returns up to limit records of a function's qualifiers after one of them,
// in the order of the qualifiers' keys. next is what the following page comes
// after: the last qualifier of this one, empty on the last page. limit 0: all.
func (b ByFunction[T]) List(ctx context.Context, name hearth.Name, after string, limit int) (page []*T, next string, err error) {
	return values(ctx, b.Collection, FunctionKey(name, "")+"/", after, limit)
}

// ListAll returns all records of the functions of an account and region.
func (b ByFunction[T]) ListAll(ctx context.Context, account, region string) ([]*T, error) {
	all, _, err := values(ctx, b.Collection, Key(account, region)+"/", "", 0)
	return all, err
}

// ByKey is a collection for those who know what its records are about, a K whose Key
// is the parts of a record's key: account, region, and what identifies it there.
type ByKey[K interface{ Key() []string }, T any] struct{ *Collection[T] }

// NewByKey adds a collection to a set that is not open yet. Of a kind that belongs to
// functions, the keys must be those that FunctionKey makes.
func NewByKey[K interface{ Key() []string }, T any](s *Set, name hearth.Kind) ByKey[K, T] {
	return ByKey[K, T]{Of[T](s, name)}
}

// Find is Collection.Find.
func (b ByKey[K, T]) Find(k K) (*T, error) { return b.Collection.Find(Key(k.Key()...)) }

// Get is Collection.Get.
func (b ByKey[K, T]) Get(ctx context.Context, k K) (*T, error) {
	return b.Collection.Get(ctx, Key(k.Key()...))
}

// Modify is Collection.Modify.
func (b ByKey[K, T]) Modify(ctx context.Context, k K, change func(v *T, exists bool) error) (*T, error) {
	return b.Collection.Modify(ctx, Key(k.Key()...), change)
}

// Delete is Collection.Delete.
func (b ByKey[K, T]) Delete(ctx context.Context, k K, check func(*T) error) (*T, error) {
	return b.Collection.Delete(ctx, Key(k.Key()...), check)
}

// ByID is a collection whose records have an id within an account and a
// region.
type ByID[T any] struct{ *Collection[T] }

// NewByID adds a collection to a set that is not open yet.
func NewByID[T any](s *Set, name hearth.Kind) ByID[T] { return ByID[T]{Of[T](s, name)} }

// Lookup is Collection.Lookup.
func (b ByID[T]) Lookup(account, region, id string) *T {
	return b.Collection.Lookup(Key(account, region, id))
}

// Get is Collection.Get.
func (b ByID[T]) Get(ctx context.Context, account, region, id string) (*T, error) {
	return b.Collection.Get(ctx, Key(account, region, id))
}

// Create is Collection.Create.
func (b ByID[T]) Create(ctx context.Context, account, region, id string, v *T) error {
	return b.Collection.Create(ctx, Key(account, region, id), v)
}

// Update is Collection.Update.
func (b ByID[T]) Update(ctx context.Context, account, region, id string, change func(*T) error) (*T, error) {
	return b.Collection.Update(ctx, Key(account, region, id), change)
}

// Delete is Collection.Delete.
func (b ByID[T]) Delete(ctx context.Context, account, region, id string, check func(*T) error) (*T, error) {
	return b.Collection.Delete(ctx, Key(account, region, id), check)
}

// List is ByFunction.List of the ids of an account and region.
func (b ByID[T]) List(ctx context.Context, account, region, after string, limit int) (page []*T, next string, err error) {
	return values(ctx, b.Collection, Key(account, region)+"/", after, limit)
}

func values[T any](ctx context.Context, c *Collection[T], prefix, after string, limit int) (page []*T, next string, err error) {
	if after != "" {
		after = prefix + Key(after)
	}
	items, more, err := c.List(ctx, prefix, after, limit)
	if err != nil {
		return nil, "", err
	}
	page = make([]*T, len(items))
	for i, item := range items {
		page[i] = item.Value
	}
	if more {
		next = Parts(items[len(items)-1].Key[len(prefix):])[0]
	}
	return page, next, nil
}
