package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
)

func commitAll(t *testing.T, kv store.KV) {
	b, c := put(t, kv, "b", "1"), put(t, kv, "c", "1")
	revisions := must(kv.Commit(t.Context(), []store.Op{
		{Kind: store.OpCreate, Key: "a", Value: []byte("2")},
		{Kind: store.OpUpdate, Key: "b", Value: []byte("2"), Revision: b},
		{Kind: store.OpDelete, Key: "c", Revision: c},
		{Kind: store.OpPut, Key: "d", Value: []byte("2")},
	}))(t)
	if len(revisions) != 4 || !slices.IsSorted(revisions) || revisions[0] <= c {
		t.Fatalf("revisions %v after %d", revisions, c)
	}
	for i, key := range []string{"a", "b", "", "d"} {
		if key != "" {
			wantRecord(t, kv, store.Record{Key: key, Value: []byte("2"), Revision: revisions[i]})
		}
	}
	_, err := kv.Get(t.Context(), "c")
	wantKind(t, err, hearth.ErrNotFound)
}

func commitNone(t *testing.T, kv store.KV) {
	b := put(t, kv, "b", "1")
	for _, failing := range []struct {
		op   store.Op
		kind error
	}{
		{store.Op{Kind: store.OpCreate, Key: "b"}, hearth.ErrConflict},
		{store.Op{Kind: store.OpUpdate, Key: "b", Revision: b - 1}, hearth.ErrPrecondition},
		{store.Op{Kind: store.OpDelete, Key: "b", Revision: b + 1}, hearth.ErrPrecondition},
		{store.Op{Kind: store.OpUpdate, Key: "c", Revision: 1}, hearth.ErrNotFound},
	} {
		for _, ops := range [][]store.Op{
			{{Kind: store.OpCreate, Key: "a", Value: []byte("2")}, failing.op},
			{failing.op, {Kind: store.OpPut, Key: "a", Value: []byte("2")}},
		} {
			_, err := kv.Commit(t.Context(), ops)
			wantKind(t, err, failing.kind)
		}
	}
	if diff := cmp.Diff([]string{"b"}, list(t, kv, "", "", 0)); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	wantRecord(t, kv, store.Record{Key: "b", Value: []byte("1"), Revision: b})
}

func commitOverDeleted(t *testing.T, kv store.KV) {
	must(kv.Delete(t.Context(), "a", put(t, kv, "a", "1")))(t)
	revisions := must(kv.Commit(t.Context(), []store.Op{
		{Kind: store.OpCreate, Key: "a", Value: []byte("2")}, {Kind: store.OpCreate, Key: "b", Value: []byte("2")},
	}))(t)
	wantRecord(t, kv, store.Record{Key: "a", Value: []byte("2"), Revision: revisions[0]})
}

func commitTwice(t *testing.T, kv store.KV) {
	_, err := kv.Commit(t.Context(), []store.Op{{Kind: store.OpPut, Key: "a"}, {Kind: store.OpPut, Key: "a"}})
	wantKind(t, err, hearth.ErrInvalid)
}

func commitTooMany(t *testing.T, kv store.KV) {
	ops := make([]store.Op, store.MaxOps+1)
	for i := range ops {
		ops[i] = store.Op{Kind: store.OpPut, Key: fmt.Sprint(i)}
	}
	_, err := kv.Commit(t.Context(), ops)
	wantKind(t, err, hearth.ErrInvalid)
	_, err = kv.Commit(t.Context(), nil)
	wantKind(t, err, hearth.ErrInvalid)
	must(kv.Commit(t.Context(), ops[:store.MaxOps]))(t)
}

func commitConcurrent(t *testing.T, kv store.KV) {
	var wins sync.Map
	var group sync.WaitGroup
	for writer := range 12 {
		group.Go(func() {
			value := []byte(fmt.Sprint(writer))
			_, err := kv.Commit(t.Context(), []store.Op{
				{Kind: store.OpCreate, Key: "a", Value: value}, {Kind: store.OpCreate, Key: "b", Value: value},
			})
			if err == nil {
				wins.Store(writer, true)
				return
			}
			wantKind(t, err, hearth.ErrConflict)
		})
	}
	group.Wait()
	won := 0
	wins.Range(func(any, any) bool { won++; return true })
	a, b := must(kv.Get(t.Context(), "a"))(t), must(kv.Get(t.Context(), "b"))(t)
	if won != 1 || string(a.Value) != string(b.Value) {
		t.Errorf("%d commits won; a is of writer %s, b of %s", won, a.Value, b.Value)
	}
}
