// Package jetstreamtest is what the tests of the store on NATS share: servers as
// an operator would run them, stores on them, and a plain client to look behind
// the store's back. All of it ends with the test.
package jetstreamtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store/jetstream"
	"github.com/hearthd/hearth/store/jetstream/embedded"
	"github.com/hearthd/hearth/store/jetstream/entrylog"
	"github.com/hearthd/hearth/store/jetstream/stream"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
)

// Serve runs a NATS server that listens, with hearth's options changed by edit,
// which may be nil.
func Serve(t testing.TB, edit func(*server.Options)) *server.Server {
	t.Helper()
	opts := embedded.Options(t.TempDir(), 0)
	opts.DontListen, opts.Host, opts.Port = false, "127.0.0.1", server.RANDOM_PORT
	if edit != nil {
		edit(opts)
	}
	return start(t, opts)
}

// Restart stops a server of Serve and starts it again on its port, with the
// options that edit was given.
func Restart(t testing.TB, srv *server.Server, opts server.Options) *server.Server {
	t.Helper()
	opts.Port = srv.Addr().(*net.TCPAddr).Port
	srv.Shutdown()
	srv.WaitForShutdown()
	return start(t, &opts)
}

func start(t testing.TB, opts *server.Options) *server.Server {
	t.Helper()
	srv, err := embedded.Start(opts, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	return srv
}

// Client returns a plain NATS client.
func Client(t testing.TB, srv *server.Server) natsjs.JetStream {
	t.Helper()
	conn, err := nats.Connect(srv.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := natsjs.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// Connect opens a store on a server.
func Connect(t testing.TB, srv *server.Server) *jetstream.Store {
	t.Helper()
	s, err := jetstream.Connect(t.Context(), jetstream.ExternalOptions{URL: srv.ClientURL()})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	return s
}

// Open opens an embedded store.
func Open(t testing.TB, dir string) *jetstream.Store {
	t.Helper()
	s, err := jetstream.Open(t.Context(), jetstream.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	return s
}

// OpenWatched opens an embedded store that must not warn of anything while the
// test runs.
func OpenWatched(t testing.TB) *jetstream.Store {
	t.Helper()
	var log warnings
	t.Cleanup(func() { // after the store is closed
		for _, said := range log.said {
			t.Error("the store warned: ", said)
		}
	})
	s, err := jetstream.Open(t.Context(), jetstream.Options{Dir: t.TempDir(), Logger: slog.New(&log)})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	return s
}

// Disk is a disk with as many bytes left as are stored in it.
type Disk struct{ atomic.Uint64 }

// Free implements stream.Disk.
func (d *Disk) Free() (uint64, error) { return d.Load(), nil }

// String implements stream.Disk.
func (d *Disk) String() string { return "disk" }

// OnDisk connects to a server of the test's process that is said to be on a disk.
// There is room enough at first.
func OnDisk(t testing.TB) (*stream.Conn, *Disk) {
	t.Helper()
	var disk Disk
	disk.Store(10 * stream.Reserve)
	conn, err := stream.Dial(t.Context(), stream.Options{InProcess: Serve(t, nil), Disk: &disk, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn, &disk
}

// WantFull fails the test unless err is that of a full disk.
func WantFull(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, hearth.ErrUnavailable) || !strings.Contains(err.Error(), "is full") {
		t.Errorf("on a full disk: %v, want one that says so, of ErrUnavailable", err)
	}
}

// OpenLog opens a log of a store.
func OpenLog(t testing.TB, s *jetstream.Store) *entrylog.Log {
	t.Helper()
	l, err := s.Log(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closeAtEnd(t testing.TB, s *jetstream.Store) {
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// warnings is a log handler that keeps what is worse than information.
type warnings struct {
	mu   sync.Mutex
	said []string
}

func (w *warnings) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }
func (w *warnings) WithAttrs([]slog.Attr) slog.Handler               { return w }
func (w *warnings) WithGroup(string) slog.Handler                    { return w }
func (w *warnings) Handle(_ context.Context, r slog.Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := r.Message
	r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
	w.said = append(w.said, text)
	return nil
}

// DigestOf returns the digest that names a blob.
func DigestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Busy takes a reader some time, so that messages wait for it.
func Busy() { DigestOf(make([]byte, 1<<18)) }

// WantKind fails the test unless err is of a kind.
func WantKind(t testing.TB, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error %v, want %v", err, kind)
	}
}
