// Package entrylog keeps the store's logs: Open returns a Log, a store.Log on a
// stream of its own, where an entry is a message and its sequence the number.
//
// A message costs one sync; whoever has many things to write at once writes
// them as one entry.
package entrylog

import (
	"context"
	"fmt"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/jetstream/stream"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var _ store.Log = (*Log)(nil)

// appendTimeout bounds an Append whose ctx has no end of its own.
const appendTimeout = 10 * time.Second

// Log is a store.Log. Open makes one.
type Log struct {
	stream  *stream.Stream
	subject string
}

// streamConfig is the stream of a log, read from its leader only.
func streamConfig(name string, replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        "LOG_hearth_" + name,
		Description: "hearth: log of " + name,
		Subjects:    []string{"$HEARTH.log." + name},
		Storage:     jetstream.FileStorage,
		Replicas:    replicas,
		Discard:     jetstream.DiscardNew,
		AllowDirect: false,
		DenyDelete:  true,
	}
}

// Open opens the log of a name, which is made of letters and '_', and creates
// it when it is missing. There is nothing to close.
func Open(ctx context.Context, conn *stream.Conn, name string, replicas int) (*Log, error) {
	config := streamConfig(name, replicas)
	s, err := conn.Stream(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", name, err)
	}
	return &Log{stream: s, subject: config.Subjects[0]}, nil
}

// Append implements store.Log.
func (l *Log) Append(ctx context.Context, entry []byte) (uint64, error) {
	if err := store.CheckEntry(entry); err != nil {
		return 0, fmt.Errorf("append: %w", err)
	}
	if err := l.stream.RoomFor(len(entry)); err != nil {
		return 0, fmt.Errorf("append: %w", err)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, appendTimeout,
			fmt.Errorf("no answer within %v: %w", appendTimeout, hearth.ErrUnavailable))
		defer cancel()
	}
	number, err := l.stream.Publish(ctx, &nats.Msg{Subject: l.subject, Data: entry})
	if err != nil {
		return 0, fmt.Errorf("append: %w", err)
	}
	return number, nil
}

// Read implements store.Log.
func (l *Log) Read(ctx context.Context, number uint64) ([]byte, error) {
	msg, err := l.stream.Get(ctx, number)
	if err != nil {
		return nil, fmt.Errorf("read entry %d: %w", number, err)
	}
	return msg.Data, nil
}

// Replay implements store.Log.
func (l *Log) Replay(ctx context.Context, fn func(uint64, []byte) error) error {
	state, err := l.stream.State(ctx)
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	if state.Msgs == 0 {
		return nil
	}
	for from, failures := uint64(0), 0; ; {
		last, err := l.replay(ctx, from, state.LastSeq, fn)
		switch {
		case !stream.Lost(err):
			return err
		case last > 0 && last >= from: // it got on
			failures = 0
		default:
			failures++
		}
		if failures == replayAttempts {
			return fmt.Errorf("replay: %w: %w", hearth.ErrUnavailable, err)
		}
		from = max(from, last+1)
	}
}

// replayAttempts is how often a replay that gets nowhere begins again.
const replayAttempts = 5

// replay calls fn for the entries from a number on up to another, and returns
// the number of the last. An error that is stream.Lost: the connection broke meanwhile.
func (l *Log) replay(ctx context.Context, from, to uint64, fn func(uint64, []byte) error) (last uint64, err error) {
	config := jetstream.ConsumerConfig{}
	if from > 0 {
		config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverByStartSequencePolicy, from
	}
	messages, err := l.stream.Read(ctx, config, 64)
	if err != nil {
		return 0, fmt.Errorf("replay: %w", err)
	}
	defer messages.Close(ctx)
	for {
		msg, meta, err := messages.Next(ctx)
		if err != nil {
			return last, fmt.Errorf("replay: %w", err)
		}
		last = meta.Sequence.Stream
		if err := fn(last, msg.Data); err != nil {
			return last, err
		}
		if last >= to {
			return last, nil
		}
	}
}

// Trim implements store.Log.
func (l *Log) Trim(ctx context.Context, before uint64) error {
	if before <= 1 {
		return nil // a purge up to 0 would be one of everything
	}
	if err := l.stream.Purge(ctx, jetstream.WithPurgeSequence(before)); err != nil {
		return fmt.Errorf("trim before %d: %w", before, err)
	}
	return nil
}
