package records

import (
	"context"

	"github.com/hearthd/hearth"
)

// ByFunction is a collection of OfFunction for those who know functions and
// qualifiers rather than keys. An empty qualifier is the record of the function
// itself, beside those of its qualifiers.
type ByFunction[T any] struct{ *Collection[T] }

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
// by the qualifiers' keys, and whether there are more. limit 0: all.
func (b ByFunction[T]) List(ctx context.Context, name hearth.Name, after string, limit int) (page []*T, more bool, err error) {
	prefix := FunctionKey(name, "") + "/"
	return values(ctx, b.Collection, prefix, after, limit)
}

// ListAll returns all records of the functions of an account and region.
func (b ByFunction[T]) ListAll(ctx context.Context, account, region string) ([]*T, error) {
	all, _, err := values(ctx, b.Collection, Key(account, region)+"/", "", 0)
	return all, err
}

// ByID is a collection of Of whose records have an id within an account and a
// region.
type ByID[T any] struct{ *Collection[T] }

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

// List returns up to limit records of an account and region after an id, by
// their ids' keys, and whether there are more. limit 0: all.
func (b ByID[T]) List(ctx context.Context, account, region, after string, limit int) (page []*T, more bool, err error) {
	return values(ctx, b.Collection, Key(account, region)+"/", after, limit)
}

func values[T any](ctx context.Context, c *Collection[T], prefix, after string, limit int) ([]*T, bool, error) {
	if after != "" {
		after = prefix + Key(after)
	}
	items, more, err := c.List(ctx, prefix, after, limit)
	if err != nil {
		return nil, false, err
	}
	page := make([]*T, len(items))
	for i, item := range items {
		page[i] = item.Value
	}
	return page, more, nil
}
