package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
)

// RunBlobs tests a Blobs. open returns an empty one and closes it with the test.
func RunBlobs(t *testing.T, open func(t *testing.T) store.Blobs) {
	for name, test := range map[string]func(*testing.T, store.Blobs){
		"Put_ThenOpen_RoundTrips":                 blobRoundTrip,
		"Put_WrongDigest_StoresNothing":           blobWrongDigest,
		"Put_WrongContentOfExisting_IsInvalid":    blobWrongContent,
		"Put_ReaderFails_StoresNothing":           blobReaderFails,
		"Put_Again_RenewsRevision":                blobAgain,
		"Put_Concurrent_StoresOne":                blobConcurrent,
		"Put_AgainByMany_Succeeds":                blobRenewedByMany,
		"Open_Missing_IsNotFound":                 blobOpenMissing,
		"Delete_Current_Removes":                  blobDelete,
		"Delete_PutAgainSince_IsPrecondition":     blobDeleteRenewed,
		"Delete_Missing_IsNotFound":               blobDeleteMissing,
		"List_Several_IsSortedWithoutDeleted":     blobList,
		"Digest_Malformed_IsInvalid":              blobMalformed,
		"Put_AfterDelete_StoresTheContentAnew":    blobPutAfterDelete,
		"Open_ContextEnded_Fails":                 blobContextEnded,
		"Open_TwoReadersAtOnce_AreIndependent":    blobTwoReaders,
		"Open_ReadPartlyThenClosed_LeavesItWhole": blobPartial,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func blobRoundTrip(t *testing.T, blobs store.Blobs) {
	for _, size := range []int{0, 1, 1<<20 - 1, 1 << 20, 6<<20 + 17} {
		content := pattern(size)
		stored := putBlob(t, blobs, content)
		if stored.Size != int64(size) || stored.Digest != digestOf(content) || stored.Modified.IsZero() {
			t.Errorf("Put of %d bytes = %+v", size, stored)
		}
		wantBlob(t, blobs, content)
		if found := must(blobs.Stat(t.Context(), stored.Digest))(t); found.Revision != stored.Revision || found.Size != stored.Size {
			t.Errorf("Stat = %+v, Put said %+v", found, stored)
		}
	}
}

func blobWrongDigest(t *testing.T, blobs store.Blobs) {
	digest := digestOf([]byte("x"))
	_, err := blobs.Put(t.Context(), digest, bytes.NewReader(pattern(3<<20)))
	wantKind(t, err, hearth.ErrInvalid)
	wantNoBlob(t, blobs, digest)
}

func blobWrongContent(t *testing.T, blobs store.Blobs) {
	content := []byte("content")
	putBlob(t, blobs, content)
	_, err := blobs.Put(t.Context(), digestOf(content), bytes.NewReader([]byte("other")))
	wantKind(t, err, hearth.ErrInvalid)
	wantBlob(t, blobs, content)
}

func blobReaderFails(t *testing.T, blobs store.Blobs) {
	content, broken := pattern(2<<20), errors.New("broken")
	r := io.MultiReader(bytes.NewReader(content[:1<<20]), failingReader{broken})
	_, err := blobs.Put(t.Context(), digestOf(content), r)
	wantKind(t, err, broken)
	wantNoBlob(t, blobs, digestOf(content))
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

func blobAgain(t *testing.T, blobs store.Blobs) {
	content := []byte("content")
	first, second := putBlob(t, blobs, content), putBlob(t, blobs, content)
	if second.Revision <= first.Revision || second.Modified.Before(first.Modified) {
		t.Errorf("second Put = %+v after %+v", second, first)
	}
	wantBlob(t, blobs, content)
}

func blobConcurrent(t *testing.T, blobs store.Blobs) {
	content := pattern(1<<20 + 1)
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			if _, err := blobs.Put(t.Context(), digestOf(content), bytes.NewReader(content)); err != nil {
				t.Errorf("put: %v", err)
			}
		})
	}
	group.Wait()
	wantBlob(t, blobs, content)
	if all := must(blobs.List(t.Context()))(t); len(all) != 1 {
		t.Errorf("List has %d blobs", len(all))
	}
}

// Many functions of one package are created at once: each put renews the blob
// that the others renew.
func blobRenewedByMany(t *testing.T, blobs store.Blobs) {
	content := pattern(100)
	putBlob(t, blobs, content)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for range 20 {
				if _, err := blobs.Put(t.Context(), digestOf(content), bytes.NewReader(content)); err != nil {
					t.Errorf("put: %v", err)
					return
				}
			}
		})
	}
	group.Wait()
	wantBlob(t, blobs, content)
}

