package jetstream_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/jetstream"
	"github.com/hearthd/hearth/store/jetstream/jetstreamtest"
)

func TestOpen_DirectoryInUse_NamesTheProcess(t *testing.T) {
	dir := t.TempDir()
	jetstreamtest.Open(t, dir)
	_, err := jetstream.Open(t.Context(), jetstream.Options{Dir: dir})
	jetstreamtest.WantKind(t, err, hearth.ErrConflict)
	if pid := fmt.Sprint("process ", os.Getpid()); err == nil || !strings.Contains(err.Error(), pid) {
		t.Errorf("error %v does not name %s", err, pid)
	}
}

func TestOpen_AfterClose_FindsEverything(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b") // created on the way
	for round := range 3 {
		s, err := jetstream.Open(t.Context(), jetstream.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		for i := range round {
			if r, err := s.KV().Get(t.Context(), fmt.Sprint("k", i)); err != nil || string(r.Value) != fmt.Sprint(i) {
				t.Errorf("round %d: record %d = %q, error %v", round, i, r.Value, err)
			}
		}
		if _, err := s.KV().Put(t.Context(), fmt.Sprint("k", round), []byte(fmt.Sprint(round))); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestClose_Twice_IsHarmless(t *testing.T) {
	s, err := jetstream.Open(t.Context(), jetstream.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpen_NothingWrong_LogsNothingAboveDebug(t *testing.T) {
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := jetstream.Open(t.Context(), jetstream.Options{Dir: t.TempDir(), Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "level=DEBUG") {
		t.Error("the server's log does not arrive")
	}
	for line := range strings.Lines(log.String()) {
		if !strings.Contains(line, "level=DEBUG") {
			t.Errorf("logged: %s", line)
		}
	}
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
		jetstreamtest.WantKind(t, err, hearth.ErrUnavailable)
	}
}
