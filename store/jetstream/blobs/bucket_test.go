package blobs_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store/jetstream/blobs"
	"github.com/hearthd/hearth/store/jetstream/jetstreamtest"
	"github.com/hearthd/hearth/store/jetstream/stream"
	natsjs "github.com/nats-io/nats.go/jetstream"
)

func TestRemoveOrphans_ChunksOfACrash_AreRemovedAlone(t *testing.T) {
	srv := jetstreamtest.Serve(t, nil)
	s := jetstreamtest.Connect(t, srv)
	content := bytes.Repeat([]byte("code"), 1<<19)
	if _, err := s.Blobs().Put(t.Context(), jetstreamtest.DigestOf(content), bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	js := jetstreamtest.Client(t, srv)
	if _, err := js.Publish(t.Context(), "$O.hearth_code.C.crashed", []byte("half a blob")); err != nil {
		t.Fatal(err)
	}
	if err := s.Blobs().RemoveOrphans(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	chunks, err := js.Stream(t.Context(), "OBJ_hearth_code")
	if err != nil {
		t.Fatal(err)
	}
	info, err := chunks.Info(t.Context(), natsjs.WithSubjectFilter("$O.hearth_code.C.>"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(info.State.Subjects); n != 1 {
		t.Errorf("%d uploads left: %v", n, info.State.Subjects)
	}
	r, err := s.Blobs().Open(t.Context(), jetstreamtest.DigestOf(content))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content) {
		t.Errorf("blob has %d bytes, error %v", len(got), err)
	}
}

func TestDelete_Blob_LeavesNothingInTheStream(t *testing.T) {
	srv := jetstreamtest.Serve(t, nil)
	s := jetstreamtest.Connect(t, srv)
	content := bytes.Repeat([]byte("code"), 1<<19)
	stored, err := s.Blobs().Put(t.Context(), jetstreamtest.DigestOf(content), bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Blobs().Delete(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	chunks, err := jetstreamtest.Client(t, srv).Stream(t.Context(), "OBJ_hearth_code")
	if err != nil {
		t.Fatal(err)
	}
	if n := chunks.CachedInfo().State.Msgs; n != 0 {
		t.Errorf("%d messages left", n)
	}
}

func TestOpen_BlobWithLostChunk_FailsInsteadOfEnding(t *testing.T) {
	srv := jetstreamtest.Serve(t, nil)
	s := jetstreamtest.Connect(t, srv)
	content := bytes.Repeat([]byte("code"), 1<<19) // two chunks
	if _, err := s.Blobs().Put(t.Context(), jetstreamtest.DigestOf(content), bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	chunks, err := jetstreamtest.Client(t, srv).Stream(t.Context(), "OBJ_hearth_code")
	if err != nil {
		t.Fatal(err)
	}
	if err := chunks.DeleteMsg(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	r, err := s.Blobs().Open(t.Context(), jetstreamtest.DigestOf(content))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = io.ReadAll(r)
	jetstreamtest.WantKind(t, err, hearth.ErrUnavailable)
}

// The layout is that of NATS's object store: its tools can read a blob.
func TestPut_Blob_IsReadableByTheObjectStoreClient(t *testing.T) {
	srv := jetstreamtest.Serve(t, nil)
	s, js := jetstreamtest.Connect(t, srv), jetstreamtest.Client(t, srv)
	content := bytes.Repeat([]byte("code"), 1<<19)
	if _, err := s.Blobs().Put(t.Context(), jetstreamtest.DigestOf(content), bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	bucket, err := js.ObjectStore(t.Context(), "hearth_code")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := bucket.GetBytes(t.Context(), jetstreamtest.DigestOf(content)); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, error %v", len(got), err)
	}
}

func TestPut_FullDisk(t *testing.T) {
	conn, disk := jetstreamtest.OnDisk(t)
	b, err := blobs.Open(t.Context(), conn, 1)
	if err != nil {
		t.Fatal(err)
	}
	content := []byte("content")
	disk.Store(stream.Reserve)
	_, err = b.Put(t.Context(), jetstreamtest.DigestOf(content), bytes.NewReader(content))
	jetstreamtest.WantFull(t, err)

	disk.Store(10 * stream.Reserve)
	if _, err := b.Put(t.Context(), jetstreamtest.DigestOf(content), bytes.NewReader(content)); err != nil {
		t.Errorf("Put once there is room: %v", err)
	}
}
