package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hearthd/hearth"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// MaxPayload is the message size in bytes that the store needs: a value of
// store.MaxValue and its headers.
const MaxPayload = 8 << 20

// dialTimeout bounds the first connection.
const dialTimeout = 30 * time.Second

// answerTimeout is how long the embedded server is waited for. It cannot be out
// of reach: when it takes more than the client's 5 seconds, the machine is busy,
// and whoever fails for that begins again.
const answerTimeout = 30 * time.Second

// Options say which server to connect to: the one of this process, or those of
// the operator.
type Options struct {
	InProcess   nats.InProcessConnProvider // the embedded server; nil: URL
	URL         string                     // nats://host:port, several separated by commas
	Credentials string                     // path of a .creds file; empty: none
	Disk        Disk                       // the embedded server's; nil: elsewhere, without end
	Logger      *slog.Logger               // required
}

// Conn is a connection that is made again when it is lost. Close it.
type Conn struct {
	conn   *nats.Conn
	js     jetstream.JetStream
	disk   Disk // nil: elsewhere
	logger *slog.Logger

	closing context.Context // done once Close has begun
	close   context.CancelFunc

	mu        sync.Mutex
	connected context.Context // done at the next reconnect
	reconnect context.CancelFunc
}

// Dial connects, and checks what the server allows. hearth.ErrUnavailable: it
// cannot be reached; hearth.ErrInvalid, with the setting to change: it allows
// less than the store needs. The connection's life is not that of ctx.
func Dial(ctx context.Context, opts Options) (*Conn, error) {
	c := &Conn{disk: opts.Disk, logger: opts.Logger}
	c.closing, c.close = context.WithCancel(context.WithoutCancel(ctx))
	c.connected, c.reconnect = context.WithCancel(c.closing)
	var err error
	if c.conn, err = nats.Connect(opts.URL, c.options(opts)...); err != nil {
		c.close()
		return nil, fmt.Errorf("connect: %w: %w", hearth.ErrUnavailable, err)
	}
	if limit := c.conn.MaxPayload(); limit < MaxPayload {
		c.Close()
		return nil, fmt.Errorf("the NATS server allows messages of %d bytes, hearth needs max_payload: 8MB in its configuration: %w", limit, hearth.ErrInvalid)
	}
	var jsOptions []jetstream.JetStreamOpt
	if opts.InProcess != nil {
		jsOptions = append(jsOptions, jetstream.WithDefaultTimeout(answerTimeout))
	}
	if c.js, err = jetstream.New(c.conn, jsOptions...); err != nil {
		c.Close()
		return nil, fmt.Errorf("connect: %w", err)
	}
	return c, nil
}

func (c *Conn) options(opts Options) []nats.Option {
	options := []nats.Option{
		nats.Name("hearth"),
		nats.Timeout(dialTimeout),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectBufSize(-1), // a write while disconnected fails now, it is not sent later
		nats.ReconnectHandler(func(*nats.Conn) { c.reconnected() }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if c.closing.Err() == nil {
				c.logger.Warn("store connection lost", "error", err)
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			c.logger.Warn("store connection", "error", err)
		}),
	}
	if opts.InProcess != nil {
		options = append(options, nats.InProcessServer(opts.InProcess))
	}
	if opts.Credentials != "" {
		options = append(options, nats.UserCredentials(opts.Credentials))
	}
	return options
}

// reconnected tells readers that messages may have been lost on the way.
func (c *Conn) reconnected() {
	c.logger.Info("store connection restored")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reconnect()
	c.connected, c.reconnect = context.WithCancel(c.closing)
}

// Close disconnects. Calls in flight and later ones fail with
// hearth.ErrUnavailable. It may be called again.
func (c *Conn) Close() {
	c.close()
	c.conn.Close()
}

// failure is the error of a call to the server: the end of the caller's ctx
// when that was the reason.
func failure(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return unavailable(err)
}

// unavailable adds hearth.ErrUnavailable to what the connection says when the
// server did not answer; other errors pass.
func unavailable(err error) error {
	for _, lost := range []error{
		nats.ErrConnectionClosed, nats.ErrDisconnected, nats.ErrConnectionReconnecting, nats.ErrTimeout, nats.ErrNoResponders,
		nats.ErrReconnectBufExceeded, nats.ErrBadSubscription, nats.ErrInvalidConnection,
		jetstream.ErrNoStreamResponse, jetstream.ErrJetStreamNotEnabled, context.DeadlineExceeded,
	} {
		if errors.Is(err, lost) {
			return fmt.Errorf("%w: %w", hearth.ErrUnavailable, err)
		}
	}
	return err
}
