package catalog_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/catalog"
	"github.com/hearthd/hearth/store/mem"
)

func TestModify_ManyAtOnce_LosesNothing(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		f := function("f")
		f.MemorySize = 0
		create(t, c, f)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, err := c.Modify(t.Context(), f.Name, "", func(f *hearth.Function) error { f.MemorySize++; return nil }); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got, err := c.Lookup(f.Name, ""); err != nil || got.MemorySize != 4 {
			t.Errorf("Lookup = %+v, error %v", got, err)
		}
	})
}

func TestModify_ChangeRefuses_StoresNothingAndIsNotTriedAgain(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	create(t, c, function("f"))
	refusal := hearth.Errorf(hearth.ErrConflict, "no")
	calls := 0
	_, err := c.Modify(t.Context(), nameOf("f"), "", func(f *hearth.Function) error {
		calls++
		f.MemorySize = 1
		return refusal
	})
	if !errors.Is(err, refusal) || calls != 1 {
		t.Errorf("error %v after %d calls", err, calls)
	}
	if f, err := c.Lookup(nameOf("f"), ""); err != nil || f.MemorySize == 1 {
		t.Errorf("Lookup = %+v, error %v", f, err)
	}
}

func TestModify_Missing_IsNotFound(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	_, err := c.Modify(t.Context(), nameOf("f"), "3", func(*hearth.Function) error { return nil })
	wantText(t, err, hearth.ErrNotFound, "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:f:3")
}

// neverAtRest is a KV on which somebody is always faster.
type neverAtRest struct{ store.KV }

func (kv neverAtRest) Update(context.Context, string, []byte, uint64) (uint64, error) {
	return 0, hearth.ErrPrecondition
}

func TestModify_NeverAtRest_GivesUpInAWSWords(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	c := open(t, catalog.Options{KV: neverAtRest{kv}, Blobs: mem.NewBlobs()})
	create(t, c, function("f"))
	calls := 0
	_, err := c.Modify(t.Context(), nameOf("f"), "", func(*hearth.Function) error { calls++; return nil })
	wantText(t, err, hearth.ErrConflict, "The function could not be updated due to a concurrent update operation.")
	if calls < 2 {
		t.Errorf("tried %d times", calls)
	}
}
