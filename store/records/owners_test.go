package records_test

import (
	"context"
	"errors"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/mem"
	"github.com/hearthd/hearth/store/records"
)

var owner = hearth.Name{Account: "1", Region: "eu", Function: "f"}

// owners makes a func records.Owners.
type owners func(name hearth.Name, qualifier string) error

func (o owners) Exists(name hearth.Name, qualifier string) error { return o(name, qualifier) }

// owned opens records whose functions and qualifiers exist as long as exists
// says so.
func owned(t *testing.T, exists func(name hearth.Name, qualifier string) error) *records.Collection[thing] {
	t.Helper()
	set := records.NewOf(testKinds(), newKV(t), nil, nil)
	set.Owners(owners(exists))
	things := records.Of[thing](set, "attached")
	if err := set.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	return things
}

func TestOwners_WriteForOneThatIsGone_LeavesNothing(t *testing.T) {
	gone := hearth.Errorf(hearth.ErrNotFound, "Function not found")
	var name hearth.Name
	var qualifier string
	things := owned(t, func(n hearth.Name, q string) error { name, qualifier = n, q; return gone })
	for _, q := range []string{"", "live"} {
		key := records.FunctionKey(owner, q)
		for what, err := range map[string]error{
			"Put":    things.Put(t.Context(), key, &thing{}),
			"Create": things.Create(t.Context(), key, &thing{}),
		} {
			if !errors.Is(err, gone) {
				t.Errorf("%s of %q: error %v, want that of the owner", what, q, err)
			}
		}
		if name != owner || qualifier != q {
			t.Errorf("asked for %v and %q, want %v and %q", name, qualifier, owner, q)
		}
		if _, err := things.Get(t.Context(), key); !errors.Is(err, hearth.ErrNotFound) || things.Lookup(key) != nil {
			t.Errorf("the record of %q is there: %v", q, err)
		}
	}
}

func TestOwners_WriteForOneThatIsThere_Stays(t *testing.T) {
	things := owned(t, func(hearth.Name, string) error { return nil })
	key := records.FunctionKey(owner, "")
	if err := things.Put(t.Context(), key, &thing{Name: "x"}); err != nil || things.Lookup(key) == nil {
		t.Errorf("Put: error %v, record %v", err, things.Lookup(key))
	}
}

// busyKV has somebody write to a key between the listing and the deletion of it.
type busyKV struct{ *mem.KV }

func (b busyKV) List(ctx context.Context, prefix, after string, limit int) ([]store.Record, error) {
	listed, err := b.KV.List(ctx, prefix, after, limit)
	for _, r := range listed {
		if _, err := b.Put(ctx, r.Key, r.Value); err != nil {
			return nil, err
		}
	}
	return listed, err
}

func TestDeleteFunction_WhileARecordIsWritten_LeavesItToTheWriter(t *testing.T) {
	set := records.NewOf(testKinds(), busyKV{newKV(t)}, nil, nil)
	things := records.Of[thing](set, "attached")
	if err := set.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	if err := things.Put(t.Context(), records.FunctionKey(owner, ""), &thing{}); err != nil {
		t.Fatal(err)
	}
	if err := set.DeleteFunction(t.Context(), owner, ""); err != nil {
		t.Errorf("error %v, want none", err)
	}
}
