package kv

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/keyset"
)

// keys follows which keys there are. The server knows them by subject, in no
// order, those of deleted keys among them: asked for a page, it would have to
// send all.
type keys struct {
	mu     sync.Mutex
	set    keyset.Set
	cursor uint64        // every message up to this revision that was still there shows in set
	err    error         // why set follows no longer
	moved  chan struct{} // closed when cursor or err change; nil: nobody waits
}

// follow keeps the set up to date until the bucket is closed.
func (k *keys) follow(ctx context.Context, b *Bucket) {
	// What the stream has lost leaves no message that the watch could see: it
	// begins with everything up to here.
	begin, err := b.lastRevision(ctx)
	for err != nil && pause(ctx, rewatchPause) == nil {
		begin, err = b.lastRevision(ctx)
	}
	if err == nil {
		err = b.watch(ctx, &watch{bucket: b, keysOnly: true, fn: func(e store.Event) error {
			k.apply(e, begin)
			return nil
		}})
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("store is closed: %w", hearth.ErrUnavailable)
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

// How hard a list tries to have every key.
const (
	// catchUps is how often it looks whether something was written meanwhile. To
	// be missed after that, a key must have been written again each time.
	catchUps = 8
	// catchUpTimeout is how long it waits when its ctx has no deadline.
	catchUpTimeout = 30 * time.Second
)

// catchUp returns when every key that there is now shows in the set. last asks
// for the revision of the last write.
//
// The set is behind that revision for a moment, and to come to it is not enough:
// a key that is new, and was written again before the watch came to its first
// message, has a message behind it only. So the set must have been at the last
// write when that was asked for; in a store that is written all the time, it is
// asked a few times.
func (k *keys) catchUp(ctx context.Context, last func(context.Context) (uint64, error)) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, catchUpTimeout,
			fmt.Errorf("keys are not known within %v: %w", catchUpTimeout, hearth.ErrUnavailable))
		defer cancel()
	}
	for range catchUps {
		seen, err := k.seen()
		if err != nil {
			return err
		}
		revision, err := last(ctx)
		if err != nil {
			return err
		}
		if revision <= seen {
			return nil
		}
		if err := k.wait(ctx, revision); err != nil {
			return err
		}
	}
	return nil
}

// seen returns how far the set is.
func (k *keys) seen() (revision uint64, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cursor, k.err
}

// wait returns when the set is at a revision, or beyond it.
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
