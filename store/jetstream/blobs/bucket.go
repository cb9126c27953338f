// Package blobs keeps the store's blobs: Open returns a Bucket, a store.Blobs on
// a stream, in chunks of 1 MiB. The layout is that of NATS's own object store,
// so that the nats command line can read it:
//
//	$O.hearth_code.C.<upload>   the chunks of one upload
//	$O.hearth_code.M.<digest>   one message: the description, which names the upload
//
// The description is written last and under the condition that nobody wrote it
// in between; its sequence is the blob's revision. Its deletion is written
// first, and the chunks go after it. A crash between the two leaves chunks that
// nothing names; RemoveOrphans finds them.
package blobs

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/internal/failpoint"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/jetstream/stream"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"golang.org/x/sync/errgroup"
)

// chunkSize is the size in bytes of a blob's chunks: each costs one sync.
const chunkSize = 1 << 20

// cleanupTimeout bounds what is done after a failure, when ctx may have ended.
const cleanupTimeout = 5 * time.Second

const (
	bucket        = "hearth_code"
	subjectPrefix = "$O." + bucket + "."
)

// readsAtOnce is how many descriptions are read at once.
const readsAtOnce = 8

var _ store.Blobs = (*Bucket)(nil)

// Bucket is a store.Blobs. Open makes one.
type Bucket struct {
	stream  *stream.Stream
	readers chan struct{} // a place for each reader at a time
}

// streamConfig is NATS's object-store layout, but read from the leader only.
func streamConfig(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        "OBJ_" + bucket,
		Description: "hearth: code archives by digest",
		Subjects:    []string{subjectPrefix + "C.>", subjectPrefix + "M.>"},
		Storage:     jetstream.FileStorage,
		Replicas:    replicas,
		Discard:     jetstream.DiscardNew,
		AllowRollup: true,
		AllowDirect: false,
	}
}

// Open opens the blobs on a connection, and creates their stream when it is
// missing. There is nothing to close.
func Open(ctx context.Context, conn *stream.Conn, replicas int) (*Bucket, error) {
	s, err := conn.Stream(ctx, streamConfig(replicas))
	if err != nil {
		return nil, err
	}
	return &Bucket{stream: s, readers: make(chan struct{}, maxReaders)}, nil
}

// entry is a blob's description as it is stored. revision is set for a deleted
// blob too, and 0 for one that never was.
type entry struct {
	jetstream.ObjectInfo
	revision uint64
	modified time.Time
}

func (e entry) live() bool { return e.revision != 0 && !e.Deleted }

func (e entry) blob() store.Blob {
	return store.Blob{Digest: e.Name, Size: int64(e.Size), Modified: e.modified, Revision: e.revision}
}

func entrySubject(digest string) string {
	return subjectPrefix + "M." + base64.URLEncoding.EncodeToString([]byte(digest))
}

func chunkSubject(upload string) string { return subjectPrefix + "C." + upload }

// read returns the description of a blob, live or not.
func (b *Bucket) read(ctx context.Context, subject string) (entry, error) {
	msg, err := b.stream.Last(ctx, subject)
	if errors.Is(err, hearth.ErrNotFound) {
		return entry{}, nil
	}
	if err != nil {
		return entry{}, err
	}
	e := entry{revision: msg.Sequence, modified: msg.Time}
	if err := json.Unmarshal(msg.Data, &e.ObjectInfo); err != nil {
		return entry{}, fmt.Errorf("parse description %s: %w", subject, err)
	}
	return e, nil
}

// write stores a description in place of the one at revision e.revision, and
// returns it at its new one. stream.ErrOvertaken: there is another one now.
func (b *Bucket) write(ctx context.Context, e entry) (entry, error) {
	data, err := json.Marshal(e.ObjectInfo)
	if err != nil {
		return entry{}, err
	}
	msg := nats.NewMsg(entrySubject(e.Name))
	msg.Data = data
	msg.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	stream.Expect(msg, e.revision)
	revision, err := b.stream.Publish(ctx, msg)
	if err != nil {
		return entry{}, err
	}
	e.revision, e.modified = revision, time.Now()
	return e, nil
}

