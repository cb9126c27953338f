package jetstream_test

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/jetstream"
	"github.com/hearthd/hearth/store/storetest"
	"github.com/nats-io/nats-server/v2/server"
)

// restart stops a server and starts it again on its port.
func restart(t *testing.T, srv *server.Server, opts server.Options) *server.Server {
	t.Helper()
	opts.Port = srv.Addr().(*net.TCPAddr).Port
	srv.Shutdown()
	srv.WaitForShutdown()
	srv, err := jetstream.StartServer(&opts, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	return srv
}

func TestWatch_ServerRestarted_GoesOnWhereItStopped(t *testing.T) {
	var opts *server.Options
	srv := serve(t, func(o *server.Options) { opts = o })
	near := connect(t, srv)
	for _, key := range []string{"f/kept", "f/gone"} {
		if _, err := near.KV().Put(t.Context(), key, []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	w := storetest.Follow(t, near.KV(), "f/")
	for _, want := range []store.EventKind{store.EventPut, store.EventPut, store.EventSynced} {
		if e := w.Next(t); e.Kind != want {
			t.Fatalf("event %+v, want kind %d", e, want)
		}
	}

	srv = restart(t, srv, *opts)

	// Another node writes, before or after the watching one is back.
	far := connect(t, srv).KV()
	gone, err := far.Get(t.Context(), "f/gone")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := far.Delete(t.Context(), "f/gone", gone.Revision); err != nil {
		t.Fatal(err)
	}
	if _, err := far.Put(t.Context(), "f/new", []byte("2")); err != nil {
		t.Fatal(err)
	}
	if e := w.Next(t); e.Kind != store.EventDelete || e.Key != "f/gone" {
		t.Errorf("event %+v, want the deletion", e)
	}
	if e := w.Next(t); e.Kind != store.EventPut || e.Key != "f/new" {
		t.Errorf("event %+v, want the new record", e)
	}
}

func TestClose_WatchRunning_EndsIt(t *testing.T) {
	s, err := jetstream.Open(t.Context(), jetstream.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	synced := make(chan struct{})
	var ended error
	var group sync.WaitGroup
	group.Go(func() {
		ended = s.KV().Watch(t.Context(), "", func(store.Event) error { close(synced); return nil })
	})
	<-synced
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	group.Wait()
	wantKind(t, ended, hearth.ErrUnavailable)
}

func TestClosed_AnyCall_IsUnavailable(t *testing.T) {
	s, err := jetstream.Open(t.Context(), jetstream.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, get := s.KV().Get(t.Context(), "a")
	_, put := s.KV().Put(t.Context(), "a", nil)
	_, commit := s.KV().Commit(t.Context(), []store.Op{{Kind: store.OpPut, Key: "a"}, {Kind: store.OpPut, Key: "b"}})
	_, list := s.KV().List(t.Context(), "", "", 0)
	watch := s.KV().Watch(t.Context(), "", func(store.Event) error { return errors.New("called") })
	_, blobs := s.Blobs().List(t.Context())
	for _, err := range []error{get, put, commit, list, watch, blobs} {
		wantKind(t, err, hearth.ErrUnavailable)
	}
}
