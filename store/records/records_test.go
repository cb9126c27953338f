package records_test

import (
	"errors"
	"reflect"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store/changes"
	"github.com/hearthd/hearth/store/mem"
	"github.com/hearthd/hearth/store/records"
	"github.com/hearthd/hearth/store/schema"
)

type thing struct {
	Name  string
	Count int
}

// testKinds are things, on their own and of functions.
func testKinds() []schema.Kind {
	return []schema.Kind{
		{Name: "thing", Schema: 1, Form: reflect.TypeFor[thing]()},
		{Name: "attached", Schema: 1, Form: reflect.TypeFor[thing](), OfFunction: true},
	}
}

type kept struct {
	set    *records.Set
	things *records.Collection[thing]
	ofFunc *records.Collection[thing]
}

func open(t *testing.T, kv *mem.KV, feed *changes.Feed) kept {
	t.Helper()
	k := kept{set: records.NewOf(testKinds(), kv, feed, nil)}
	k.things = records.Of[thing](k.set, "thing")
	k.ofFunc = records.Of[thing](k.set, "attached")
	if err := k.set.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.set.Close)
	return k
}

func newKV(t *testing.T) *mem.KV {
	t.Helper()
	kv := mem.NewKV()
	t.Cleanup(func() { _ = kv.Close() })
	return kv
}

