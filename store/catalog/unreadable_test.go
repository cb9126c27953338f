package catalog_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/catalog"
	"github.com/hearthd/hearth/store/mem"
	"github.com/hearthd/hearth/store/schema"
)

// newer is a record that a later version of hearth wrote.
const newer = `{"Schema":99,"Function":{"Name":"of another form"},"Alias":{}}`

// keyOf is the store's key of a version or an alias of f.
func keyOf(qualifier string) string {
	const in = "123456789012/eu-west-1/f"
	switch n, number := hearth.VersionNumber(qualifier); {
	case qualifier == hearth.Latest:
		return "fn/latest/" + in
	case number:
		return fmt.Sprintf("fn/version/%s/%010d", in, n)
	case qualifier == hearth.LatestPublished:
		return "fn/version/" + in + "/" + qualifier
	}
	return "fn/alias/" + in + "/" + qualifier
}

// spoiled opens a catalog that cannot read some records of f, which has the
// versions 1, 2 and 3 and the alias "live" to 1. log has what it logs.
func spoiled(t *testing.T, qualifiers ...string) (c *catalog.Catalog, kv *mem.KV, log *bytes.Buffer) {
	t.Helper()
	kv = mem.NewKV()
	t.Cleanup(func() { _ = kv.Close() })
	whole := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	publish(t, whole, "f", 3)
	createAlias(t, whole, alias("live", "1"))
	whole.Close()
	for _, qualifier := range qualifiers {
		if _, err := kv.Put(t.Context(), keyOf(qualifier), []byte(newer)); err != nil {
			t.Fatal(err)
		}
	}
	log = &bytes.Buffer{}
	c = open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs(), Grace: -1, Logger: slog.New(slog.NewTextHandler(log, nil))})
	return c, kv, log
}

// wantUnreadable fails unless an error is a caller's that says what is the matter.
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

func wantStored(t *testing.T, kv *mem.KV, qualifier string) {
	t.Helper()
	if r, err := kv.Get(t.Context(), keyOf(qualifier)); err != nil || string(r.Value) != newer {
		t.Errorf("%s is stored as %s, error %v", qualifier, r.Value, err)
	}
}

func TestUnreadable_Version_IsUnusableAloneAndKept(t *testing.T) {
	c, kv, log := spoiled(t, "2")
	_, err := c.Lookup(nameOf("f"), "2")
	wantUnreadable(t, "Lookup", err)
	_, _, err = c.Get(t.Context(), nameOf("f"), "2")
	wantUnreadable(t, "Get", err)
	_, err = c.Modify(t.Context(), nameOf("f"), "2", func(*hearth.Function) error { return nil })
	wantUnreadable(t, "Modify", err)
	wantUnreadable(t, "CreateAlias", c.CreateAlias(t.Context(), alias("to-it", "2")))
	for _, version := range []string{hearth.Latest, "1", "3"} {
		if _, err := c.Lookup(nameOf("f"), version); err != nil {
			t.Errorf("Lookup of %s: %v", version, err)
		}
	}
	if n := len(c.All()); n != 3 {
		t.Errorf("All has %d versions, want 3", n)
	}
	if got := log.String(); !strings.Contains(got, keyOf("2")) || !strings.Contains(got, "schema 99") {
		t.Errorf("logged: %s", got)
	}
	wantStored(t, kv, "2")
}

func TestUnreadable_Alias_IsUnusableAloneAndKept(t *testing.T) {
	c, kv, _ := spoiled(t, "live")
	_, err := c.LookupAlias(nameOf("f"), "live")
	wantUnreadable(t, "LookupAlias", err)
	_, err = c.GetAlias(t.Context(), nameOf("f"), "live")
	wantUnreadable(t, "GetAlias", err)
	_, err = c.UpdateAlias(t.Context(), nameOf("f"), "live", func(*hearth.Alias) error { return nil })
	wantUnreadable(t, "UpdateAlias", err)
	wantText(t, c.CreateAlias(t.Context(), alias("live", "1")), hearth.ErrConflict,
		"Alias already exists: arn:aws:lambda:eu-west-1:123456789012:function:f:live")
	_, err = c.Lookup(nameOf("f"), "live")
	wantKind(t, err, hearth.ErrNotFound) // it is no version
	createAlias(t, c, alias("other", "1"))
	page, _, err := c.ListAliases(t.Context(), nameOf("f"), "", "", 0)
	if err != nil || len(page) != 1 || page[0].Name != "other" {
		t.Errorf("ListAliases = %v, error %v", page, err)
	}
	wantStored(t, kv, "live")
}

