// Package jetstream is the store on NATS JetStream, and the only importer of
// NATS. Open runs a server inside the process and keeps everything in one
// directory; Connect uses the operator's own NATS servers with the same code.
//
//	DIR/LOCK                   held while a daemon has the directory open; holds its pid
//	DIR/LAYOUT                 what wrote the directory; anything unknown is refused
//	DIR/standalone/jetstream/  the embedded server's files
//
// Streams: KV_hearth_meta holds the records, one message per key;
// OBJ_hearth_code holds the blobs in chunks of 1 MiB, in the layout of NATS's
// own object store, so that the nats command line can read both.
//
// Four defaults of NATS would lose or hide data. Each is closed here, and a
// test opens it again to see the difference:
//
//  1. The server syncs its files every two minutes. The embedded one always
//     syncs before it acknowledges (serverOptions). An external one cannot be
//     asked: set `jetstream { sync_interval: always }` there.
//  2. Buckets made by the client library let any replica answer a read, so an
//     acknowledged write can be missing. The streams are made by hand without
//     direct access; one that has other settings is repaired or refused
//     (ensureStream).
//  3. A server with cluster options deletes the streams that it wrote without.
//     The embedded server never gets any, and a directory written by a cluster
//     node is refused (claimDir).
//  4. Messages are limited to 1 MiB. The embedded server allows 8 MiB and
//     Connect refuses a server that allows less.
//
// A disk that is full would break the embedded server until it is started again:
// writes end before it is (room).
//
// Deleted keys leave a marker of about 100 bytes for ever: a watch that was
// away must still learn of them.
package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// maxPayload is the message size in bytes that the store needs: a value of
// store.MaxValue and its headers.
const maxPayload = 8 << 20

// startTimeout bounds the start of the embedded server, which reads its
// indexes, and the first connection.
const startTimeout = 30 * time.Second

// answerTimeout is how long the embedded server is waited for. It cannot be out
// of reach: when it takes more than the client's 5 seconds, the machine is busy,
// and whoever fails for that begins again.
const answerTimeout = 30 * time.Second

// orphanAge is how old the chunks of an upload must be before they count as
// lost on servers that other nodes upload to.
const orphanAge = 24 * time.Hour

// Options configure an embedded store.
type Options struct {
	Dir      string       // directory, created when missing; one daemon at a time
	MaxBytes int64        // disk that the store may use; 0: the server's default, 3/4 of what is free
	Logger   *slog.Logger // nil: silent. Warnings and errors keep their level, the rest is debug
}

// ExternalOptions configure a store on the operator's NATS servers.
type ExternalOptions struct {
	URL         string // nats://host:port, several separated by commas
	Credentials string // path of a .creds file; empty: none
	Replicas    int    // of each stream, 1 or 3; 0: 1
	Logger      *slog.Logger
}

// Store is an open store. Close it.
type Store struct {
	kv    *KV
	blobs *Blobs

	logger *slog.Logger
	conn   *nats.Conn
	server *server.Server // nil: external
	dir    *dirLock       // nil: external
	room   *room          // nil: external

	replicas int // of each stream

	closing context.Context // done once Close has begun
	close   context.CancelFunc

	mu        sync.Mutex
	closed    bool
	connected context.Context // done at the next reconnect; see KV.Watch
	reconnect context.CancelFunc

	watchers sync.WaitGroup
}

// Open starts the embedded store in opts.Dir. It fails with the pid of the
// other daemon when the directory is in use.
func Open(ctx context.Context, opts Options) (_ *Store, err error) {
	s := newStore(ctx, opts.Logger)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.dir, err = claimDir(opts.Dir); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s.room = &room{dir: opts.Dir, free: freeBytes}
	if s.server, err = startServer(serverOptions(s.dir.standalone(), opts.MaxBytes), s.logger); err != nil {
		return nil, fmt.Errorf("open store in %s: %w", opts.Dir, err)
	}
	if err = s.connect(ctx, "", 1, nats.InProcessServer(s.server)); err != nil {
		return nil, fmt.Errorf("open store in %s: %w", opts.Dir, err)
	}
	// Nobody else can be uploading: chunks without a blob are a crash's.
	if err = s.blobs.removeOrphans(ctx, time.Now()); err != nil {
		return nil, fmt.Errorf("open store in %s: %w", opts.Dir, err)
	}
	return s, nil
}