// Put implements store.Blobs.
func (b *Bucket) Put(ctx context.Context, digest string, r io.Reader) (store.Blob, error) {
	if err := store.CheckDigest(digest); err != nil {
		return store.Blob{}, err
	}
	old, err := b.renew(ctx, digest)
	if err != nil {
		return store.Blob{}, fmt.Errorf("put blob %s: %w", digest, err)
	}
	if old.live() {
		// It is there already; what the caller has must be the same all the same.
		sum := sha256.New()
		if _, err := io.Copy(sum, r); err != nil {
			return store.Blob{}, fmt.Errorf("put blob %s: %w", digest, err)
		}
		if err := store.CheckSum(digest, sum.Sum(nil)); err != nil {
			return store.Blob{}, fmt.Errorf("put blob: %w", err)
		}
		return old.blob(), nil
	}
	failpoint.Hit("store/blob")
	e, err := b.upload(ctx, digest, r)
	if err != nil {
		return store.Blob{}, fmt.Errorf("put blob %s: %w", digest, err)
	}
	e.revision = old.revision
	failpoint.Hit("store/blob-uploaded")
	stored, err := b.write(ctx, e)
	if err == nil {
		return stored.blob(), nil
	}
	b.purgeChunks(ctx, e.NUID)
	if !errors.Is(err, stream.ErrOvertaken) {
		return store.Blob{}, fmt.Errorf("put blob %s: %w", digest, err)
	}
	// Another Put of the same content was faster.
	return b.Stat(ctx, digest)
}

// renew writes the description of a blob again, as it is, so that it counts as
// put now. It returns the present state, which is not live for no blob.
//
// A renewal by somebody else, after this one began, does as well: a deletion
// that was decided before fails on it.
func (b *Bucket) renew(ctx context.Context, digest string) (entry, error) {
	began, err := b.read(ctx, entrySubject(digest))
	if err != nil || !began.live() {
		return began, err
	}
	renewed, err := b.write(ctx, began)
	if !errors.Is(err, stream.ErrOvertaken) {
		return renewed, err
	}
	return b.read(ctx, entrySubject(digest))
}

// upload stores the chunks of a new blob and returns its description, which is
// not written yet. On an error no chunk is left.
func (b *Bucket) upload(ctx context.Context, digest string, r io.Reader) (_ entry, err error) {
	e := entry{ObjectInfo: jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{Name: digest, Opts: &jetstream.ObjectMetaOptions{ChunkSize: chunkSize}},
		Bucket:     bucket, NUID: nuid.Next(),
	}}
	defer func() {
		if err != nil {
			b.purgeChunks(ctx, e.NUID)
		}
	}()
	sum := sha256.New()
	chunk := make([]byte, chunkSize)
	for done := false; !done; {
		n, err := io.ReadFull(r, chunk)
		done = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !done {
			return entry{}, err
		}
		if n == 0 {
			break
		}
		sum.Write(chunk[:n])
		if err := b.stream.RoomFor(n); err != nil {
			return entry{}, err
		}
		msg := &nats.Msg{Subject: chunkSubject(e.NUID), Data: chunk[:n]}
		if _, err := b.stream.Publish(ctx, msg); err != nil {
			return entry{}, err
		}
		e.Size += uint64(n)
		e.Chunks++
	}
	e.Digest = jetstream.GetObjectDigestValue(sum)
	return e, store.CheckSum(digest, sum.Sum(nil))
}

// purgeChunks removes the chunks of an upload that is not, or no longer, named.
// What it cannot remove is an orphan for RemoveOrphans.
func (b *Bucket) purgeChunks(ctx context.Context, upload string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	_ = b.stream.Purge(ctx, jetstream.WithPurgeSubject(chunkSubject(upload)))
}

