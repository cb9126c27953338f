package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/internal/failpoint"
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

// Error codes of the server that mean ErrOvertaken.
const (
	codeBatchIncomplete = 10176 // a message was lost or refused; nothing was written
	codeBatchInflight   = 10210 // too many batches at once; nothing was written
)

// maxBatches is how many batches may be in flight; others wait. The server
// allows 50 of all its clients.
const maxBatches = 8

// ErrOvertaken: nothing was written, and another attempt may succeed, after a
// look at what is there now.
var ErrOvertaken = errors.New("overtaken by other writes")

// Expect makes the writing of a message fail with ErrOvertaken unless the last
// one of its subject has that sequence. 0: there is none.
func Expect(msg *nats.Msg, sequence uint64) {
	msg.Header.Set(headerExpected, strconv.FormatUint(sequence, 10))
}

// Publish writes a message and returns its sequence; ErrOvertaken.
func (s *Stream) Publish(ctx context.Context, msg *nats.Msg) (sequence uint64, err error) {
	ack, err := s.conn.js.PublishMsg(ctx, msg)
	if err != nil {
		return 0, refused(ctx, err)
	}
	return ack.Sequence, nil
}

// PublishBatch writes all messages or none, with consecutive sequences, and
// returns the last; ErrOvertaken. Only the last message is answered: an error
// there means that none was written.
func (s *Stream) PublishBatch(ctx context.Context, msgs []*nats.Msg) (sequence uint64, err error) {
	select {
	case s.batches <- struct{}{}:
		defer func() { <-s.batches }()
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
		if err := s.conn.conn.PublishMsg(msg); err != nil {
			return 0, failure(ctx, err)
		}
		failpoint.Hit("store/batch")
	}
	reply, err := s.conn.conn.RequestMsgWithContext(ctx, last)
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

// refused turns the server's no into ErrOvertaken where that is what it means.
func refused(ctx context.Context, err error) error {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return failure(ctx, err)
	}
	switch api.ErrorCode {
	case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant,
		codeBatchIncomplete, codeBatchInflight:
		return fmt.Errorf("%w: %w", ErrOvertaken, err)
	}
	return unavailable(err)
}
