// Package mem is the store in memory: the whole contract, nothing on disk. It
// serves tests and throw-away daemons.
//
// It keeps the last state of every key, deletions included, in one map ordered
// by revision, which is all that a watch needs to begin, to follow and to catch
// up: a slow watcher costs no queue. Deleted keys therefore cost a few bytes
// for the life of the store.
package mem

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/keyset"
)

var (
	_ store.KV    = (*KV)(nil)
	_ store.Blobs = (*Blobs)(nil)
)

// KV is a store.KV in memory. NewKV makes one.
type KV struct {
	store.Writes // as a Commit of one

	mu       sync.Mutex
	last     map[string]state
	keys     keyset.Set // that are not deleted
	revision uint64
	changed  chan struct{} // closed and replaced at every commit
	closed   bool

	watchers sync.WaitGroup
}

// state is the last write to a key.
type state struct {
	value    []byte
	revision uint64
	deleted  bool
}

// NewKV returns an empty KV.
func NewKV() *KV {
	kv := &KV{last: map[string]state{}, changed: make(chan struct{})}
	kv.Writes = store.WritesOf(kv.Commit)
	return kv
}

// Close ends every Watch and waits for it; all later calls fail with
// hearth.ErrUnavailable.
func (kv *KV) Close() error {
	kv.mu.Lock()
	if !kv.closed {
		kv.closed = true
		close(kv.changed)
	}
	kv.mu.Unlock()
	kv.watchers.Wait()
	return nil
}

// Get implements store.KV.
func (kv *KV) Get(ctx context.Context, key string) (store.Record, error) {
	if err := store.CheckKey(key); err != nil {
		return store.Record{}, err
	}
	kv.mu.Lock()
	defer kv.mu.Unlock()
	if err := kv.usableLocked(ctx); err != nil {
		return store.Record{}, fmt.Errorf("get %q: %w", key, err)
	}
	s, ok := kv.last[key]
	if !ok || s.deleted {
		return store.Record{}, fmt.Errorf("get %q: %w", key, hearth.ErrNotFound)
	}
	return s.record(key), nil
}

// Commit implements store.KV.
func (kv *KV) Commit(ctx context.Context, ops []store.Op) ([]uint64, error) {
	if err := store.CheckOps(ops); err != nil {
		return nil, err
	}
	kv.mu.Lock()
	defer kv.mu.Unlock()
	if err := kv.usableLocked(ctx); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	for _, op := range ops {
		s, ok := kv.last[op.Key]
		if err := store.CheckCurrent(op, ok && !s.deleted, s.revision); err != nil {
			return nil, err
		}
	}
	revisions := make([]uint64, len(ops))
	for i, op := range ops {
		kv.revision++
		revisions[i] = kv.revision
		kv.last[op.Key] = state{value: bytes.Clone(op.Value), revision: kv.revision, deleted: op.Kind == store.OpDelete}
		if op.Kind == store.OpDelete {
			kv.keys.Delete(op.Key)
		} else {
			kv.keys.Add(op.Key)
		}
	}
	close(kv.changed)
	kv.changed = make(chan struct{})
	return revisions, nil
}

// List implements store.KV.
func (kv *KV) List(ctx context.Context, prefix, after string, limit int) ([]store.Record, error) {
	kv.mu.Lock()
	defer kv.mu.Unlock()
	if err := kv.usableLocked(ctx); err != nil {
		return nil, fmt.Errorf("list %q: %w", prefix, err)
	}
	keys := kv.keys.Page(prefix, after, limit)
	records := make([]store.Record, len(keys))
	for i, key := range keys {
		records[i] = kv.last[key].record(key)
	}
	return records, nil
}

// Watch implements store.KV.
func (kv *KV) Watch(ctx context.Context, prefix string, fn func(store.Event) error) error {
	kv.mu.Lock()
	if err := kv.usableLocked(ctx); err != nil {
		kv.mu.Unlock()
		return fmt.Errorf("watch %q: %w", prefix, err)
	}
	kv.watchers.Add(1)
	kv.mu.Unlock()
	defer kv.watchers.Done()

	var cursor uint64
	for synced := false; ; synced = true {
		events, changed, err := kv.since(prefix, cursor)
		if err != nil {
			return fmt.Errorf("watch %q: %w", prefix, err)
		}
		for _, event := range events {
			cursor = event.Revision
			if !synced && event.Kind == store.EventDelete {
				continue // gone before the watch began
			}
			if err := ended(ctx, fn(event)); err != nil {
				return err
			}
		}
		if !synced {
			if err := ended(ctx, fn(store.Event{Kind: store.EventSynced, Record: store.Record{Revision: cursor}})); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

// ended is how a watch ends after a call of fn: by fn's error, by ctx, or not yet.
func ended(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	return context.Cause(ctx)
}

// since returns the last state of every key under prefix that was written after
// a revision, in order, and a channel that is closed by the next write.
func (kv *KV) since(prefix string, revision uint64) ([]store.Event, <-chan struct{}, error) {
	kv.mu.Lock()
	defer kv.mu.Unlock()
	if kv.closed {
		return nil, nil, hearth.ErrUnavailable
	}
	var events []store.Event
	for key, s := range kv.last {
		if s.revision <= revision || !strings.HasPrefix(key, prefix) {
			continue
		}
		event := store.Event{Kind: store.EventPut, Record: s.record(key)}
		if s.deleted {
			event.Kind = store.EventDelete
		}
		events = append(events, event)
	}
	slices.SortFunc(events, func(a, b store.Event) int { return cmp.Compare(a.Revision, b.Revision) })
	return events, kv.changed, nil
}

func (kv *KV) usableLocked(ctx context.Context) error {
	if kv.closed {
		return fmt.Errorf("store is closed: %w", hearth.ErrUnavailable)
	}
	return context.Cause(ctx)
}

func (s state) record(key string) store.Record {
	return store.Record{Key: key, Value: bytes.Clone(s.value), Revision: s.revision}
}
