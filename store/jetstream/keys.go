package jetstream

import (
	"context"
	"sync"

	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/keyset"
)

// keys follows which keys there are. The server knows them by subject, in no
// order, those of deleted keys among them: asked for a page, it would have to
// send all.
type keys struct {
	mu     sync.Mutex
	set    keyset.Set
	cursor uint64        // every write up to this revision shows in set
	err    error         // why set follows no longer
	moved  chan struct{} // closed when cursor or err change; nil: nobody waits
}

// follow keeps the set up to date until the store is closed.
func (k *keys) follow(ctx context.Context, kv *KV) {
	// What the stream has lost leaves no message that the watch could see: it
	// begins with everything up to here.
	begin, err := kv.lastRevision(ctx)
	for err != nil && pause(ctx, rewatchPause) == nil {
		begin, err = kv.lastRevision(ctx)
	}
	if err == nil {
		err = kv.watch(ctx, &watch{kv: kv, keysOnly: true, fn: func(e store.Event) error {
			k.apply(e, begin)
			return nil
		}})
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = err
	k.wakeLocked()
}

func (k *keys) apply(e store.Event, begin uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch e.Kind {
	case store.EventPut:
		k.set.Add(e.Key)
	case store.EventDelete:
		k.set.Delete(e.Key)
	case store.EventSynced:
		e.Revision = max(e.Revision, begin)
	}
	k.cursor = max(k.cursor, e.Revision)
	k.wakeLocked()
}

func (k *keys) wakeLocked() {
	if k.moved != nil {
		close(k.moved)
		k.moved = nil
	}
}

// wait returns when every write up to a revision shows in the set.
func (k *keys) wait(ctx context.Context, revision uint64) error {
	for {
		k.mu.Lock()
		if k.cursor >= revision || k.err != nil {
			defer k.mu.Unlock()
			return k.err
		}
		if k.moved == nil {
			k.moved = make(chan struct{})
		}
		moved := k.moved
		k.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// page is keyset's.
func (k *keys) page(prefix, after string, limit int) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.set.Page(prefix, after, limit)
}
