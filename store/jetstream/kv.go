package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

var (
	_ store.KV    = (*KV)(nil)
	_ store.Blobs = (*Blobs)(nil)
)

// A deleted key keeps a message with this header, as in NATS's own buckets.
const (
	headerOperation = "KV-Operation"
	operationDelete = "DEL"
)

// listReads is how many records List reads at once.
const listReads = 8

// KV is a store.KV on a stream with one message per key; the message's sequence
// is the revision. All reads are answered by the stream's leader.
type KV struct {
	store.Writes // as a Commit of one

	store   *Store
	js      jetstream.JetStream
	stream  jetstream.Stream
	batches chan struct{} // a slot for each batch in flight
	keys    keys          // for List
}

// Get implements store.KV.
func (kv *KV) Get(ctx context.Context, key string) (store.Record, error) {
	if err := store.CheckKey(key); err != nil {
		return store.Record{}, err
	}
	record, live, err := kv.read(ctx, key)
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
func (kv *KV) read(ctx context.Context, key string) (record store.Record, live bool, err error) {
	msg, err := kv.stream.GetLastMsgForSubject(ctx, metaPrefix+encodeKey(key))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return store.Record{Key: key}, false, nil
	}
	if err != nil {
		return store.Record{}, false, failure(ctx, err)
	}
	return store.Record{Key: key, Value: msg.Data, Revision: msg.Sequence}, !deleted(msg.Header), nil
}

func deleted(header nats.Header) bool { return header.Get(headerOperation) != "" }

// failure is the error of a call to the server: the end of the caller's ctx
// when that was the reason.
func failure(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return unavailable(err)
}

// List implements store.KV.
func (kv *KV) List(ctx context.Context, prefix, after string, limit int) ([]store.Record, error) {
	if err := kv.keys.catchUp(ctx, kv.lastRevision); err != nil {
		return nil, fmt.Errorf("list %q: %w", prefix, err)
	}
	var records []store.Record
	for limit <= 0 || len(records) < limit {
		// Some may be deleted by now, so a page may take several rounds.
		page := kv.keys.page(prefix, after, max(limit-len(records), 0))
		if len(page) == 0 {
			break
		}
		read, err := kv.readAll(ctx, page)
		if err != nil {
			return nil, fmt.Errorf("list %q: %w", prefix, err)
		}
		records, after = append(records, read...), page[len(page)-1]
	}
	return records, nil
}

// lastRevision returns the revision of the last write to any key.
func (kv *KV) lastRevision(ctx context.Context) (uint64, error) {
	info, err := kv.stream.Info(ctx)
	if err != nil {
		return 0, failure(ctx, err)
	}
	return info.State.LastSeq, nil
}

// readAll returns the live records among keys, in order.
func (kv *KV) readAll(ctx context.Context, keys []string) ([]store.Record, error) {
	records := make([]store.Record, len(keys))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(listReads)
	for i, key := range keys {
		group.Go(func() error {
			record, live, err := kv.read(groupCtx, key)
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
