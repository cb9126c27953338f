package storetest

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hearthd/hearth/store"
)

// must is used as must(f())(t): it ends the test on an error.
func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func wantKind(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error %v, want %v", err, kind)
	}
}

func wantRecord(t *testing.T, kv store.KV, want store.Record) {
	t.Helper()
	if diff := cmp.Diff(want, must(kv.Get(t.Context(), want.Key))(t)); diff != "" {
		t.Errorf("Get(%q) (-want +got):\n%s", want.Key, diff)
	}
}

func put(t *testing.T, kv store.KV, key, value string) uint64 {
	t.Helper()
	return must(kv.Put(t.Context(), key, []byte(value)))(t)
}

func list(t *testing.T, kv store.KV, prefix, after string, limit int) []string {
	t.Helper()
	var keys []string
	for _, r := range must(kv.List(t.Context(), prefix, after, limit))(t) {
		keys = append(keys, r.Key)
	}
	return keys
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

// pattern returns n bytes without a short period.
func pattern(n int) []byte {
	b := make([]byte, n)
	x := uint32(2463534242)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return b
}
