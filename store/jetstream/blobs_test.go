package jetstream_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"testing"

	"github.com/hearthd/hearth"
	natsjs "github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func TestRemoveOrphans_ChunksOfACrash_AreRemovedAlone(t *testing.T) {
	srv := serve(t, nil)
	s := connect(t, srv)
	content := bytes.Repeat([]byte("code"), 1<<19)
	if _, err := s.Blobs().Put(t.Context(), digestOf(content), bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	js := client(t, srv)
	if _, err := js.Publish(t.Context(), "$O.hearth_code.C.crashed", []byte("half a blob")); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveOrphans(); err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "OBJ_hearth_code")
	if err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(t.Context(), natsjs.WithSubjectFilter("$O.hearth_code.C.>"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(info.State.Subjects); n != 1 {
		t.Errorf("%d uploads left: %v", n, info.State.Subjects)
	}
	r, err := s.Blobs().Open(t.Context(), digestOf(content))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content) {
		t.Errorf("blob has %d bytes, error %v", len(got), err)
	}
}

func TestDelete_Blob_LeavesNothingInTheStream(t *testing.T) {
	srv := serve(t, nil)
	s := connect(t, srv)
	content := bytes.Repeat([]byte("code"), 1<<19)
	stored, err := s.Blobs().Put(t.Context(), digestOf(content), bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Blobs().Delete(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	stream, err := client(t, srv).Stream(t.Context(), "OBJ_hearth_code")
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Msgs; n != 0 {
		t.Errorf("%d messages left", n)
	}
}

func TestOpen_BlobWithLostChunk_FailsInsteadOfEnding(t *testing.T) {
	srv := serve(t, nil)
	s := connect(t, srv)
	content := bytes.Repeat([]byte("code"), 1<<19) // two chunks
	if _, err := s.Blobs().Put(t.Context(), digestOf(content), bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	stream, err := client(t, srv).Stream(t.Context(), "OBJ_hearth_code")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	r, err := s.Blobs().Open(t.Context(), digestOf(content))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = io.ReadAll(r)
	wantKind(t, err, hearth.ErrUnavailable)
}

// The layout is that of NATS's object store: its tools can read a blob.
func TestPut_Blob_IsReadableByTheObjectStoreClient(t *testing.T) {
	srv := serve(t, nil)
	s, js := connect(t, srv), client(t, srv)
	content := bytes.Repeat([]byte("code"), 1<<19)
	if _, err := s.Blobs().Put(t.Context(), digestOf(content), bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	bucket, err := js.ObjectStore(t.Context(), "hearth_code")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := bucket.GetBytes(t.Context(), digestOf(content)); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, error %v", len(got), err)
	}
}

func TestOpen_MoreReadersThanTheServerSendsAheadFor_AllRead(t *testing.T) {
	s := open(t, t.TempDir())
	content := make([]byte, 5<<20)
	for i := range content {
		content[i] = byte(i >> 12)
	}
	if _, err := s.Blobs().Put(t.Context(), digestOf(content), bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	var reading errgroup.Group
	for range 140 { // more than there are places for, too
		reading.Go(func() error {
			r, err := s.Blobs().Open(t.Context(), digestOf(content))
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
