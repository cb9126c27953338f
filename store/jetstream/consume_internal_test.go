package jetstream

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
)

func openInternal(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// A request that somebody takes and nobody answers: what was sent for it may be
// lost, and another consumer must stand in.
func TestMessages_NoSignOfTheRequest_IsALostConsumer(t *testing.T) {
	s := openInternal(t)
	asked := make(chan *nats.Msg, 1)
	sub, err := s.conn.ChanSubscribe(jetstream.DefaultAPIPrefix+"CONSUMER.MSG.NEXT.nowhere.nobody", asked)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	m := &messages{js: s.kv.js, stream: "nowhere", name: "nobody", batch: 1, silence: 20 * time.Millisecond}
	defer m.drop()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, _, err := m.next(ctx); !lost(err) {
		t.Errorf("next: %v, want a consumer that is lost", err)
	}
	if len(asked) != 1 {
		t.Errorf("%d more requests", len(asked))
	}
}

// A server whose operator allows fewer consumers than hearth needs.
func TestWatch_RefusedByTheServer_IsLogged(t *testing.T) {
	options := serverOptions(t.TempDir(), 0)
	options.DontListen, options.Host, options.Port = false, "127.0.0.1", server.RANDOM_PORT
	srv, err := startServer(options, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	conn, err := nats.Connect(srv.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream := metaStream(1)
	stream.MaxConsumers = 1
	if _, err := js.CreateStream(t.Context(), stream); err != nil {
		t.Fatal(err)
	}
	logged := make(lines, 100)
	s, err := Connect(t.Context(), ExternalOptions{URL: srv.ClientURL(), Logger: slog.New(slog.NewTextHandler(logged, nil))})
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
	if err := <-ended; !errors.Is(err, hearth.ErrUnavailable) {
		t.Errorf("the watch ended with %v", err)
	}
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

// A new key is written again before the watch comes to its first message. What
// the watch sees is another key's message, behind the revision that the list
// began with, and then the key's second one.
func TestCatchUp_NewKeyWrittenAgain_IsWaitedFor(t *testing.T) {
	var k keys
	put := func(key string, revision uint64) {
		k.apply(store.Event{Kind: store.EventPut, Record: store.Record{Key: key, Revision: revision}}, 0)
	}
	put("other", 50)
	rounds := 0
	err := k.catchUp(t.Context(), func(context.Context) (uint64, error) {
		switch rounds++; rounds {
		case 1: // the key is there, with revision 51, which the watch does not get to see
			put("other", 55)
			return 51, nil
		case 2:
			put("key", 60)
		}
		return 60, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if page := k.page("key", "", 0); len(page) != 1 {
		t.Errorf("the list has %q, not the key", page)
	}
}

func TestCatchUp_StoreWrittenAllTheTime_Returns(t *testing.T) {
	var k keys
	last := uint64(1)
	err := k.catchUp(t.Context(), func(context.Context) (uint64, error) {
		last++
		k.apply(store.Event{Kind: store.EventPut, Record: store.Record{Key: "key", Revision: last}}, 0)
		return last, nil
	})
	if err != nil || last == 1 {
		t.Errorf("%v at revision %d", err, last)
	}
}

func TestCatchUp_StoreClosed_Unavailable(t *testing.T) {
	s := openInternal(t)
	ended := make(chan error, 1)
	go func() { // until Close ends it
		ended <- s.kv.keys.wait(context.WithoutCancel(t.Context()), 1<<60)
	}()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, hearth.ErrUnavailable) || errors.Is(err, context.Canceled) {
		t.Errorf("a list that waited: %v", err)
	}
}