func blobOpenMissing(t *testing.T, blobs store.Blobs) {
	wantNoBlob(t, blobs, digestOf([]byte("x")))
}

func blobDelete(t *testing.T, blobs store.Blobs) {
	stored := putBlob(t, blobs, []byte("content"))
	if err := blobs.Delete(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	wantNoBlob(t, blobs, stored.Digest)
}

func blobDeleteRenewed(t *testing.T, blobs store.Blobs) {
	content := []byte("content")
	old := putBlob(t, blobs, content)
	putBlob(t, blobs, content)
	wantKind(t, blobs.Delete(t.Context(), old), hearth.ErrPrecondition)
	wantBlob(t, blobs, content)
}

func blobDeleteMissing(t *testing.T, blobs store.Blobs) {
	stored := putBlob(t, blobs, []byte("content"))
	if err := blobs.Delete(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	wantKind(t, blobs.Delete(t.Context(), stored), hearth.ErrNotFound)
}

func blobList(t *testing.T, blobs store.Blobs) {
	var want []string
	for _, content := range []string{"a", "b", "c", "d"} {
		want = append(want, putBlob(t, blobs, []byte(content)).Digest)
	}
	gone := must(blobs.Stat(t.Context(), want[0]))(t)
	if err := blobs.Delete(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range must(blobs.List(t.Context()))(t) {
		got = append(got, b.Digest)
	}
	if diff := cmp.Diff(sorted(want[1:]), got); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
}

func blobMalformed(t *testing.T, blobs store.Blobs) {
	for _, digest := range []string{"", "abc", "../../etc/passwd", string(bytes.Repeat([]byte("A"), 64)), string(bytes.Repeat([]byte("g"), 64))} {
		_, err := blobs.Put(t.Context(), digest, bytes.NewReader(nil))
		wantKind(t, err, hearth.ErrInvalid)
		_, err = blobs.Open(t.Context(), digest)
		wantKind(t, err, hearth.ErrInvalid)
		_, err = blobs.Stat(t.Context(), digest)
		wantKind(t, err, hearth.ErrInvalid)
	}
}

func blobPutAfterDelete(t *testing.T, blobs store.Blobs) {
	content := pattern(1<<20 + 1)
	if err := blobs.Delete(t.Context(), putBlob(t, blobs, content)); err != nil {
		t.Fatal(err)
	}
	putBlob(t, blobs, content)
	wantBlob(t, blobs, content)
}

func blobContextEnded(t *testing.T, blobs store.Blobs) {
	stored := putBlob(t, blobs, []byte("content"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := blobs.Open(ctx, stored.Digest)
	wantKind(t, err, context.Canceled)
}

func blobTwoReaders(t *testing.T, blobs store.Blobs) {
	content := pattern(2<<20 + 5)
	digest := putBlob(t, blobs, content).Digest
	a, b := must(blobs.Open(t.Context(), digest))(t), must(blobs.Open(t.Context(), digest))(t)
	defer a.Close()
	defer b.Close()
	gotA := must(io.ReadAll(a))(t)
	gotB := must(io.ReadAll(b))(t)
	if !bytes.Equal(gotA, content) || !bytes.Equal(gotB, content) {
		t.Errorf("readers got %d and %d bytes of %d", len(gotA), len(gotB), len(content))
	}
}

func blobPartial(t *testing.T, blobs store.Blobs) {
	content := pattern(5 << 20)
	r := must(blobs.Open(t.Context(), putBlob(t, blobs, content).Digest))(t)
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	wantBlob(t, blobs, content)
}

func putBlob(t *testing.T, blobs store.Blobs, content []byte) store.Blob {
	t.Helper()
	return must(blobs.Put(t.Context(), digestOf(content), bytes.NewReader(content)))(t)
}

func wantBlob(t *testing.T, blobs store.Blobs, content []byte) {
	t.Helper()
	r := must(blobs.Open(t.Context(), digestOf(content)))(t)
	defer r.Close()
	if got := must(io.ReadAll(r))(t); !bytes.Equal(got, content) {
		t.Errorf("blob has %d other bytes than the %d that were put", len(got), len(content))
	}
}

func wantNoBlob(t *testing.T, blobs store.Blobs, digest string) {
	t.Helper()
	_, err := blobs.Open(t.Context(), digest)
	wantKind(t, err, hearth.ErrNotFound)
	_, err = blobs.Stat(t.Context(), digest)
	wantKind(t, err, hearth.ErrNotFound)
	if all := must(blobs.List(t.Context()))(t); len(all) != 0 {
		t.Errorf("List has %v", all)
	}
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
