package jetstream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/jetstream"
	"golang.org/x/sync/errgroup"
)

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

// openWatched opens a store that must not warn of anything while the test runs.
func openWatched(t *testing.T) *jetstream.Store {
	t.Helper()
	var log warnings
	s, err := jetstream.Open(t.Context(), jetstream.Options{Dir: t.TempDir(), Logger: slog.New(&log)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		for _, said := range log.said {
			t.Error("the store warned: ", said)
		}
	})
	return s
}

// putLarge stores a blob of that many MiB, no two of which are alike.
func putLarge(t *testing.T, blobs store.Blobs, size int) (digest string) {
	t.Helper()
	content := make([]byte, size<<20)
	for i := 0; i < len(content); i += 4096 {
		copy(content[i:], fmt.Sprint(size, i))
	}
	digest = digestOf(content)
	if _, err := blobs.Put(t.Context(), digest, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	return digest
}

// peak is a writer that measures the heap every 16 MiB.
type peak struct {
	mu            sync.Mutex
	written, heap int
}

func (p *peak) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.written >> 24
	if p.written += len(b); p.written>>24 != before {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		p.heap = max(p.heap, int(m.HeapAlloc))
	}
	return len(b), nil
}

func TestOpen_ManyReadersOfLargeBlobs_LoseNothingAndTakeLittle(t *testing.T) {
	s := openWatched(t)
	digests := []string{putLarge(t, s.Blobs(), 100), putLarge(t, s.Blobs(), 250)}
	var reading errgroup.Group
	var out peak
	for i := range 12 {
		reading.Go(func() error {
			r, err := s.Blobs().Open(t.Context(), digests[i%4/3])
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = io.Copy(&out, r) // which checks the digest
			return err
		})
	}
	if err := reading.Wait(); err != nil {
		t.Error(err)
	}
	// Most of it is the server's cache of the files.
	if most := 1 << 30; out.heap > most {
		t.Errorf("the heap grew to %d MiB, while %d MiB were read", out.heap>>20, out.written>>20)
	}
}

// busy takes a reader some time, so that messages wait for it.
func busy() { digestOf(make([]byte, 1<<18)) }

func TestWatch_SlowerThanTheServer_LosesNothing(t *testing.T) {
	s := openWatched(t)
	const records = 1000
	for i := range records {
		if _, err := s.KV().Put(t.Context(), fmt.Sprint("k/", i), []byte("v")); err != nil {
			t.Fatal(err)
		}
	}
	enough, seen := errors.New("enough"), 0
	err := s.KV().Watch(t.Context(), "k/", func(e store.Event) error {
		busy()
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

func TestReplay_SlowerThanTheServer_LosesNothing(t *testing.T) {
	l := openLog(t, openWatched(t))
	const entries = 500
	for i := range entries {
		if _, err := l.Append(t.Context(), []byte(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	next := 0
	err := l.Replay(t.Context(), func(_ uint64, entry []byte) error {
		busy()
		if want := fmt.Sprint(next); string(entry) != want {
			t.Errorf("entry %s, want %s", entry, want)
		}
		next++
		return nil
	})
	if err != nil || next != entries {
		t.Errorf("%d entries, error %v", next, err)
	}
}

func TestRead_StoreIsClosedMeanwhile_Ends(t *testing.T) {
	s := open(t, t.TempDir())
	r, err := s.Blobs().Open(t.Context(), putLarge(t, s.Blobs(), 6))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.CopyN(io.Discard, r, 3<<20); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(io.Discard, r)
	wantKind(t, err, hearth.ErrUnavailable)
	if err == nil || strings.Contains(err.Error(), "no chunk within") {
		t.Errorf("it was waited for: %v", err)
	}
}

// The server removes a consumer that asks for nothing for a minute.
func TestRead_ConsumerIsGone_AnotherGoesOn(t *testing.T) {
	srv := serve(t, nil)
	s := connect(t, srv)
	digest := putLarge(t, s.Blobs(), 6)
	r, err := s.Blobs().Open(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.CopyN(io.Discard, r, 3<<20); err != nil {
		t.Fatal(err)
	}
	stream, err := client(t, srv).Stream(t.Context(), "OBJ_hearth_code")
	if err != nil {
		t.Fatal(err)
	}
	removed := 0
	for name := range stream.ConsumerNames(t.Context()).Name() {
		if err := stream.DeleteConsumer(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		removed++
	}
	rest, err := io.Copy(io.Discard, r) // which checks the digest
	if err != nil || rest != 3<<20 || removed != 1 {
		t.Errorf("%d consumers were there; then %d bytes, error %v", removed, rest, err)
	}
}
