package store

import "context"

// Writes are the single writes of a KV, for its driver to embed: each is a
// Commit of one operation, so that there is one way to write.
type Writes struct {
	commit func(ctx context.Context, ops []Op) (revisions []uint64, err error)
}

// WritesOf returns the writes of a driver with that Commit.
func WritesOf(commit func(ctx context.Context, ops []Op) (revisions []uint64, err error)) Writes {
	return Writes{commit}
}

// Create implements KV.
func (w Writes) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	return w.one(ctx, Op{Kind: OpCreate, Key: key, Value: value})
}

// Put implements KV.
func (w Writes) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	return w.one(ctx, Op{Kind: OpPut, Key: key, Value: value})
}

// Update implements KV.
func (w Writes) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	return w.one(ctx, Op{Kind: OpUpdate, Key: key, Value: value, Revision: revision})
}

// Delete implements KV.
func (w Writes) Delete(ctx context.Context, key string, revision uint64) (uint64, error) {
	return w.one(ctx, Op{Kind: OpDelete, Key: key, Revision: revision})
}

func (w Writes) one(ctx context.Context, op Op) (uint64, error) {
	revisions, err := w.commit(ctx, []Op{op})
	if err != nil {
		return 0, err
	}
	return revisions[0], nil
}
