package records_test

import (
	"bytes"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store/changes"
	"github.com/hearthd/hearth/store/mem"
	"github.com/hearthd/hearth/store/records"
	"github.com/hearthd/hearth/store/schema"
)

// newer is a record that a later version of hearth wrote.
const newer = `{"Schema":99,"Value":{"Name":{}}}`

// spoiled opens things of which the one at a/r/2 and those of owner's "live" cannot
// be read. log has what is logged.
func spoiled(t *testing.T) (k kept, kv *mem.KV, log *bytes.Buffer) {
	t.Helper()
	kv, log = newKV(t), &bytes.Buffer{}
	for _, key := range []string{"rec/thing/a/r/2", "rec/attached/" + records.FunctionKey(owner, "live")} {
		if _, err := kv.Put(t.Context(), key, []byte(newer)); err != nil {
			t.Fatal(err)
		}
	}
	k.set = records.NewOf(testKinds(), kv, nil, slog.New(slog.NewTextHandler(log, nil)))
	k.things, k.ofFunc = records.Of[thing](k.set, "thing"), records.Of[thing](k.set, "attached")
	if err := k.set.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.set.Close)
	for _, id := range []string{"1", "3"} {
		if err := k.things.Put(t.Context(), "a/r/"+id, &thing{Name: id}); err != nil {
			t.Fatal(err)
		}
	}
	return k, kv, log
}

func wantUnreadable(t *testing.T, what string, err error) {
	t.Helper()
	told, ok := errors.AsType[*hearth.Error](err)
	if !ok || !errors.Is(err, schema.ErrUnreadable) || !errors.Is(err, hearth.ErrConflict) || errors.Is(err, hearth.ErrNotFound) {
		t.Errorf("%s: error %v", what, err)
		return
	}
	if !strings.Contains(told.Message, "it has schema 99, and this version reads up to 1") {
		t.Errorf("%s: the caller is told %q", what, told.Message)
	}
}

func TestUnreadable_Record_IsUnusableAndKept(t *testing.T) {
	k, kv, log := spoiled(t)
	if got := log.String(); !strings.Contains(got, "rec/thing/a/r/2") || !strings.Contains(got, "schema 99") {
		t.Errorf("logged: %s", got)
	}
	const key = "a/r/2"
	if k.things.Lookup(key) != nil {
		t.Error("Lookup finds it")
	}
	_, err := k.things.Find(key)
	wantUnreadable(t, "Find", err)
	_, err = k.things.Get(t.Context(), key)
	wantUnreadable(t, "Get", err)
	wantUnreadable(t, "Put", k.things.Put(t.Context(), key, &thing{}))
	if err := k.things.Create(t.Context(), key, &thing{}); !errors.Is(err, hearth.ErrConflict) {
		t.Errorf("Create: %v", err)
	}
	calls := 0
	change := func(*thing, bool) error { calls++; return nil }
	_, err = k.things.Modify(t.Context(), key, change)
	wantUnreadable(t, "Modify", err)
	_, err = k.things.Update(t.Context(), key, func(*thing) error { calls++; return nil })
	wantUnreadable(t, "Update", err)
	_, err = k.things.Delete(t.Context(), key, func(*thing) error { calls++; return nil })
	wantUnreadable(t, "Delete with a check", err)
	if calls != 0 {
		t.Errorf("%d calls with what cannot be read", calls)
	}
	if r, err := kv.Get(t.Context(), "rec/thing/a/r/2"); err != nil || string(r.Value) != newer {
		t.Errorf("it is stored as %s, error %v", r.Value, err)
	}
}

func TestUnreadable_InLists_IsLeftOutAndLogged(t *testing.T) {
	k, _, log := spoiled(t)
	log.Reset()
	for limit := range 4 { // 0 is all
		var got []string
		after, more := "", true
		for more {
			var page []records.Item[thing]
			var err error
			if page, more, err = k.things.List(t.Context(), "a/r/", after, limit); err != nil {
				t.Fatal(err)
			}
			if more && len(page) != limit {
				t.Errorf("a page of %d records, and there are more than the limit of %d", len(page), limit)
			}
			for _, item := range page {
				got, after = append(got, item.Value.Name), item.Key
			}
		}
		if diff := cmp.Diff([]string{"1", "3"}, got); diff != "" {
			t.Errorf("by %d (-want +got):\n%s", limit, diff)
		}
	}
	if !strings.Contains(log.String(), "rec/thing/a/r/2") {
		t.Errorf("logged: %s", log)
	}
	if n := len(k.things.All("")); n != 2 {
		t.Errorf("All has %d records", n)
	}
	_, err := k.things.ListStrict(t.Context(), "a/r/")
	wantUnreadable(t, "ListStrict", err)
	all, err := k.things.ListStrict(t.Context(), "a/r/3")
	if err != nil || len(all) != 1 || all[0].Key != "a/r/3" {
		t.Errorf("ListStrict of those that can be read = %v, error %v", all, err)
	}
}

