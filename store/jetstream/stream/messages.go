package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// consumerLinger is how long the server keeps a consumer that nobody reads.
const consumerLinger = time.Minute

// readAhead is how many bytes the server may send before they are read. It is
// more than one message, and well below what makes the server drop a slow client.
const readAhead = 2 * MaxPayload

// How long the server keeps a request open, and how often it says meanwhile
// that it does.
const (
	requestLife = 30 * time.Second
	heartbeat   = requestLife / 2
)

// statuses is room for what the server says of a request beside its messages:
// the heartbeats of its life, and how it ended.
const statuses = int(requestLife/heartbeat) + 2

// Why a consumer has nothing more to give, though the stream has; see Lost.
var (
	// ErrGap: a message did not come, and those behind it did.
	ErrGap  = errors.New("message lost on the way")
	errGone = errors.New("the consumer is gone")
)

// Lost reports whether a consumer failed that another may stand in for.
func Lost(err error) bool { return errors.Is(err, ErrGap) || errors.Is(err, errGone) }

// Messages reads a stream, in order and without gaps, from a consumer of its
// own. Any error ends it. It is for one goroutine.
//
// It asks for a batch when it has read the last one, and has room for all that
// can come: messages, and what the server says of a request. The client
// library's iterators have room for the messages alone, and drop one when the
// server ends each batch with a status, as it does when bytes are bounded.
type Messages struct {
	stream  *Stream
	name    string        // the consumer's
	batch   int           // messages of a request
	silence time.Duration // after which the consumer counts as gone
	request *request
	pending uint64 // messages that the server had still to send, at the last one
	last    uint64 // the consumer's number of the last message
}

// request is what the server was asked for and has not sent yet.
type request struct {
	sub   *nats.Subscription
	come  chan *nats.Msg
	ended chan struct{} // closed with the subscription, or the connection
	left  int           // messages
}

// Read starts reading what config selects, up to batch messages and readAhead
// bytes ahead. The caller closes what it gets.
func (s *Stream) Read(ctx context.Context, config jetstream.ConsumerConfig, batch int) (*Messages, error) {
	config.AckPolicy = jetstream.AckNonePolicy
	config.MemoryStorage = true
	config.InactiveThreshold = consumerLinger
	config.Replicas = 1
	consumer, err := s.conn.js.CreateConsumer(ctx, s.name, config)
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", s.name, failure(ctx, err))
	}
	info := consumer.CachedInfo()
	return &Messages{stream: s, name: info.Name, batch: batch, silence: 2 * heartbeat, pending: info.NumPending}, nil
}

// Pending is how many messages the server had still to send when it sent the
// last one; before the first, how many there are.
func (m *Messages) Pending() uint64 { return m.pending }

// Next waits for the next message.
func (m *Messages) Next(ctx context.Context) (*nats.Msg, *nats.MsgMetadata, error) {
	silence := time.NewTimer(m.silence)
	defer silence.Stop()
	for {
		if m.request == nil {
			if err := m.ask(); err != nil {
				return nil, nil, failure(ctx, err)
			}
		}
		select {
		case msg := <-m.request.come:
			if !isStatus(msg) {
				return m.take(msg)
			}
			if err := m.heed(msg); err != nil {
				return nil, nil, failure(ctx, err)
			}
			silence.Reset(m.silence)
		case <-m.request.ended:
			return nil, nil, failure(ctx, nats.ErrConnectionClosed)
		case <-silence.C:
			// The request did not survive, perhaps with its connection. What the
			// server has sent for it would be missing, and if it was the last
			// there is, nothing would tell: another consumer sends it again.
			return nil, nil, fmt.Errorf("read stream %s: no sign of a request for %v: %w", m.stream.name, m.silence, errGone)
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
	}
}

// ask requests a batch.
func (m *Messages) ask() error {
	body, err := json.Marshal(map[string]int64{
		"batch": int64(m.batch), "max_bytes": readAhead, "expires": int64(requestLife), "idle_heartbeat": int64(heartbeat),
	})
	if err != nil {
		return err
	}
	conn := m.stream.conn.conn
	r := &request{come: make(chan *nats.Msg, m.batch+statuses), ended: make(chan struct{}), left: m.batch}
	inbox := conn.NewInbox()
	if r.sub, err = conn.ChanSubscribe(inbox, r.come); err != nil {
		return err
	}
	end := sync.OnceFunc(func() { close(r.ended) })
	r.sub.SetClosedHandler(func(string) { end() })
	m.request = r
	return conn.PublishRequest(jetstream.DefaultAPIPrefix+"CONSUMER.MSG.NEXT."+m.stream.name+"."+m.name, inbox, body)
}

// drop forgets the request that is open, after the last that the server sends for
// it.
func (m *Messages) drop() {
	if m.request != nil {
		_ = m.request.sub.Unsubscribe() // fails with the connection only, which ends it too
		m.request = nil
	}
}

// take notes that a message has come.
func (m *Messages) take(msg *nats.Msg) (*nats.Msg, *nats.MsgMetadata, error) {
	if m.request.left--; m.request.left == 0 {
		m.drop()
	}
	meta, err := msg.Metadata()
	if err != nil {
		return nil, nil, fmt.Errorf("read stream %s: %w", m.stream.name, err)
	}
	if meta.Sequence.Consumer != m.last+1 {
		return nil, nil, ErrGap
	}
	m.last, m.pending = meta.Sequence.Consumer, meta.NumPending
	return msg, meta, nil
}

// What the server's statuses are called.
const (
	statusHeader   = "Status"
	statusAlive    = "100" // heartbeat
	statusNone     = "404" // no message
	statusTimeout  = "408" // the request's life is over
	statusConflict = "409" // the batch or its bytes are complete, or something has become of the consumer
	statusNobody   = "503" // there is no such consumer
	consumerGone   = "Consumer Deleted"
)

// isStatus reports whether a message is none of the stream's.
func isStatus(msg *nats.Msg) bool { return len(msg.Data) == 0 && msg.Header.Get(statusHeader) != "" }

// heed follows what the server says of the request.
func (m *Messages) heed(msg *nats.Msg) error {
	status, text := msg.Header.Get(statusHeader), msg.Header.Get("Description")
	switch {
	case status == statusAlive:
		return nil
	case status == statusNobody, status == statusConflict && text == consumerGone:
		return fmt.Errorf("read stream %s: %w", m.stream.name, errGone)
	case status == statusNone, status == statusTimeout, status == statusConflict:
		m.drop() // the next one is asked for what is left
		return nil
	}
	return fmt.Errorf("read stream %s: %s %s", m.stream.name, status, text)
}

// Close stops the delivery and removes the consumer; when the server cannot be
// asked, it removes the consumer itself after consumerLinger.
func (m *Messages) Close(ctx context.Context) {
	m.drop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = m.stream.conn.js.DeleteConsumer(ctx, m.stream.name, m.name)
}
