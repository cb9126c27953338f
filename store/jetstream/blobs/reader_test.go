package blobs_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/jetstream/jetstreamtest"
	"golang.org/x/sync/errgroup"
)

// putLarge stores a blob of that many MiB, no two of which are alike.
func putLarge(t *testing.T, blobs store.Blobs, size int) (digest string) {
	t.Helper()
	content := make([]byte, size<<20)
	for i := 0; i < len(content); i += 4096 {
		copy(content[i:], fmt.Sprint(size, i))
	}
	digest = jetstreamtest.DigestOf(content)
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
	s := jetstreamtest.OpenWatched(t)
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

func TestRead_StoreIsClosedMeanwhile_Ends(t *testing.T) {
	s := jetstreamtest.Open(t, t.TempDir())
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
	jetstreamtest.WantKind(t, err, hearth.ErrUnavailable)
	if err == nil || strings.Contains(err.Error(), "no chunk within") {
		t.Errorf("it was waited for: %v", err)
	}
}

// The server removes a consumer that asks for nothing for a minute.
func TestRead_ConsumerIsGone_AnotherGoesOn(t *testing.T) {
	srv := jetstreamtest.Serve(t, nil)
	s := jetstreamtest.Connect(t, srv)
	digest := putLarge(t, s.Blobs(), 6)
	r, err := s.Blobs().Open(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.CopyN(io.Discard, r, 3<<20); err != nil {
		t.Fatal(err)
	}
	stream, err := jetstreamtest.Client(t, srv).Stream(t.Context(), "OBJ_hearth_code")
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

func TestOpen_MoreReadersThanTheServerSendsAheadFor_AllRead(t *testing.T) {
	s := jetstreamtest.Open(t, t.TempDir())
	content := make([]byte, 5<<20)
	for i := range content {
		content[i] = byte(i >> 12)
	}
	if _, err := s.Blobs().Put(t.Context(), jetstreamtest.DigestOf(content), bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	var reading errgroup.Group
	for range 140 { // more than there are places for, too
		reading.Go(func() error {
			r, err := s.Blobs().Open(t.Context(), jetstreamtest.DigestOf(content))
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = io.Copy(io.Discard, r) // which checks the digest
			return err
		})
	}
	if err := reading.Wait(); err != nil {
		t.Error(err)
	}
}