func TestUnreadable_Record_CanBeDeletedUnseen(t *testing.T) {
	k, _, _ := spoiled(t)
	v, err := k.things.Delete(t.Context(), "a/r/2", nil)
	if v != nil || err != nil {
		t.Errorf("Delete = %v, error %v", v, err)
	}
	if err := k.things.Create(t.Context(), "a/r/2", &thing{}); err != nil {
		t.Errorf("Create where it was: %v", err)
	}
	view := records.ByFunction[thing]{Collection: k.ofFunc}
	if err := view.Delete(t.Context(), owner, "live"); err != nil {
		t.Errorf("of a function: %v", err)
	}
	if v, err := k.ofFunc.Find(records.FunctionKey(owner, "live")); v != nil || err != nil {
		t.Errorf("Find = %v, error %v", v, err)
	}
}

func TestUnreadable_OfAFunction_GoesWithIt(t *testing.T) {
	k, kv, _ := spoiled(t)
	if err := k.set.DeleteFunction(t.Context(), owner, ""); err != nil {
		t.Fatal(err)
	}
	if left, err := kv.List(t.Context(), "rec/attached/", "", 0); err != nil || len(left) != 0 {
		t.Errorf("%v are left, error %v", left, err)
	}
}

func TestUnreadable_IsAmongWhatThereIs(t *testing.T) {
	k, kv, _ := spoiled(t)
	k.set.Close()
	var feed changes.Feed
	l := &listener{}
	feed.Subscribe(l)
	open(t, kv, &feed)
	var told []string
	for _, c := range l.told {
		told = append(told, string(c.Kind)+" "+c.ID+c.Qualifier)
	}
	less := func(a, b string) bool { return a < b }
	if diff := cmp.Diff([]string{"attached live", "thing 1", "thing 2", "thing 3"}, told, cmpopts.SortSlices(less)); diff != "" {
		t.Errorf("told of (-want +got):\n%s", diff)
	}
}

// Things one schema on: what was Name is all capitals.
func TestMigration_OlderRecord_IsReadAndWrittenInTheNewForm(t *testing.T) {
	kv := newKV(t)
	if err := open(t, kv, nil).things.Put(t.Context(), "a/r/x", &thing{Name: "x"}); err != nil {
		t.Fatal(err)
	}
	kinds := testKinds()
	kinds[0].Schema = 2
	kinds[0].Migrations = []schema.Migration{func(value []byte) ([]byte, error) {
		return bytes.Replace(value, []byte(`"x"`), []byte(`"X"`), 1), nil
	}}
	set := records.NewOf(kinds, kv, nil, nil)
	things := records.Of[thing](set, "thing")
	if err := set.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if got := things.Lookup("a/r/x"); got == nil || got.Name != "X" {
		t.Errorf("Lookup = %+v", got)
	}
	stored := func() string {
		r, err := kv.Get(t.Context(), "rec/thing/a/r/x")
		if err != nil {
			t.Fatal(err)
		}
		return string(r.Value)
	}
	if got := stored(); got != `{"Schema":1,"Value":{"Name":"x","Count":0}}` {
		t.Errorf("reading it has stored %s", got)
	}
	if _, err := things.Update(t.Context(), "a/r/x", func(v *thing) error { v.Count++; return nil }); err != nil {
		t.Fatal(err)
	}
	if got := stored(); got != `{"Schema":2,"Value":{"Name":"X","Count":1}}` {
		t.Errorf("writing it has stored %s", got)
	}
}

func TestOf_KindThatIsNotInTheList_Panics(t *testing.T) {
	set := records.New(newKV(t), nil, nil)
	for what, add := range map[string]func(){
		"unknown kind":  func() { records.Of[thing](set, "thing") },
		"another value": func() { records.Of[thing](set, hearth.KindFunctionURL) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", what)
				}
			}()
			add()
		}()
	}
	records.Of[thing](set, hearth.KindFunctionPolicy) // its type is another stage's
}

func TestOpen_RecordOfAnUnknownKind_IsSkippedAndLogged(t *testing.T) {
	kv := newKV(t)
	for _, key := range []string{"rec/later/a/r/x", "rec/thing"} {
		if _, err := kv.Put(t.Context(), key, []byte(newer)); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	set := records.NewOf([]schema.Kind{{Name: "thing", Schema: 1, Form: reflect.TypeFor[thing]()}}, kv, nil, slog.New(slog.NewTextHandler(&log, nil)))
	records.Of[thing](set, "thing")
	if err := set.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	set.Close()
	if got := log.String(); !strings.Contains(got, "rec/later/a/r/x") || !strings.Contains(got, "of no kind") {
		t.Errorf("logged: %s", got)
	}
	for range set.Changes() {
		t.Error("it is among what there is")
	}
}
