package kv_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/jetstream"
	"github.com/hearthd/hearth/store/jetstream/jetstreamtest"
	"github.com/hearthd/hearth/store/jetstream/kv"
	"github.com/hearthd/hearth/store/storetest"
	"github.com/nats-io/nats-server/v2/server"
)

func TestWatch_ServerRestarted_GoesOnWhereItStopped(t *testing.T) {
	var opts *server.Options
	srv := jetstreamtest.Serve(t, func(o *server.Options) { opts = o })
	near := jetstreamtest.Connect(t, srv)
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

	srv = jetstreamtest.Restart(t, srv, *opts)

	// Another node writes, before or after the watching one is back.
	far := jetstreamtest.Connect(t, srv).KV()
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
	jetstreamtest.WantKind(t, ended, hearth.ErrUnavailable)
}

func TestWatch_SlowerThanTheServer_LosesNothing(t *testing.T) {
	s := jetstreamtest.OpenWatched(t)
	const records = 1000
	for i := range records {
		if _, err := s.KV().Put(t.Context(), fmt.Sprint("k/", i), []byte("v")); err != nil {
			t.Fatal(err)
		}
	}
	enough, seen := errors.New("enough"), 0
	err := s.KV().Watch(t.Context(), "k/", func(e store.Event) error {
		jetstreamtest.Busy()
		if e.Kind == store.EventSynced {
			return enough
		}
		seen++
		return nil
	})
	if !errors.Is(err, enough) || seen != records {
		t.Errorf("%d records, error %v", seen, err)
	}
}

// A server whose operator allows fewer consumers than hearth needs.
func TestWatch_RefusedByTheServer_IsLogged(t *testing.T) {
	srv := jetstreamtest.Serve(t, nil)
	config := kv.StreamConfig(1)
	config.MaxConsumers = 1
	if _, err := jetstreamtest.Client(t, srv).CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	logged := make(lines, 100)
	s, err := jetstream.Connect(t.Context(), jetstream.ExternalOptions{URL: srv.ClientURL(), Logger: slog.New(slog.NewTextHandler(logged, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { // until Close ends it; it is refused, or that for lists is
		ended <- s.KV().Watch(context.WithoutCancel(t.Context()), "", func(store.Event) error { return nil })
	}()
	select {
	case line := <-logged:
		if !strings.Contains(line, "level=WARN") || !strings.Contains(line, "maximum consumers limit") {
			t.Errorf("logged %s", line)
		}
	case <-time.After(30 * time.Second):
		t.Error("nothing is logged")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	jetstreamtest.WantKind(t, <-ended, hearth.ErrUnavailable)
	if n := len(logged); n > 0 {
		t.Errorf("logged %d times more", n)
	}
}

// lines takes what is written to it.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}
