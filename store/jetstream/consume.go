package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// consumerLinger is how long the server keeps a consumer that nobody reads.
const consumerLinger = time.Minute

// readAhead is how many bytes the server may send before they are read. It is
// more than one message, and well below what makes the server drop a slow client.
const readAhead = 2 * maxPayload

// errGap: a message that the server sent did not arrive.
var errGap = errors.New("message lost on the way")

// messages reads a stream, in order and without gaps, from a consumer of its
// own. Any error ends it.
type messages struct {
	js      jetstream.JetStream
	stream  string
	name    string // the consumer's
	iter    jetstream.MessagesContext
	pending uint64 // messages that the server had still to send, at the last one
	last    uint64 // the consumer's number of the last message
}

// consume starts reading with up to buffer messages, and readAhead bytes, ahead. The caller closes
// what it gets.
func consume(ctx context.Context, js jetstream.JetStream, stream string, config jetstream.ConsumerConfig, buffer int) (*messages, error) {
	config.AckPolicy = jetstream.AckNonePolicy
	config.MemoryStorage = true
	config.InactiveThreshold = consumerLinger
	config.Replicas = 1
	consumer, err := js.CreateConsumer(ctx, stream, config)
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", stream, failure(ctx, err))
	}
	iter, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(buffer, readAhead))
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", stream, failure(ctx, err))
	}
	info := consumer.CachedInfo()
	return &messages{js: js, stream: stream, name: info.Name, iter: iter, pending: info.NumPending}, nil
}

// next waits for the next message.
func (m *messages) next(ctx context.Context) (jetstream.Msg, *jetstream.MsgMetadata, error) {
	msg, err := m.iter.Next(jetstream.NextContext(ctx))
	if err != nil {
		return nil, nil, failure(ctx, err)
	}
	meta, err := msg.Metadata()
	if err != nil {
		return nil, nil, err
	}
	if meta.Sequence.Consumer != m.last+1 {
		return nil, nil, errGap
	}
	m.last, m.pending = meta.Sequence.Consumer, meta.NumPending
	return msg, meta, nil
}

// close stops the delivery and removes the consumer; when the server cannot be
// asked, it removes the consumer itself after consumerLinger.
func (m *messages) close(ctx context.Context) {
	m.iter.Stop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = m.js.DeleteConsumer(ctx, m.stream, m.name)
}
