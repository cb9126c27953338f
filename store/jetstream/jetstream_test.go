package jetstream_test

import (
	"testing"

	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/jetstream"
	"github.com/hearthd/hearth/store/storetest"
)

func TestKV(t *testing.T) {
	storetest.RunKV(t, func(t *testing.T) store.KV { return open(t, t.TempDir()).KV() })
}

func TestBlobs(t *testing.T) {
	storetest.RunBlobs(t, func(t *testing.T) store.Blobs { return open(t, t.TempDir()).Blobs() })
}

func TestLog(t *testing.T) {
	storetest.RunLog(t, func(t *testing.T) store.Log { return openLog(t, open(t, t.TempDir())) })
}

// The same on a server of its own, over TCP.
func TestKV_External(t *testing.T) {
	storetest.RunKV(t, func(t *testing.T) store.KV { return connect(t, serve(t, nil)).KV() })
}

func TestBlobs_External(t *testing.T) {
	storetest.RunBlobs(t, func(t *testing.T) store.Blobs { return connect(t, serve(t, nil)).Blobs() })
}

func TestLog_External(t *testing.T) {
	storetest.RunLog(t, func(t *testing.T) store.Log { return openLog(t, connect(t, serve(t, nil))) })
}

func openLog(t *testing.T, s *jetstream.Store) *jetstream.Log {
	t.Helper()
	l, err := s.Log(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// open opens an embedded store and closes it with the test.
func open(t *testing.T, dir string) *jetstream.Store {
	t.Helper()
	s, err := jetstream.Open(t.Context(), jetstream.Options{Dir: dir})
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