func TestCreate_Twice_IsConflict(t *testing.T) {
	k := open(t, newKV(t), nil)
	if err := k.things.Create(t.Context(), "a/r/x", &thing{Name: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := k.things.Create(t.Context(), "a/r/x", &thing{Name: "y"}); !errors.Is(err, hearth.ErrConflict) {
		t.Errorf("error %v, want a conflict", err)
	}
	if got := k.things.Lookup("a/r/x"); got == nil || got.Name != "x" {
		t.Errorf("Lookup = %+v", got)
	}
}

func TestLookup_AfterReopening_ShowsWhatWasWritten(t *testing.T) {
	kv := newKV(t)
	key := records.Key("1", "eu", "a/b:c")
	if err := open(t, kv, nil).things.Put(t.Context(), key, &thing{Name: "x", Count: 3}); err != nil {
		t.Fatal(err)
	}
	again := open(t, kv, nil)
	if diff := cmp.Diff(&thing{Name: "x", Count: 3}, again.things.Lookup(key)); diff != "" {
		t.Error(diff)
	}
	if got := again.things.Lookup(records.Key("1", "eu", "a")); got != nil {
		t.Errorf("Lookup of another key = %+v", got)
	}
}

func TestParts_OfKey_GivesThemBack(t *testing.T) {
	want := []string{"1", "eu", "a/b:c%2F", ""}
	if diff := cmp.Diff(want, records.Parts(records.Key(want...))); diff != "" {
		t.Error(diff)
	}
}

func TestLookup_CallerGoesOnWithItsValue_IsNotAffected(t *testing.T) {
	k := open(t, newKV(t), nil)
	v := &thing{Name: "x"}
	if err := k.things.Put(t.Context(), "a/r/x", v); err != nil {
		t.Fatal(err)
	}
	v.Name = "changed"
	if got := k.things.Lookup("a/r/x"); got.Name != "x" {
		t.Errorf("Lookup = %+v", got)
	}
}

func TestUpdate_Concurrent_LosesNothing(t *testing.T) {
	k := open(t, newKV(t), nil)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			_, err := k.things.Modify(t.Context(), "a/r/x", func(v *thing, _ bool) error {
				v.Count++
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got, err := k.things.Get(t.Context(), "a/r/x"); err != nil || got.Count != 5 {
		t.Errorf("Get = %+v, error %v, want a count of 5", got, err)
	}
}

func TestUpdate_OfMissing_IsNotFound(t *testing.T) {
	k := open(t, newKV(t), nil)
	_, err := k.things.Update(t.Context(), "a/r/x", func(*thing) error { return nil })
	if !errors.Is(err, hearth.ErrNotFound) {
		t.Errorf("error %v", err)
	}
}

func TestUpdate_ChangeRefuses_StoresNothing(t *testing.T) {
	k := open(t, newKV(t), nil)
	if err := k.things.Put(t.Context(), "a/r/x", &thing{Name: "x"}); err != nil {
		t.Fatal(err)
	}
	// An error of the caller's is final, even one that looks like a race.
	refusal := hearth.Errorf(hearth.ErrPrecondition, "no")
	calls := 0
	_, err := k.things.Update(t.Context(), "a/r/x", func(v *thing) error {
		calls++
		v.Name = "y"
		return refusal
	})
	if !errors.Is(err, refusal) || calls != 1 {
		t.Errorf("error %v after %d calls", err, calls)
	}
	if got := k.things.Lookup("a/r/x"); got.Name != "x" {
		t.Errorf("Lookup = %+v", got)
	}
}

func TestDelete_CheckRefuses_KeepsIt(t *testing.T) {
	k := open(t, newKV(t), nil)
	if err := k.things.Put(t.Context(), "a/r/x", &thing{Name: "x"}); err != nil {
		t.Fatal(err)
	}
	refusal := errors.New("in use")
	if _, err := k.things.Delete(t.Context(), "a/r/x", func(*thing) error { return refusal }); !errors.Is(err, refusal) {
		t.Errorf("error %v", err)
	}
	old, err := k.things.Delete(t.Context(), "a/r/x", nil)
	if err != nil || old.Name != "x" || k.things.Lookup("a/r/x") != nil {
		t.Errorf("Delete = %+v, error %v; Lookup = %+v", old, err, k.things.Lookup("a/r/x"))
	}
	if _, err := k.things.Delete(t.Context(), "a/r/x", nil); !errors.Is(err, hearth.ErrNotFound) {
		t.Errorf("second Delete: %v", err)
	}
}

func TestList_Pages_CoverEverythingOnce(t *testing.T) {
	k := open(t, newKV(t), nil)
	for i := range 7 {
		if err := k.things.Put(t.Context(), "a/r/"+strconv.Itoa(i), &thing{Count: i}); err != nil {
			t.Fatal(err)
		}
	}
	var got []int
	after, more := "", true
	for more {
		var page []records.Item[thing]
		var err error
		if page, more, err = k.things.List(t.Context(), "a/r/", after, 3); err != nil {
			t.Fatal(err)
		}
		for _, item := range page {
			got = append(got, item.Value.Count)
			after = item.Key
		}
	}
	if diff := cmp.Diff([]int{0, 1, 2, 3, 4, 5, 6}, got); diff != "" {
		t.Error(diff)
	}
	if n := len(k.things.All("a/r/")); n != 7 {
		t.Errorf("All has %d records, want 7", n)
	}
}

func TestDeleteFunction_RemovesItsRecordsAlone(t *testing.T) {
	k := open(t, newKV(t), nil)
	f := hearth.Name{Account: "1", Region: "eu", Function: "f"}
	longer := hearth.Name{Account: "1", Region: "eu", Function: "f2"}
	for _, key := range []string{
		records.FunctionKey(f, ""), records.FunctionKey(f, "1"), records.FunctionKey(f, "live"), records.FunctionKey(longer, ""),
	} {
		if err := k.ofFunc.Put(t.Context(), key, &thing{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.things.Put(t.Context(), records.FunctionKey(f, ""), &thing{}); err != nil {
		t.Fatal(err)
	}
	if err := k.set.DeleteFunction(t.Context(), f, "1"); err != nil {
		t.Fatal(err)
	}
	if k.ofFunc.Lookup(records.FunctionKey(f, "1")) != nil || k.ofFunc.Lookup(records.FunctionKey(f, "live")) == nil {
		t.Error("deleting a version's records deleted others, or not them")
	}
	if err := k.set.DeleteFunction(t.Context(), f, ""); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, item := range k.ofFunc.All("") {
		left = append(left, item.Key)
	}
	if diff := cmp.Diff([]string{records.FunctionKey(longer, "")}, left); diff != "" {
		t.Error(diff)
	}
	if k.things.Lookup(records.FunctionKey(f, "")) == nil {
		t.Error("a record that belongs to no function is gone")
	}
}

// listener keeps what it is told.
type listener struct {
	mu   sync.Mutex
	told []hearth.Change
	on   func(hearth.Change)
}

func (l *listener) Changed(c hearth.Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, c)
	if l.on != nil {
		l.on(c)
	}
}

func TestChanges_OwnWrite_IsToldBeforeItReturnsAndLookupShowsIt(t *testing.T) {
	var feed changes.Feed
	k := open(t, newKV(t), &feed)
	l := &listener{on: func(hearth.Change) {
		if k.things.Lookup("a/r/x") == nil {
			t.Error("told before Lookup shows it")
		}
	}}
	feed.Subscribe(l)
	if err := k.things.Put(t.Context(), "a/r/x", &thing{}); err != nil {
		t.Fatal(err)
	}
	want := []hearth.Change{{Kind: "thing", Function: hearth.Name{Account: "a", Region: "r"}, ID: "x"}}
	if diff := cmp.Diff(want, l.told); diff != "" {
		t.Error(diff)
	}
}

func TestChanges_OfFunctions_NameFunctionAndQualifier(t *testing.T) {
	var feed changes.Feed
	k := open(t, newKV(t), &feed)
	l := &listener{}
	feed.Subscribe(l)
	for _, qualifier := range []string{"", "li ve"} {
		if err := k.ofFunc.Put(t.Context(), records.FunctionKey(owner, qualifier), &thing{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.set.DeleteFunction(t.Context(), owner, "li ve"); err != nil {
		t.Fatal(err)
	}
	want := []hearth.Change{
		{Kind: "attached", Function: owner},
		{Kind: "attached", Function: owner, Qualifier: "li ve"},
		{Kind: "attached", Function: owner, Qualifier: "li ve"},
	}
	if diff := cmp.Diff(want, l.told); diff != "" {
		t.Error(diff)
	}
}

func TestSubscribe_Late_IsToldOfWhatThereIs(t *testing.T) {
	kv := newKV(t)
	k := open(t, kv, nil)
	if err := k.things.Put(t.Context(), records.Key("a", "r", "layer", "3"), &thing{}); err != nil {
		t.Fatal(err)
	}
	var feed changes.Feed
	early, late := &listener{}, &listener{}
	feed.Subscribe(early)
	open(t, kv, &feed)
	feed.Subscribe(late)
	want := []hearth.Change{{Kind: "thing", Function: hearth.Name{Account: "a", Region: "r"}, ID: "layer/3"}}
	for what, l := range map[string]*listener{"early": early, "late": late} {
		if diff := cmp.Diff(want, l.told); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}

func TestDeleteAlias_TakesAllButWhatOutlivesIt(t *testing.T) {
	set := records.New(newKV(t), nil, nil)
	url := records.NewByFunction[hearth.FunctionURL](set, hearth.KindFunctionURL)
	config := records.NewByFunction[hearth.EventInvokeConfig](set, hearth.KindEventInvokeConfig)
	if err := set.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	for _, qualifier := range []string{"live", "other"} {
		err := errors.Join(url.Put(t.Context(), owner, qualifier, &hearth.FunctionURL{}), config.Put(t.Context(), owner, qualifier, &hearth.EventInvokeConfig{}))
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := set.DeleteAlias(t.Context(), owner, "live"); err != nil {
		t.Fatal(err)
	}
	if url.Lookup(owner, "live") == nil {
		t.Error("the alias has taken its URL along")
	}
	if config.Lookup(owner, "live") != nil {
		t.Error("the alias has left its event invoke config behind")
	}
	if config.Lookup(owner, "other") == nil {
		t.Error("the alias has taken the config of another one along")
	}
}
