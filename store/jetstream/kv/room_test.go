package kv_test

import (
	"log/slog"
	"testing"

	"github.com/hearthd/hearth/store/jetstream/jetstreamtest"
	"github.com/hearthd/hearth/store/jetstream/kv"
	"github.com/hearthd/hearth/store/jetstream/stream"
)

func onDisk(t *testing.T) (*kv.Bucket, *jetstreamtest.Disk) {
	t.Helper()
	conn, disk := jetstreamtest.OnDisk(t)
	b, err := kv.Open(t.Context(), conn, 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b, disk
}

func TestCommit_FullDisk(t *testing.T) {
	b, disk := onDisk(t)
	disk.Store(stream.Reserve)
	_, err := b.Put(t.Context(), "key", []byte("value"))
	jetstreamtest.WantFull(t, err)

	disk.Store(stream.Reserve + 5)
	if _, err := b.Put(t.Context(), "key", []byte("value")); err != nil {
		t.Errorf("Put once there is room: %v", err)
	}
}

func TestCommit_FullDiskTakesDeletions(t *testing.T) {
	b, disk := onDisk(t)
	revision, err := b.Put(t.Context(), "key", []byte("value"))
	if err != nil {
		t.Fatal(err)
	}
	disk.Store(stream.Reserve/2 - 1)
	_, err = b.Delete(t.Context(), "key", revision)
	jetstreamtest.WantFull(t, err)
	disk.Store(stream.Reserve / 2)
	if _, err := b.Delete(t.Context(), "key", revision); err != nil {
		t.Errorf("Delete with half of the reserve: %v", err)
	}
}