// Connect opens the store on external servers. It fails when they cannot be
// reached (hearth.ErrUnavailable) or are not configured as the store needs
// them (hearth.ErrInvalid, with the setting to change).
func Connect(ctx context.Context, opts ExternalOptions) (_ *Store, err error) {
	s := newStore(ctx, opts.Logger)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	var extra []nats.Option
	if opts.Credentials != "" {
		extra = append(extra, nats.UserCredentials(opts.Credentials))
	}
	if err = s.connect(ctx, opts.URL, max(opts.Replicas, 1), extra...); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err = s.blobs.removeOrphans(ctx, time.Now().Add(-orphanAge)); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return s, nil
}

// newStore returns a store that is not open. Its life is not that of ctx.
func newStore(ctx context.Context, logger *slog.Logger) *Store {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{logger: logger}
	s.closing, s.close = context.WithCancel(context.WithoutCancel(ctx))
	s.connected, s.reconnect = context.WithCancel(s.closing)
	return s
}

// connect dials, checks what the server allows, and opens the streams.
func (s *Store) connect(ctx context.Context, url string, replicas int, extra ...nats.Option) error {
	options := append([]nats.Option{
		nats.Name("hearth"),
		nats.Timeout(startTimeout),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectBufSize(-1), // a write while disconnected fails now, it is not sent later
		nats.ReconnectHandler(func(*nats.Conn) { s.reconnected() }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if s.closing.Err() == nil {
				s.logger.Warn("store connection lost", "error", err)
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			s.logger.Warn("store connection", "error", err)
		}),
	}, extra...)
	conn, err := nats.Connect(url, options...)
	if err != nil {
		return fmt.Errorf("connect: %w: %w", hearth.ErrUnavailable, err)
	}
	s.conn, s.replicas = conn, replicas
	if limit := conn.MaxPayload(); limit < maxPayload {
		return fmt.Errorf("the NATS server allows messages of %d bytes, hearth needs max_payload: 8MB in its configuration: %w", limit, hearth.ErrInvalid)
	}
	var jsOptions []jetstream.JetStreamOpt
	if s.server != nil {
		jsOptions = append(jsOptions, jetstream.WithDefaultTimeout(answerTimeout))
	}
	js, err := jetstream.New(conn, jsOptions...)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	meta, err := ensureStream(ctx, js, metaStream(replicas))
	if err != nil {
		return err
	}
	code, err := ensureStream(ctx, js, codeStream(replicas))
	if err != nil {
		return err
	}
	s.kv = &KV{store: s, js: js, stream: meta, batches: make(chan struct{}, maxBatches)}
	s.kv.Writes = store.WritesOf(s.kv.Commit)
	s.watchers.Go(func() { s.kv.keys.follow(s.closing, s.kv) })
	s.blobs = &Blobs{js: js, stream: code, room: s.room, readers: make(chan struct{}, maxReaders)}
	return nil
}

// KV returns the records.
func (s *Store) KV() *KV { return s.kv }

// Blobs returns the blobs.
func (s *Store) Blobs() *Blobs { return s.blobs }

// reconnected tells watches that messages may have been lost on the way.
func (s *Store) reconnected() {
	s.logger.Info("store connection restored")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reconnect()
	s.connected, s.reconnect = context.WithCancel(s.closing)
}

// beginWatch counts a watch that Close waits for; false after Close.
func (s *Store) beginWatch() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.watchers.Add(1)
	return true
}

// untilReconnect returns a context that ends with the present connection.
func (s *Store) untilReconnect() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connected
}

// Close ends every Watch and waits for it, disconnects, stops the embedded
// server after its last write, and gives the directory free. Calls in flight
// and later ones fail with hearth.ErrUnavailable. It may be called again.
func (s *Store) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	if !first {
		return nil
	}
	s.close()
	s.watchers.Wait()
	if s.conn != nil {
		s.conn.Close()
	}
	if s.server != nil {
		s.server.Shutdown()
		s.server.WaitForShutdown()
	}
	if s.dir != nil {
		if err := s.dir.release(); err != nil {
			return fmt.Errorf("close store: %w", err)
		}
	}
	return nil
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