func TestUnreadable_Latest_NameStaysTaken(t *testing.T) {
	c, kv, _ := spoiled(t, hearth.Latest)
	_, err := c.Lookup(nameOf("f"), "")
	wantUnreadable(t, "Lookup", err)
	_, err = c.LookupAlias(nameOf("f"), hearth.Latest)
	wantKind(t, err, hearth.ErrNotFound) // it is no alias
	_, err = c.Create(t.Context(), function("f"))
	wantText(t, err, hearth.ErrConflict, "Function already exist: f")
	wantStored(t, kv, hearth.Latest)
}

func TestUnreadable_LatestPublished_IsNotReplaced(t *testing.T) {
	c, kv, _ := spoiled(t, hearth.LatestPublished)
	latest, revision, err := c.Get(t.Context(), nameOf("f"), "")
	if err != nil {
		t.Fatal(err)
	}
	version := *latest
	version.Version = hearth.LatestPublished
	_, err = c.Publish(t.Context(), &version, latest, revision)
	wantUnreadable(t, "Publish", err)
	wantStored(t, kv, hearth.LatestPublished)
}

func TestUnreadable_Lists_LeaveItOutAndLogIt(t *testing.T) {
	c, _, log := spoiled(t, "2", "live")
	create(t, c, function("e"))
	create(t, c, function("g"))
	log.Reset()
	for limit := range 4 { // 0 is all
		var got []string
		for marker, first := "", true; first || marker != ""; first = false {
			page, next, err := c.ListVersions(t.Context(), nameOf("f"), marker, limit)
			if err != nil {
				t.Fatal(err)
			}
			got, marker = append(got, numbers(page)...), next
		}
		if diff := cmp.Diff([]string{"f:$LATEST", "f:1", "f:3"}, got); diff != "" {
			t.Errorf("ListVersions by %d (-want +got):\n%s", limit, diff)
		}
		got = nil
		for marker, first := "", true; first || marker != ""; first = false {
			page, next, err := c.ListAll(t.Context(), "123456789012", "eu-west-1", marker, limit)
			if err != nil {
				t.Fatal(err)
			}
			got, marker = append(got, numbers(page)...), next
		}
		if diff := cmp.Diff([]string{"e:$LATEST", "f:$LATEST", "f:1", "f:3", "g:$LATEST"}, got); diff != "" {
			t.Errorf("ListAll by %d (-want +got):\n%s", limit, diff)
		}
	}
	if !strings.Contains(log.String(), keyOf("2")) {
		t.Errorf("logged: %s", log)
	}
}

func TestUnreadable_LatestInLists_IsLeftOutAndTheRestIsThere(t *testing.T) {
	c, _, _ := spoiled(t, hearth.Latest)
	create(t, c, function("e"))
	create(t, c, function("g"))
	for limit := range 3 {
		var got []string
		for marker, first := "", true; first || marker != ""; first = false {
			page, next, err := c.List(t.Context(), "123456789012", "eu-west-1", marker, limit)
			if err != nil {
				t.Fatal(err)
			}
			got, marker = append(got, numbers(page)...), next
		}
		if diff := cmp.Diff([]string{"e:$LATEST", "g:$LATEST"}, got); diff != "" {
			t.Errorf("List by %d (-want +got):\n%s", limit, diff)
		}
	}
	page, _, err := c.ListVersions(t.Context(), nameOf("f"), "", 0)
	if diff := cmp.Diff([]string{"f:1", "f:2", "f:3"}, numbers(page)); err != nil || diff != "" {
		t.Errorf("ListVersions: error %v (-want +got):\n%s", err, diff)
	}
	aliases, _, err := c.ListAliases(t.Context(), nameOf("f"), "", "", 0)
	if err != nil || len(aliases) != 1 {
		t.Errorf("ListAliases = %v, error %v", aliases, err)
	}
}

func TestUnreadable_Function_CanBeDeleted(t *testing.T) {
	c, kv, _ := spoiled(t, hearth.Latest, "1", "live")
	if _, err := kv.Put(t.Context(), "fn/version/123456789012/eu-west-1/f/no number", []byte("{")); err != nil {
		t.Fatal(err)
	}
	if err := c.Delete(t.Context(), nameOf("f")); err != nil {
		t.Fatal(err)
	}
	if left, err := kv.List(t.Context(), "", "", 0); err != nil || len(left) != 0 {
		t.Errorf("%v are left, error %v", left, err)
	}
	for _, qualifier := range []string{"", "1"} {
		_, err := c.Lookup(nameOf("f"), qualifier)
		wantKind(t, err, hearth.ErrNotFound)
	}
	create(t, c, function("f"))
}

