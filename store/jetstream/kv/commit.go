package kv

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/internal/failpoint"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/jetstream/stream"
	"github.com/nats-io/nats.go"
)

const (
	commitAttempts = 16              // until a commit that is overtaken every time gives up
	commitTimeout  = 5 * time.Second // when ctx has no deadline
)

// Commit implements store.KV. It looks at the keys first: the server compares
// sequences only, and would take an Update at the revision of a deletion. It
// then writes under the condition that they have not changed since, and looks
// again when they have.
func (b *Bucket) Commit(ctx context.Context, ops []store.Op) ([]uint64, error) {
	if err := store.CheckOps(ops); err != nil {
		return nil, err
	}
	if err := b.roomFor(ops); err != nil {
		return nil, fmt.Errorf("commit %q: %w", ops[0].Key, err)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, commitTimeout,
			fmt.Errorf("no answer within %v: %w", commitTimeout, hearth.ErrUnavailable))
		defer cancel()
	}
	expected := make([]uint64, len(ops)) // by each conditional operation, of its key
	for range commitAttempts {
		if err := b.observe(ctx, ops, expected); err != nil {
			return nil, err
		}
		last, err := b.publish(ctx, ops, expected)
		if err == nil {
			revisions := make([]uint64, len(ops))
			for i := range ops { // a batch has consecutive sequences
				revisions[i] = last - uint64(len(ops)-1-i)
			}
			return revisions, nil
		}
		if !errors.Is(err, stream.ErrOvertaken) {
			return nil, fmt.Errorf("commit %q: %w", ops[0].Key, err)
		}
	}
	return nil, fmt.Errorf("commit %q: %w: %w", ops[0].Key, hearth.ErrUnavailable, stream.ErrOvertaken)
}

// roomFor returns the error of a full disk. What only deletes may go on for longer.
func (b *Bucket) roomFor(ops []store.Op) error {
	size, deletes := 0, true
	for _, op := range ops {
		size += len(op.Value)
		deletes = deletes && op.Kind == store.OpDelete
	}
	if deletes {
		return b.stream.RoomForDeletion()
	}
	return b.stream.RoomFor(size)
}

// observe returns the error of the first operation whose condition does not
// hold now, or fills expected with the sequences that the keys are at.
func (b *Bucket) observe(ctx context.Context, ops []store.Op, expected []uint64) error {
	for i, op := range ops {
		if op.Kind == store.OpPut {
			continue
		}
		record, live, err := b.read(ctx, op.Key)
		if err != nil {
			return fmt.Errorf("commit %q: %w", op.Key, err)
		}
		if err := store.CheckCurrent(op, live, record.Revision); err != nil {
			return err
		}
		expected[i] = record.Revision
	}
	return nil
}

// publish sends the operations and returns the sequence of the last.
func (b *Bucket) publish(ctx context.Context, ops []store.Op, expected []uint64) (uint64, error) {
	msgs := make([]*nats.Msg, len(ops))
	for i, op := range ops {
		msgs[i] = nats.NewMsg(subjectPrefix + encodeKey(op.Key))
		msgs[i].Data = op.Value
		if op.Kind == store.OpDelete {
			msgs[i].Data = nil
			msgs[i].Header.Set(headerOperation, operationDelete)
		}
		if op.Kind != store.OpPut {
			stream.Expect(msgs[i], expected[i])
		}
	}
	failpoint.Hit("store/commit")
	defer failpoint.Hit("store/committed")
	if len(msgs) == 1 {
		return b.stream.Publish(ctx, msgs[0])
	}
	return b.stream.PublishBatch(ctx, msgs)
}
