package kv

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/jetstream/stream"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// rewatchPause is how long a watch waits before it asks again after the server
// did not answer.
const rewatchPause = 500 * time.Millisecond

// errResume: the consumer is gone or has lost a message; a new one goes on
// after the last message that was seen.
var errResume = errors.New("watch has to resume")

// watch is the state of one Watch over all the consumers that it goes through.
type watch struct {
	bucket   *Bucket
	prefix   string
	keysOnly bool // no values
	fn       func(store.Event) error

	cursor uint64          // sequence of the last message seen
	synced bool            // EventSynced was reported
	seen   map[string]bool // keys reported before EventSynced
	warned bool            // see warn
}

// Watch implements store.KV. It reads from a consumer that delivers the last
// message of each key and then the new ones, and replaces it when it is lost.
func (b *Bucket) Watch(ctx context.Context, prefix string, fn func(store.Event) error) error {
	return b.watch(ctx, &watch{bucket: b, prefix: prefix, fn: fn})
}

func (b *Bucket) watch(ctx context.Context, w *watch) error {
	if !b.beginWatch() {
		return fmt.Errorf("watch %q: store is closed: %w", w.prefix, hearth.ErrUnavailable)
	}
	defer b.watches.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(b.closing, func() {
		cancel(fmt.Errorf("watch %q: store is closed: %w", w.prefix, hearth.ErrUnavailable))
	})
	defer stop()

	w.seen = map[string]bool{}
	for {
		err := w.follow(ctx)
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		if !errors.Is(err, errResume) {
			return err
		}
		if !errors.Is(err, stream.ErrGap) && !errors.Is(err, context.Canceled) { // not a matter of the connection alone
			w.warn(err)
			if err := pause(ctx, rewatchPause); err != nil {
				return err
			}
		}
	}
}

// warn logs, once until something comes again, what the server has against the
// watch. Loss of the connection is logged already, and that of a consumer is no
// matter.
func (w *watch) warn(err error) {
	if w.warned || stream.Lost(err) || errors.Is(err, hearth.ErrUnavailable) {
		return
	}
	w.warned = true
	w.bucket.logger.Warn("changes of the store are not seen; trying again", "prefix", w.prefix, "error", err)
}

// beginWatch counts a watch that Close waits for; false after Close.
func (b *Bucket) beginWatch() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.watches.Add(1)
	return true
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// follow reports what one consumer delivers, until that ends with errResume or
// fn with its error.
func (w *watch) follow(ctx context.Context) error {
	// Messages that were on the way when a connection broke are lost.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(w.bucket.stream.UntilReconnect(), cancel)
	defer stop()

	config := jetstream.ConsumerConfig{
		FilterSubject: subjectPrefix + prefixFilter(w.prefix),
		DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy,
		HeadersOnly:   w.keysOnly,
	}
	if w.cursor > 0 {
		// One message per key is all the stream has, so this too is the last
		// state of each key, of those that changed.
		config.DeliverPolicy = jetstream.DeliverByStartSequencePolicy
		config.OptStartSeq = w.cursor + 1
	}
	messages, err := w.bucket.stream.Read(ctx, config, 256)
	if err != nil {
		return fmt.Errorf("%w: %w", errResume, err)
	}
	defer messages.Close(ctx)
	if messages.Pending() == 0 {
		if err := w.sync(); err != nil {
			return err
		}
	}
	for {
		msg, meta, err := messages.Next(ctx)
		if err != nil {
			return fmt.Errorf("%w: %w", errResume, err)
		}
		if err := w.report(msg, meta.Sequence.Stream); err != nil {
			return err
		}
		if meta.NumPending == 0 {
			if err := w.sync(); err != nil {
				return err
			}
		}
	}
}

// report passes one message on, unless it is of no interest.
func (w *watch) report(msg *nats.Msg, revision uint64) error {
	w.cursor, w.warned = revision, false
	key, err := decodeKey(strings.TrimPrefix(msg.Subject, subjectPrefix))
	if err != nil {
		return fmt.Errorf("watch %q: %w", w.prefix, err)
	}
	if !strings.HasPrefix(key, w.prefix) {
		return nil
	}
	event := store.Event{Kind: store.EventPut, Record: store.Record{Key: key, Value: msg.Data, Revision: revision}}
	if deleted(msg.Header) {
		if !w.synced && !w.seen[key] {
			return nil // gone before the watch began
		}
		event.Kind, event.Value = store.EventDelete, nil
	}
	if !w.synced {
		w.seen[key] = true
	}
	return w.fn(event)
}

// sync reports, once, that the state as it was has been delivered.
func (w *watch) sync() error {
	if w.synced {
		return nil
	}
	w.synced, w.seen = true, nil
	return w.fn(store.Event{Kind: store.EventSynced, Record: store.Record{Revision: w.cursor}})
}