func TestUnreadable_Version_CanBeDeletedOnceNoAliasMayPointToIt(t *testing.T) {
	c, kv, _ := spoiled(t, "2", "live")
	wantText(t, c.DeleteVersion(t.Context(), nameOf("f"), "2"), hearth.ErrConflict,
		"Unable to delete version because the stored form of the alias live cannot be read by this version of hearth, and may reference it. Delete the alias first.")
	if err := c.DeleteAlias(t.Context(), nameOf("f"), "live"); err != nil {
		t.Errorf("DeleteAlias: %v", err)
	}
	if err := c.DeleteVersion(t.Context(), nameOf("f"), "2"); err != nil {
		t.Errorf("DeleteVersion: %v", err)
	}
	_, err := c.Lookup(nameOf("f"), "2")
	wantKind(t, err, hearth.ErrNotFound)
	if _, err := kv.Get(t.Context(), keyOf("2")); !errors.Is(err, hearth.ErrNotFound) {
		t.Errorf("the record: error %v", err)
	}
}

func TestUnreadable_WhileSweeping_NothingIsRemovedAndTheLogSaysWhy(t *testing.T) {
	c, _, log := spoiled(t, "2")
	putCode(t, c, "perhaps referred to")()
	log.Reset()
	removed, err := c.Sweep(t.Context())
	wantUnreadable(t, "Sweep", err)
	if removed != 0 || !strings.Contains(log.String(), "no code is removed") || !strings.Contains(log.String(), keyOf("2")) {
		t.Errorf("removed %d, logged: %s", removed, log)
	}
}

func TestUnreadable_RecordOfAnotherKey_IsSaidToBeThat(t *testing.T) {
	c, kv, _ := spoiled(t)
	stored, err := kv.Get(t.Context(), keyOf("1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Put(t.Context(), keyOf("2"), stored.Value); err != nil {
		t.Fatal(err)
	}
	_, _, err = c.Get(t.Context(), nameOf("f"), "2")
	if !errors.Is(err, schema.ErrUnreadable) || !strings.Contains(err.Error(), "it is that of "+keyOf("1")) {
		t.Errorf("error %v", err)
	}
}

func TestUnreadable_WhileRunning_IsAChangeAndNoDeletion(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		calls := newListener()
		c := open(t, catalog.Options{KV: kv, Blobs: blobs, Changes: calls.feed})
		create(t, c, function("f"))
		calls.wait(t, "f")
		if _, err := kv.Put(t.Context(), keyOf(hearth.Latest), []byte(newer)); err != nil {
			t.Fatal(err)
		}
		calls.wait(t, "f")
		_, err := c.Lookup(nameOf("f"), "")
		wantUnreadable(t, "Lookup", err)
		late := newListener()
		c2 := open(t, catalog.Options{KV: kv, Blobs: blobs, Changes: late.feed})
		if n := late.count("f"); n != 1 {
			t.Errorf("who comes later is told %d times that there is something", n)
		}
		if err := c2.Delete(t.Context(), nameOf("f")); err != nil {
			t.Fatal(err)
		}
		calls.wait(t, "f")
		_, err = c.Lookup(nameOf("f"), "")
		wantKind(t, err, hearth.ErrNotFound)
	})
}

// A form of functions that is one schema on: what was Handler is called Entry.
func TestMigration_OlderRecord_IsReadAndWrittenInTheNewForm(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	blobs := mem.NewBlobs()
	create(t, open(t, catalog.Options{KV: kv, Blobs: blobs}), function("f"))
	form, _ := schema.Of(hearth.KindFunction)
	aliases, _ := schema.Of(hearth.KindAlias)
	form.Schema = 2
	form.Migrations = []schema.Migration{func(value []byte) ([]byte, error) {
		return bytes.Replace(value, []byte(`"Handler":"app.handler"`), []byte(`"Handler":"migrated"`), 1), nil
	}}
	c, err := catalog.OpenWith(t.Context(), catalog.Options{KV: kv, Blobs: blobs}, form, aliases)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if f, err := c.Lookup(nameOf("f"), ""); err != nil || f.Handler != "migrated" {
		t.Errorf("Lookup = %+v, error %v", f, err)
	}
	if stored, err := kv.Get(t.Context(), keyOf(hearth.Latest)); err != nil || !bytes.HasPrefix(stored.Value, []byte(`{"Schema":1,`)) {
		t.Errorf("reading it has stored %s, error %v", stored.Value, err)
	}
	if _, err := c.Modify(t.Context(), nameOf("f"), "", func(*hearth.Function) error { return nil }); err != nil {
		t.Fatal(err)
	}
	stored, err := kv.Get(t.Context(), keyOf(hearth.Latest))
	if err != nil || !bytes.HasPrefix(stored.Value, []byte(`{"Schema":2,`)) || !bytes.Contains(stored.Value, []byte("migrated")) {
		t.Errorf("writing it has stored %s, error %v", stored.Value, err)
	}
}
