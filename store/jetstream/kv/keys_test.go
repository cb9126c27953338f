package kv_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/jetstream/jetstreamtest"
	"github.com/hearthd/hearth/store/jetstream/kv"
	"github.com/hearthd/hearth/store/storetest"
	"github.com/nats-io/nats-server/v2/server"
	natsjs "github.com/nats-io/nats.go/jetstream"
)

// keysOf lists what there is, in pages of two.
func keysOf(t *testing.T, kv store.KV) (keys []string) {
	t.Helper()
	for after := ""; ; {
		page, err := kv.List(t.Context(), "", after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			keys = append(keys, r.Key)
		}
		if len(page) < 2 {
			return keys
		}
		after = keys[len(keys)-1]
	}
}

func put(t *testing.T, kv store.KV, keys ...string) (revision uint64) {
	t.Helper()
	for _, key := range keys {
		var err error
		if revision, err = kv.Put(t.Context(), key, []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	return revision
}

func TestList_WritesOfAnotherNode_ShowAtOnce(t *testing.T) {
	srv := jetstreamtest.Serve(t, nil)
	near, far := jetstreamtest.Connect(t, srv).KV(), jetstreamtest.Connect(t, srv).KV()
	for range 50 {
		revision := put(t, far, "a", "b", "c")
		if diff := cmp.Diff([]string{"a", "b", "c"}, keysOf(t, near)); diff != "" {
			t.Fatalf("after the writes (-want +got):\n%s", diff)
		}
		if _, err := far.Delete(t.Context(), "c", revision); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"a", "b"}, keysOf(t, near)); diff != "" {
			t.Fatalf("after the deletion (-want +got):\n%s", diff)
		}
	}
}

func TestList_ServerRestarted_ShowsWhatWasWrittenMeanwhile(t *testing.T) {
	var opts *server.Options
	srv := jetstreamtest.Serve(t, func(o *server.Options) { opts = o })
	near := jetstreamtest.Connect(t, srv).KV()
	put(t, near, "kept")
	revision := put(t, near, "gone")
	if diff := cmp.Diff([]string{"gone", "kept"}, keysOf(t, near)); diff != "" {
		t.Fatal(diff)
	}
	w := storetest.Follow(t, near, "")
	for e := w.Next(t); e.Kind != store.EventSynced; {
		e = w.Next(t)
	}

	srv = jetstreamtest.Restart(t, srv, *opts)
	far := jetstreamtest.Connect(t, srv).KV()
	if _, err := far.Delete(t.Context(), "gone", revision); err != nil {
		t.Fatal(err)
	}
	put(t, far, "new")
	for e := w.Next(t); e.Key != "new"; { // near is connected again
		e = w.Next(t)
	}
	if diff := cmp.Diff([]string{"kept", "new"}, keysOf(t, near)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A stream whose last message is lost has a last revision that no message has.
func TestList_LastMessageLost_IsNotWaitedFor(t *testing.T) {
	srv := jetstreamtest.Serve(t, nil)
	put(t, jetstreamtest.Connect(t, srv).KV(), "a", "b")
	stream, err := jetstreamtest.Client(t, srv).Stream(t.Context(), "KV_hearth_meta")
	if err == nil {
		err = stream.Purge(t.Context(), natsjs.WithPurgeSubject("$KV.hearth_meta."+kv.EncodeKey("b")))
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a"}, keysOf(t, jetstreamtest.Connect(t, srv).KV())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCatchUp_StoreClosed_Unavailable(t *testing.T) {
	s := jetstreamtest.Open(t, t.TempDir())
	ended := make(chan error, 1)
	go func() { // until Close ends it
		ended <- s.KV().WaitForKeys(context.WithoutCancel(t.Context()), 1<<60)
	}()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, hearth.ErrUnavailable) || errors.Is(err, context.Canceled) {
		t.Errorf("a list that waited: %v", err)
	}
}
