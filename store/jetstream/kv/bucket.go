// Package kv keeps the store's records: Open returns a Bucket, a store.KV on a
// stream with one message per key, whose sequence is the revision. The layout is
// that of NATS's own key-value buckets, so that the nats command line can read
// it. All reads are answered by the stream's leader.
//
//	Commit   looks at the keys, and writes under the condition that they did not change
//	Watch    goes through as many consumers as it takes, from the last revision it saw
//	List     cuts pages from a set of keys that a Watch keeps, and reads their records
//
// Deleted keys leave a marker of about 100 bytes for ever: a watch that was
// away must still learn of them.
package kv

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/jetstream/stream"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

var _ store.KV = (*Bucket)(nil)

const (
	bucket        = "hearth_meta"
	subjectPrefix = "$KV." + bucket + "."
)

// A deleted key keeps a message with this header, as in NATS's own buckets.
const (
	headerOperation = "KV-Operation"
	operationDelete = "DEL"
)

// listReads is how many records List reads at once.
const listReads = 8

// Bucket is a store.KV. Open makes one.
type Bucket struct {
	store.Writes // as a Commit of one

	stream *stream.Stream
	keys   keys // for List
	logger *slog.Logger

	closing context.Context // done once Close has begun
	end     context.CancelFunc

	mu      sync.Mutex
	closed  bool
	watches sync.WaitGroup // and what follows keys
}

// streamConfig is NATS's key-value layout, but read from the leader only, and with
// atomic batches.
func streamConfig(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               "KV_" + bucket,
		Description:        "hearth: functions and their configuration",
		Subjects:           []string{subjectPrefix + ">"},
		Storage:            jetstream.FileStorage,
		Replicas:           replicas,
		MaxMsgsPerSubject:  1,
		Discard:            jetstream.DiscardNew,
		AllowRollup:        true,
		DenyDelete:         true,
		AllowDirect:        false, // any replica would answer, also one that lags
		AllowAtomicPublish: true,
	}
}

// Open opens the records on a connection, and creates their stream when it is
// missing. What the server has against a watch is logged. The caller closes the
// bucket before the connection. The bucket's life is not that of ctx.
func Open(ctx context.Context, conn *stream.Conn, replicas int, logger *slog.Logger) (*Bucket, error) {
	s, err := conn.Stream(ctx, streamConfig(replicas))
	if err != nil {
		return nil, err
	}
	b := &Bucket{stream: s, logger: logger}
	b.Writes = store.WritesOf(b.Commit)
	b.closing, b.end = context.WithCancel(context.WithoutCancel(ctx))
	b.watches.Go(func() { b.keys.follow(b.closing, b) })
	return b, nil
}

// Close ends every Watch and waits for it; later ones fail with
// hearth.ErrUnavailable. It may be called again.
func (b *Bucket) Close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.end()
	b.watches.Wait()
}

// Get implements store.KV.
func (b *Bucket) Get(ctx context.Context, key string) (store.Record, error) {
	if err := store.CheckKey(key); err != nil {
		return store.Record{}, err
	}
	record, live, err := b.read(ctx, key)
	if err == nil && !live {
		err = hearth.ErrNotFound
	}
	if err != nil {
		return store.Record{}, fmt.Errorf("get %q: %w", key, err)
	}
	return record, nil
}

// read returns the last write to a key. live is false for a deleted key, whose
// Revision is that of the deletion, and for one that never was, whose Revision
// is 0.
func (b *Bucket) read(ctx context.Context, key string) (record store.Record, live bool, err error) {
	msg, err := b.stream.Last(ctx, subjectPrefix+encodeKey(key))
	if errors.Is(err, hearth.ErrNotFound) {
		return store.Record{Key: key}, false, nil
	}
	if err != nil {
		return store.Record{}, false, err
	}
	return store.Record{Key: key, Value: msg.Data, Revision: msg.Sequence}, !deleted(msg.Header), nil
}

func deleted(header nats.Header) bool { return header.Get(headerOperation) != "" }

// List implements store.KV.
func (b *Bucket) List(ctx context.Context, prefix, after string, limit int) ([]store.Record, error) {
	if err := b.keys.catchUp(ctx, b.lastRevision); err != nil {
		return nil, fmt.Errorf("list %q: %w", prefix, err)
	}
	var records []store.Record
	for limit <= 0 || len(records) < limit {
		// Some may be deleted by now, so a page may take several rounds.
		page := b.keys.page(prefix, after, max(limit-len(records), 0))
		if len(page) == 0 {
			break
		}
		read, err := b.readAll(ctx, page)
		if err != nil {
			return nil, fmt.Errorf("list %q: %w", prefix, err)
		}
		records, after = append(records, read...), page[len(page)-1]
	}
	return records, nil
}

// lastRevision returns the revision of the last write to any key.
func (b *Bucket) lastRevision(ctx context.Context) (uint64, error) {
	state, err := b.stream.State(ctx)
	return state.LastSeq, err
}

// readAll returns the live records among keys, in order.
func (b *Bucket) readAll(ctx context.Context, keys []string) ([]store.Record, error) {
	records := make([]store.Record, len(keys))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(listReads)
	for i, key := range keys {
		group.Go(func() error {
			record, live, err := b.read(groupCtx, key)
			if live {
				records[i] = record
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(records, func(r store.Record) bool { return r.Revision == 0 }), nil
}
