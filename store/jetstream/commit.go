package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/internal/failpoint"
	"github.com/hearthd/hearth/store"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// Headers of NATS's conditional writes and atomic batches.
const (
	headerExpected    = "Nats-Expected-Last-Subject-Sequence"
	headerBatchID     = "Nats-Batch-Id"
	headerBatchSeq    = "Nats-Batch-Sequence"
	headerBatchCommit = "Nats-Batch-Commit"
)

// Error codes of the server that a commit tells apart.
const (
	codeBatchIncomplete = 10176 // a message was lost or refused; nothing was written
	codeBatchInflight   = 10210 // too many batches at once; nothing was written
)

const (
	maxBatches     = 8               // batches in flight; the server allows 50 of all its clients
	commitAttempts = 16              // until a commit that is overtaken every time gives up
	commitTimeout  = 5 * time.Second // when ctx has no deadline
)

// errRetry: nothing was written, and another attempt may succeed.
var errRetry = errors.New("overtaken by other writes")

// Commit implements store.KV. It looks at the keys first: the server compares
// sequences only, and would take an Update at the revision of a deletion. It
// then writes under the condition that they have not changed since, and looks
// again when they have.
func (kv *KV) Commit(ctx context.Context, ops []store.Op) ([]uint64, error) {
	if err := store.CheckOps(ops); err != nil {
		return nil, err
	}
	if err := kv.roomFor(ops); err != nil {
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
		if err := kv.observe(ctx, ops, expected); err != nil {
			return nil, err
		}
		last, err := kv.publish(ctx, ops, expected)
		if err == nil {
			revisions := make([]uint64, len(ops))
			for i := range ops { // a batch has consecutive sequences
				revisions[i] = last - uint64(len(ops)-1-i)
			}
			return revisions, nil
		}
		if !errors.Is(err, errRetry) {
			return nil, fmt.Errorf("commit %q: %w", ops[0].Key, err)
		}
	}
	return nil, fmt.Errorf("commit %q: %w: %w", ops[0].Key, hearth.ErrUnavailable, errRetry)
}

// roomFor returns the error of a full disk. What only deletes may go on for longer.
func (kv *KV) roomFor(ops []store.Op) error {
	size, deletes := 0, true
	for _, op := range ops {
		size += len(op.Value)
		deletes = deletes && op.Kind == store.OpDelete
	}
	if deletes {
		return kv.store.room.forDeletion()
	}
	return kv.store.room.forBytes(size)
}

// observe returns the error of the first operation whose condition does not
// hold now, or fills expected with the sequences that the keys are at.
func (kv *KV) observe(ctx context.Context, ops []store.Op, expected []uint64) error {
	for i, op := range ops {
		if op.Kind == store.OpPut {
			continue
		}
		record, live, err := kv.read(ctx, op.Key)
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
func (kv *KV) publish(ctx context.Context, ops []store.Op, expected []uint64) (uint64, error) {
	msgs := make([]*nats.Msg, len(ops))
	for i, op := range ops {
		msgs[i] = nats.NewMsg(metaPrefix + encodeKey(op.Key))
		msgs[i].Data = op.Value
		if op.Kind == store.OpDelete {
			msgs[i].Data = nil
			msgs[i].Header.Set(headerOperation, operationDelete)
		}
		if op.Kind != store.OpPut {
			msgs[i].Header.Set(headerExpected, strconv.FormatUint(expected[i], 10))
		}
	}
	failpoint.Hit("store/commit")
	defer failpoint.Hit("store/committed")
	if len(msgs) == 1 {
		ack, err := kv.js.PublishMsg(ctx, msgs[0])
		if err != nil {
			return 0, refused(ctx, err)
		}
		return ack.Sequence, nil
	}
	return kv.publishBatch(ctx, msgs)
}

// publishBatch sends the messages as one atomic batch. Only the last is
// answered: an error there means that none was written.
func (kv *KV) publishBatch(ctx context.Context, msgs []*nats.Msg) (uint64, error) {
	select {
	case kv.batches <- struct{}{}:
		defer func() { <-kv.batches }()
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	id := nuid.Next()
	for i, msg := range msgs {
		msg.Header.Set(headerBatchID, id)
		msg.Header.Set(headerBatchSeq, strconv.Itoa(i+1))
	}
	last := msgs[len(msgs)-1]
	last.Header.Set(headerBatchCommit, "1")
	for _, msg := range msgs[:len(msgs)-1] {
		if err := kv.store.conn.PublishMsg(msg); err != nil {
			return 0, failure(ctx, err)
		}
		failpoint.Hit("store/batch")
	}
	reply, err := kv.store.conn.RequestMsgWithContext(ctx, last)
	if err != nil {
		return 0, failure(ctx, err)
	}
	var ack struct {
		Error     *jetstream.APIError `json:"error"`
		Seq       uint64              `json:"seq"`
		BatchSize int                 `json:"count"`
	}
	if err := json.Unmarshal(reply.Data, &ack); err != nil {
		return 0, fmt.Errorf("parse answer to batch: %w", err)
	}
	if ack.Error != nil {
		return 0, refused(ctx, ack.Error)
	}
	if ack.BatchSize != len(msgs) {
		return 0, fmt.Errorf("the NATS server committed %d of %d messages: it does not know atomic batches (2.12 does): %w",
			ack.BatchSize, len(msgs), hearth.ErrInvalid)
	}
	return ack.Seq, nil
}

// refused turns the server's no into errRetry where the keys must be looked at.
func refused(ctx context.Context, err error) error {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return failure(ctx, err)
	}
	switch api.ErrorCode {
	case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant,
		codeBatchIncomplete, codeBatchInflight:
		return fmt.Errorf("%w: %w", errRetry, err)
	}
	return err
}
