// Package jetstream is the store on NATS JetStream, and the only importer of
// NATS. Open runs a server inside the process and keeps everything in one
// directory; Connect uses the operator's own NATS servers with the same code.
//
//	Store ─┬─ kv ─────────┐
//	       ├─ blobs ──────┼── stream: a connection, streams and reading them
//	       ├─ entrylog ───┘
//	       └─ embedded: the server in this process, and its directory
//
// Four defaults of NATS would lose or hide data. Each is closed here, and a
// test opens it again to see the difference:
//
//  1. The server syncs its files every two minutes. The embedded one always
//     syncs before it acknowledges (embedded.Options). An external one cannot be
//     asked: set `jetstream { sync_interval: always }` there.
//  2. Buckets made by the client library let any replica answer a read, so an
//     acknowledged write can be missing. The streams are made by hand without
//     direct access; one that has other settings is repaired or refused
//     (stream.Conn.Stream).
//  3. A server with cluster options deletes the streams that it wrote without.
//     The embedded server never gets any, and a directory written by a cluster
//     node is refused (embedded.Claim).
//  4. Messages are limited to 1 MiB. The embedded server allows 8 MiB and
//     Connect refuses a server that allows less.
//
// A disk that is full would break the embedded server until it is started again:
// writes end before it is (stream.Reserve).
package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hearthd/hearth/store/jetstream/blobs"
	"github.com/hearthd/hearth/store/jetstream/embedded"
	"github.com/hearthd/hearth/store/jetstream/entrylog"
	"github.com/hearthd/hearth/store/jetstream/kv"
	"github.com/hearthd/hearth/store/jetstream/stream"
	"github.com/nats-io/nats-server/v2/server"
)

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
	kv    *kv.Bucket
	blobs *blobs.Bucket

	logger   *slog.Logger
	dir      *embedded.Dir  // nil: external
	server   *server.Server // nil: external
	conn     *stream.Conn
	replicas int // of each stream

	mu     sync.Mutex
	closed bool
}

// Open starts the embedded store in opts.Dir. It fails with the pid of the
// other daemon when the directory is in use.
func Open(ctx context.Context, opts Options) (_ *Store, err error) {
	s := newStore(opts.Logger, 1)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.dir, err = embedded.Claim(opts.Dir); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if s.server, err = embedded.Start(embedded.Options(s.dir.ServerDir(), opts.MaxBytes), s.logger); err != nil {
		return nil, fmt.Errorf("open store in %s: %w", opts.Dir, err)
	}
	if err = s.connect(ctx, stream.Options{InProcess: s.server, Disk: s.dir, Logger: s.logger}); err != nil {
		return nil, fmt.Errorf("open store in %s: %w", opts.Dir, err)
	}
	// Nobody else can be uploading: chunks without a blob are a crash's.
	if err = s.blobs.RemoveOrphans(ctx, time.Now()); err != nil {
		return nil, fmt.Errorf("open store in %s: %w", opts.Dir, err)
	}
	return s, nil
}

// Connect opens the store on external servers. It fails when they cannot be
// reached (hearth.ErrUnavailable) or are not configured as the store needs
// them (hearth.ErrInvalid, with the setting to change).
func Connect(ctx context.Context, opts ExternalOptions) (_ *Store, err error) {
	s := newStore(opts.Logger, max(opts.Replicas, 1))
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err = s.connect(ctx, stream.Options{URL: opts.URL, Credentials: opts.Credentials, Logger: s.logger}); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err = s.blobs.RemoveOrphans(ctx, time.Now().Add(-orphanAge)); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return s, nil
}

// newStore returns a store that is not open.
func newStore(logger *slog.Logger, replicas int) *Store {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Store{logger: logger, replicas: replicas}
}

// connect dials, and opens the records and the blobs.
func (s *Store) connect(ctx context.Context, opts stream.Options) (err error) {
	if s.conn, err = stream.Dial(ctx, opts); err != nil {
		return err
	}
	if s.kv, err = kv.Open(ctx, s.conn, s.replicas, s.logger); err != nil {
		return err
	}
	s.blobs, err = blobs.Open(ctx, s.conn, s.replicas)
	return err
}

// KV returns the records.
func (s *Store) KV() *kv.Bucket { return s.kv }

// Blobs returns the blobs.
func (s *Store) Blobs() *blobs.Bucket { return s.blobs }

// Log opens the log of a name, which is made of letters and '_', and creates
// it when it is missing.
func (s *Store) Log(ctx context.Context, name string) (*entrylog.Log, error) {
	return entrylog.Open(ctx, s.conn, name, s.replicas)
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
	if s.kv != nil {
		s.kv.Close()
	}
	if s.conn != nil {
		s.conn.Close()
	}
	if s.server != nil {
		s.server.Shutdown()
		s.server.WaitForShutdown()
	}
	if s.dir != nil {
		if err := s.dir.Release(); err != nil {
			return fmt.Errorf("close store: %w", err)
		}
	}
	return nil
}
