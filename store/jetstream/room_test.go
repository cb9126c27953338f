package jetstream_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store/jetstream"
)

// onDisk is an open store on a disk with as many bytes left as are stored.
func onDisk(t *testing.T) (*jetstream.Store, *atomic.Uint64) {
	t.Helper()
	s, free := open(t, t.TempDir()), &atomic.Uint64{}
	free.Store(10 * jetstream.Reserve)
	s.SetFree(free.Load)
	return s, free
}

func refusedForRoom(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, hearth.ErrUnavailable) || !strings.Contains(err.Error(), "is full") {
		t.Errorf("%s on a full disk: %v, want one that says so, of ErrUnavailable", what, err)
	}
}

func TestCommit_FullDisk(t *testing.T) {
	s, free := onDisk(t)
	free.Store(jetstream.Reserve)
	_, err := s.KV().Put(t.Context(), "key", []byte("value"))
	refusedForRoom(t, "Put", err)

	free.Store(jetstream.Reserve + 5)
	if _, err := s.KV().Put(t.Context(), "key", []byte("value")); err != nil {
		t.Errorf("Put once there is room: %v", err)
	}
}

func TestCommit_FullDiskTakesDeletions(t *testing.T) {
	s, free := onDisk(t)
	revision, err := s.KV().Put(t.Context(), "key", []byte("value"))
	if err != nil {
		t.Fatal(err)
	}
	free.Store(jetstream.Reserve/2 - 1)
	_, err = s.KV().Delete(t.Context(), "key", revision)
	refusedForRoom(t, "Delete", err)
	free.Store(jetstream.Reserve / 2)
	if _, err := s.KV().Delete(t.Context(), "key", revision); err != nil {
		t.Errorf("Delete with half of the reserve: %v", err)
	}
}

func TestBlobsPut_FullDisk(t *testing.T) {
	s, free := onDisk(t)
	free.Store(jetstream.Reserve)
	sum := sha256.Sum256([]byte("content"))
	digest := hex.EncodeToString(sum[:])
	_, err := s.Blobs().Put(t.Context(), digest, strings.NewReader("content"))
	refusedForRoom(t, "Put", err)

	free.Store(10 * jetstream.Reserve)
	if _, err := s.Blobs().Put(t.Context(), digest, strings.NewReader("content")); err != nil {
		t.Errorf("Put once there is room: %v", err)
	}
}

func TestLogAppend_FullDisk(t *testing.T) {
	s, free := onDisk(t)
	l := openLog(t, s)
	free.Store(jetstream.Reserve)
	_, err := l.Append(t.Context(), []byte("entry"))
	refusedForRoom(t, "Append", err)

	free.Store(10 * jetstream.Reserve)
	if number, err := l.Append(t.Context(), []byte("entry")); err != nil || number != 1 {
		t.Errorf("Append once there is room: entry %d, %v, want 1", number, err)
	}
}