// Stat implements store.Blobs.
func (b *Bucket) Stat(ctx context.Context, digest string) (store.Blob, error) {
	e, err := b.stat(ctx, digest)
	if err != nil {
		return store.Blob{}, fmt.Errorf("stat blob %s: %w", digest, err)
	}
	return e.blob(), nil
}

func (b *Bucket) stat(ctx context.Context, digest string) (entry, error) {
	if err := store.CheckDigest(digest); err != nil {
		return entry{}, err
	}
	e, err := b.read(ctx, entrySubject(digest))
	if err == nil && !e.live() {
		err = hearth.ErrNotFound
	}
	return e, err
}

// Delete implements store.Blobs.
func (b *Bucket) Delete(ctx context.Context, blob store.Blob) error {
	e, err := b.stat(ctx, blob.Digest)
	if err == nil && e.revision != blob.Revision {
		err = fmt.Errorf("it is at revision %d, not %d: %w", e.revision, blob.Revision, hearth.ErrPrecondition)
	}
	if err != nil {
		return fmt.Errorf("delete blob %s: %w", blob.Digest, err)
	}
	upload := e.NUID
	e.Deleted, e.Size, e.Chunks, e.Digest = true, 0, 0, ""
	marker, err := b.write(ctx, e)
	if errors.Is(err, stream.ErrOvertaken) {
		err = fmt.Errorf("it was put again: %w", hearth.ErrPrecondition)
	}
	if err != nil {
		return fmt.Errorf("delete blob %s: %w", blob.Digest, err)
	}
	b.purgeChunks(ctx, upload)
	// The marker has done its work; a Put that came after it is not touched.
	err = b.stream.Purge(ctx, jetstream.WithPurgeSubject(entrySubject(blob.Digest)), jetstream.WithPurgeSequence(marker.revision+1))
	if err != nil {
		return fmt.Errorf("delete blob %s: remove its marker: %w", blob.Digest, err)
	}
	return nil
}

// List implements store.Blobs.
func (b *Bucket) List(ctx context.Context) ([]store.Blob, error) {
	entries, err := b.entries(ctx)
	if err != nil {
		return nil, fmt.Errorf("list blobs: %w", err)
	}
	list := make([]store.Blob, len(entries))
	for i, e := range entries {
		list[i] = e.blob()
	}
	slices.SortFunc(list, func(x, y store.Blob) int { return cmp.Compare(x.Digest, y.Digest) })
	return list, nil
}

// entries returns the live descriptions.
func (b *Bucket) entries(ctx context.Context) ([]entry, error) {
	subjects, err := b.stream.Subjects(ctx, subjectPrefix+"M.>")
	if err != nil {
		return nil, err
	}
	entries := make([]entry, len(subjects))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	i := 0
	for subject := range subjects {
		slot := &entries[i]
		i++
		group.Go(func() (err error) {
			*slot, err = b.read(groupCtx, subject)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(entries, func(e entry) bool { return !e.live() }), nil
}

// RemoveOrphans removes the chunks that no description names and whose last
// was written before a time. A younger one may belong to an upload that goes on.
func (b *Bucket) RemoveOrphans(ctx context.Context, before time.Time) error {
	// Chunks first: an upload that ends in between is named by then.
	orphans, err := b.stream.Subjects(ctx, subjectPrefix+"C.>")
	if err != nil {
		return fmt.Errorf("look for lost chunks: %w", err)
	}
	entries, err := b.entries(ctx)
	if err != nil {
		return fmt.Errorf("look for lost chunks: %w", err)
	}
	for _, e := range entries {
		delete(orphans, chunkSubject(e.NUID))
	}
	for subject := range orphans {
		msg, err := b.stream.Last(ctx, subject)
		if errors.Is(err, hearth.ErrNotFound) || err == nil && !msg.Time.Before(before) {
			continue
		}
		if err == nil {
			err = b.stream.Purge(ctx, jetstream.WithPurgeSubject(subject))
		}
		if err != nil {
			return fmt.Errorf("remove lost chunks %s: %w", strings.TrimPrefix(subject, subjectPrefix), err)
		}
	}
	return nil
}
