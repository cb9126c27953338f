package jetstream_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store/jetstream"
)

func TestOpen_DirectoryInUse_NamesTheProcess(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	_, err := jetstream.Open(t.Context(), jetstream.Options{Dir: dir})
	wantKind(t, err, hearth.ErrConflict)
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

func FuzzEncodeKey(f *testing.F) {
	for _, key := range []string{"a/b", "/", "a//b", "$LATEST", "=", "é", "a.b", "*", ">", " ", "\x00"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		subject := jetstream.EncodeKey(key)
		for _, token := range strings.Split(subject, ".") {
			if token == "" || strings.Trim(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=") != "" {
				t.Fatalf("%q becomes %q, not a subject of a bucket", key, subject)
			}
		}
		if back, err := jetstream.DecodeKey(subject); err != nil || back != key {
			t.Fatalf("%q becomes %q and then %q, error %v", key, subject, back, err)
		}
	})
}

func FuzzDecodeKey(f *testing.F) {
	for _, subject := range []string{"a.b", "=", "=2E", "=2e", "=61", "=2F", "a..b", ""} {
		f.Add(subject)
	}
	f.Fuzz(func(t *testing.T, subject string) {
		if key, err := jetstream.DecodeKey(subject); err == nil && jetstream.EncodeKey(key) != subject {
			t.Fatalf("%q is decoded to %q, which is encoded as %q", subject, key, jetstream.EncodeKey(key))
		}
	})
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
