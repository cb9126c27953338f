package blobs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/jetstream/stream"
	"github.com/nats-io/nats.go/jetstream"
)

// What is on its way to readers is in memory, and shares one connection, which
// the server ends when too much of it waits (see embedded.Options).
const (
	maxReaders = 128 // at a time; others wait
	chunksAway = 1   // per reader
)

// Open implements store.Blobs. It waits while maxReaders others read.
func (b *Bucket) Open(ctx context.Context, digest string) (io.ReadCloser, error) {
	e, err := b.stat(ctx, digest)
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", digest, err)
	}
	r := &reader{ctx: ctx, stream: b.stream, entry: e, sum: sha256.New()}
	if e.Chunks == 0 {
		return r, nil
	}
	select {
	case b.readers <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("open blob %s: %w", digest, context.Cause(ctx))
	}
	r.leave = func() { <-b.readers }
	if err := r.begin(); err != nil {
		r.leave()
		return nil, fmt.Errorf("open blob %s: %w", digest, err)
	}
	return r, nil
}

// reader reads the chunks of a blob. It holds the ctx of Open for its life, as
// Open documents.
type reader struct {
	ctx      context.Context
	stream   *stream.Stream
	entry    entry
	messages *stream.Messages // nil: no chunks
	leave    func()           // gives the place among maxReaders back; set with messages

	chunk bytes.Reader
	read  uint32 // chunks received
	last  uint64 // sequence of the last of them
	sum   hash.Hash
}

// How long a reader waits for a chunk: one that the server has, and one that it
// does not have, because it was deleted, or because a replica lags.
const (
	chunkTimeout = 30 * time.Second
	lagTimeout   = time.Second
)

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	for r.chunk.Len() == 0 {
		if r.read == r.entry.Chunks {
			if err := store.CheckSum(r.entry.Name, r.sum.Sum(nil)); err != nil {
				return 0, fmt.Errorf("read blob: %w", err)
			}
			return 0, io.EOF
		}
		if err := r.nextChunk(); err != nil {
			return 0, fmt.Errorf("read blob %s: %w", r.entry.Name, err)
		}
	}
	return r.chunk.Read(p)
}

// begin begins to read behind the last chunk.
func (r *reader) begin() (err error) {
	config := jetstream.ConsumerConfig{FilterSubject: chunkSubject(r.entry.NUID)}
	if r.last > 0 {
		config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverByStartSequencePolicy, r.last+1
	}
	r.messages, err = r.stream.Read(r.ctx, config, chunksAway)
	return err
}

// nextChunk reads a chunk, from another consumer when the first is gone: the
// server removes that of a reader who takes a minute for a chunk.
func (r *reader) nextChunk() error {
	if r.messages == nil {
		return os.ErrClosed
	}
	err := r.receive()
	if !stream.Lost(err) {
		return err
	}
	r.messages.Close(r.ctx)
	if err := r.begin(); err != nil {
		r.leave()
		return err
	}
	if err = r.receive(); stream.Lost(err) {
		err = fmt.Errorf("%w: %w", hearth.ErrUnavailable, err)
	}
	return err
}

func (r *reader) receive() error {
	timeout := chunkTimeout
	if r.messages.Pending() == 0 {
		timeout = lagTimeout
	}
	ctx, cancel := context.WithTimeoutCause(r.ctx, timeout, fmt.Errorf("no chunk within %v: %w", timeout, hearth.ErrUnavailable))
	defer cancel()
	msg, meta, err := r.messages.Next(ctx)
	if err != nil {
		return err
	}
	r.chunk.Reset(msg.Data)
	r.sum.Write(msg.Data)
	r.read++
	r.last = meta.Sequence.Stream
	return nil
}

// Close implements io.Closer.
func (r *reader) Close() error {
	if r.messages != nil {
		r.messages.Close(r.ctx)
		r.messages = nil
		r.leave()
	}
	return nil
}
