package jetstream_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/jetstream"
	"github.com/hearthd/hearth/store/jetstream/jetstreamtest"
)

func openBench(b *testing.B) *jetstream.Store {
	b.Helper()
	s, err := jetstream.Open(b.Context(), jetstream.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

func BenchmarkKV_Get(b *testing.B) {
	kv := openBench(b).KV()
	if _, err := kv.Put(b.Context(), "k", make([]byte, 1<<10)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := kv.Get(b.Context(), "k"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKV_Update(b *testing.B) {
	kv := openBench(b).KV()
	value := make([]byte, 1<<10)
	revision, err := kv.Put(b.Context(), "k", value)
	for b.Loop() {
		if err != nil {
			b.Fatal(err)
		}
		revision, err = kv.Update(b.Context(), "k", value, revision)
	}
}

// An entry of the event queue's journal, of one event and of a full group.
func BenchmarkLog_Append(b *testing.B) {
	log, err := openBench(b).Log(b.Context(), "bench")
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{512, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := log.Append(b.Context(), make([]byte, size)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkKV_List(b *testing.B) {
	kv := openBench(b).KV()
	for i := range 1000 {
		if _, err := kv.Put(b.Context(), fmt.Sprintf("f/%04d", i), make([]byte, 1<<10)); err != nil {
			b.Fatal(err)
		}
	}
	for _, limit := range []int{50, 0} {
		b.Run(fmt.Sprint("limit=", limit), func(b *testing.B) {
			for b.Loop() {
				if _, err := kv.List(b.Context(), "f/", "f/0500", limit); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkBlobs(b *testing.B) {
	blobs := openBench(b).Blobs()
	content := make([]byte, 50<<20)
	digest := jetstreamtest.DigestOf(content)
	b.Run("Put", func(b *testing.B) {
		b.SetBytes(int64(len(content)))
		for b.Loop() {
			blob, err := blobs.Put(b.Context(), digest, bytes.NewReader(content))
			if err == nil {
				err = blobs.Delete(b.Context(), blob)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	if _, err := blobs.Put(b.Context(), digest, bytes.NewReader(content)); err != nil {
		b.Fatal(err)
	}
	b.Run("Open", func(b *testing.B) {
		b.SetBytes(int64(len(content)))
		for b.Loop() {
			r, err := blobs.Open(b.Context(), digest)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, r); err != nil {
				b.Fatal(err)
			}
			_ = r.Close()
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		s, err := jetstream.Open(b.Context(), jetstream.Options{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// A page of 50 from the middle of 10,000 keys, beside as many of another prefix.
func BenchmarkKV_ListPage(b *testing.B) {
	kv := openBench(b).KV()
	for _, prefix := range []string{"f/", "g/"} {
		for i := 0; i < 10_000; i += store.MaxOps {
			ops := make([]store.Op, store.MaxOps)
			for j := range ops {
				ops[j] = store.Op{Kind: store.OpCreate, Key: fmt.Sprintf("%s%05d", prefix, i+j), Value: make([]byte, 1<<10)}
			}
			if _, err := kv.Commit(b.Context(), ops); err != nil {
				b.Fatal(err)
			}
		}
	}
	for b.Loop() {
		page, err := kv.List(b.Context(), "f/", "f/05000", 50)
		if err != nil || len(page) != 50 || page[0].Key != "f/05001" {
			b.Fatalf("%d records, %v", len(page), err)
		}
	}
}
