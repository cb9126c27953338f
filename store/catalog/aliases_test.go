package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/catalog"
	"github.com/hearthd/hearth/store/mem"
)

const liveARN = "arn:aws:lambda:eu-west-1:123456789012:function:f:live"

func alias(name, version string) *hearth.Alias {
	return &hearth.Alias{Function: nameOf("f"), Name: name, Description: "d", Version: version, RevisionID: "r-" + name}
}

func createAlias(t *testing.T, c *catalog.Catalog, a *hearth.Alias) {
	t.Helper()
	if err := c.CreateAlias(t.Context(), a); err != nil {
		t.Fatal(err)
	}
}

// move points an alias to another version.
func move(t *testing.T, c *catalog.Catalog, version string) (*hearth.Alias, error) {
	t.Helper()
	return c.UpdateAlias(t.Context(), nameOf("f"), "live", func(a *hearth.Alias) error {
		a.Version = version
		return nil
	})
}

func TestAlias_AfterCreate_ReturnsEveryField(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		publish(t, c, "f", 2)
		want := alias("live", "1")
		want.Additional, want.AdditionalWeight = "2", 0.2
		createAlias(t, c, want)
		got, err := c.GetAlias(t.Context(), nameOf("f"), "live")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("GetAlias: error %v (-want +got):\n%s", err, diff)
		}
		got, err = c.LookupAlias(nameOf("f"), "live")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("LookupAlias: error %v (-want +got):\n%s", err, diff)
		}
	})
}

func TestAlias_Reopened_IsLookedUpAgain(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		first := open(t, catalog.Options{KV: kv, Blobs: blobs})
		publish(t, first, "f", 1)
		createAlias(t, first, alias("live", "1"))
		first.Close()
		second := open(t, catalog.Options{KV: kv, Blobs: blobs})
		if got, err := second.LookupAlias(nameOf("f"), "live"); err != nil || got.Version != "1" {
			t.Errorf("LookupAlias = %+v, error %v", got, err)
		}
	})
}

func TestLookup_ByAnAliasOrOfOne_IsNotTheOther(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	publish(t, c, "f", 1)
	createAlias(t, c, alias("live", "1"))
	_, err := c.Lookup(nameOf("f"), "live")
	wantKind(t, err, hearth.ErrNotFound)
	for _, version := range []string{"1", hearth.Latest, ""} {
		_, err := c.LookupAlias(nameOf("f"), version)
		wantKind(t, err, hearth.ErrNotFound)
	}
	for _, f := range c.All() {
		if f == nil {
			t.Fatal("All returns an alias as a function")
		}
	}
}

func TestLookupAlias_Found_DoesNotAllocate(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	publish(t, c, "f", 1)
	createAlias(t, c, alias("live", "1"))
	name := nameOf("f")
	if n := testing.AllocsPerRun(100, func() { _, _ = c.LookupAlias(name, "live") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCreateAlias_Refused(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		publish(t, c, "f", 1)
		createAlias(t, c, alias("live", "1"))
		wantText(t, c.CreateAlias(t.Context(), alias("live", "1")), hearth.ErrConflict, "Alias already exists: "+liveARN)
		const arn = "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:"
		wantText(t, c.CreateAlias(t.Context(), alias("x", "10")), hearth.ErrNotFound, arn+"f:10")
		second := alias("x", "1")
		second.Additional = "10"
		wantText(t, c.CreateAlias(t.Context(), second), hearth.ErrNotFound, arn+"f:10")
		elsewhere := alias("x", "1")
		elsewhere.Function = nameOf("g")
		wantText(t, c.CreateAlias(t.Context(), elsewhere), hearth.ErrNotFound, arn+"g:1")
		for _, name := range []string{"", "7", "a/b", hearth.Latest} {
			wantKind(t, c.CreateAlias(t.Context(), alias(name, "1")), hearth.ErrInvalid)
		}
	})
}

func TestCreateAlias_OfLatest_LeavesItAsItIs(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		create(t, c, function("f"))
		createAlias(t, c, alias("live", hearth.Latest))
		got, _, err := c.Get(t.Context(), nameOf("f"), "")
		if diff := cmp.Diff(function("f"), got); err != nil || diff != "" {
			t.Errorf("error %v (-want +got):\n%s", err, diff)
		}
	})
}

func TestUpdateAlias_ShowsAtOnce(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		publish(t, c, "f", 2)
		createAlias(t, c, alias("live", "1"))
		for i := range 50 { // the watch runs beside, ahead or behind
			version := fmt.Sprint(1 + i%2)
			if got, err := move(t, c, version); err != nil || got.Version != version {
				t.Fatalf("UpdateAlias = %+v, error %v", got, err)
			}
			if got, err := c.LookupAlias(nameOf("f"), "live"); err != nil || got.Version != version {
				t.Fatalf("round %d: LookupAlias = %+v, error %v", i, got, err)
			}
		}
	})
}

func TestUpdateAlias_ErrorOfTheChange_ChangesNothing(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	publish(t, c, "f", 2)
	createAlias(t, c, alias("live", "1"))
	for _, want := range []*hearth.Error{hearth.Errorf(hearth.ErrInvalid, "no"), hearth.Errorf(hearth.ErrPrecondition, "stale")} {
		calls := 0
		_, err := c.UpdateAlias(t.Context(), nameOf("f"), "live", func(a *hearth.Alias) error {
			calls++
			a.Version = "2"
			return want
		})
		if !errors.Is(err, want) || calls != 1 {
			t.Errorf("error %v after %d calls, want %v", err, calls, want)
		}
	}
	if got, err := c.LookupAlias(nameOf("f"), "live"); err != nil || got.Version != "1" {
		t.Errorf("LookupAlias = %+v, error %v", got, err)
	}
}

func TestUpdateAlias_MissingAliasOrVersion_IsNotFound(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		publish(t, c, "f", 1)
		_, err := move(t, c, "1")
		wantText(t, err, hearth.ErrNotFound, "Alias not found: "+liveARN)
		createAlias(t, c, alias("live", "1"))
		_, err = move(t, c, "10")
		wantText(t, err, hearth.ErrNotFound, "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:f:10")
	})
}

func TestUpdateAlias_ManyAtOnce_LoseNothing(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		publish(t, c, "f", 1)
		a := alias("live", "1")
		a.Description = ""
		createAlias(t, c, a)
		done := 0
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				_, err := c.UpdateAlias(t.Context(), nameOf("f"), "live", func(a *hearth.Alias) error {
					a.Description += "x"
					return nil
				})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					done++
				} else if !errors.Is(err, hearth.ErrConflict) {
					t.Errorf("error %v", err)
				}
			})
		}
		wg.Wait()
		got, err := c.GetAlias(t.Context(), nameOf("f"), "live")
		if err != nil || len(got.Description) != done || done == 0 {
			t.Errorf("%d updates, description %q, error %v", done, got.Description, err)
		}
	})
}

func TestDeleteAlias_ThenLookup_IsGone(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		publish(t, c, "f", 1)
		createAlias(t, c, alias("live", "1"))
		if err := c.DeleteAlias(t.Context(), nameOf("f"), "live"); err != nil {
			t.Fatal(err)
		}
		_, err := c.LookupAlias(nameOf("f"), "live")
		wantKind(t, err, hearth.ErrNotFound)
		_, err = c.GetAlias(t.Context(), nameOf("f"), "live")
		wantKind(t, err, hearth.ErrNotFound)
		wantText(t, c.DeleteAlias(t.Context(), nameOf("f"), "live"), hearth.ErrNotFound, "Alias not found: "+liveARN)
	})
}

func TestListAliases_PagesAndVersions(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		publish(t, c, "f", 2)
		for _, name := range []string{"d", "a", "c", "b"} {
			createAlias(t, c, alias(name, "1"))
		}
		both := alias("e", "1")
		both.Additional = "2"
		createAlias(t, c, both)
		createAlias(t, c, alias("z", hearth.Latest))
		for version, want := range map[string][]string{
			"": {"a", "b", "c", "d", "e", "z"}, "1": {"a", "b", "c", "d", "e"}, "2": {"e"}, hearth.Latest: {"z"}, "3": nil,
		} {
			for limit := range 7 {
				if diff := cmp.Diff(want, listAliases(t, c, version, limit)); diff != "" {
					t.Errorf("of version %q by %d (-want +got):\n%s", version, limit, diff)
				}
			}
		}
		_, _, err := c.ListAliases(t.Context(), nameOf("g"), "", "", 0)
		wantText(t, err, hearth.ErrNotFound, "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:g")
	})
}

// listAliases reads all pages.
func listAliases(t *testing.T, c *catalog.Catalog, version string, limit int) (names []string) {
	t.Helper()
	for marker, pages := "", 0; ; pages++ {
		page, next, err := c.ListAliases(t.Context(), nameOf("f"), version, marker, limit)
		if err != nil || limit > 0 && len(page) > limit || pages > 6 {
			t.Fatalf("page %d: %d aliases, error %v", pages, len(page), err)
		}
		for _, a := range page {
			names = append(names, a.Name)
		}
		if marker = next; next == "" {
			return names
		}
	}
}

func TestDeleteVersion_WithAliases_IsRefusedInAWSWords(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		publish(t, c, "f", 2)
		createAlias(t, c, alias("live", "1"))
		both := alias("canary", "2")
		both.Additional = "1"
		createAlias(t, c, both)
		wantText(t, c.DeleteVersion(t.Context(), nameOf("f"), "1"), hearth.ErrConflict,
			"Unable to delete version because the following aliases reference it: [canary, live]")
		if _, err := c.Lookup(nameOf("f"), "1"); err != nil {
			t.Error(err)
		}
	})
}

func TestDelete_TakesAliasesAlong(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		publish(t, c, "f", 1)
		createAlias(t, c, alias("live", "1"))
		if err := c.Delete(t.Context(), nameOf("f")); err != nil {
			t.Fatal(err)
		}
		_, err := c.LookupAlias(nameOf("f"), "live")
		wantKind(t, err, hearth.ErrNotFound)
		if left, err := kv.List(t.Context(), "", "", 0); err != nil || len(left) != 0 {
			t.Errorf("%d records left, error %v", len(left), err)
		}
	})
}

// racingKV lets something happen, once, ahead of the next commit.
type racingKV struct {
	store.KV
	ahead func()
}

func (kv *racingKV) Commit(ctx context.Context, ops []store.Op) ([]uint64, error) {
	if ahead := kv.ahead; ahead != nil {
		kv.ahead = nil
		ahead()
	}
	return kv.KV.Commit(ctx, ops)
}

// racing opens a catalog whose next commit finds that meanwhile, done through
// another node, has happened.
func racing(t *testing.T, kv store.KV, blobs store.Blobs, meanwhile func(other *catalog.Catalog)) *catalog.Catalog {
	t.Helper()
	other := open(t, catalog.Options{KV: kv, Blobs: blobs})
	publish(t, other, "f", 2)
	return open(t, catalog.Options{KV: &racingKV{kv, func() { meanwhile(other) }}, Blobs: blobs})
}

func TestCreateAlias_VersionDeletedMeanwhile_IsNotFound(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := racing(t, kv, blobs, func(other *catalog.Catalog) {
			if err := other.DeleteVersion(t.Context(), nameOf("f"), "1"); err != nil {
				t.Error(err)
			}
		})
		wantText(t, c.CreateAlias(t.Context(), alias("live", "1")), hearth.ErrNotFound,
			"Function not found: arn:aws:lambda:eu-west-1:123456789012:function:f:1")
	})
}

func TestDeleteVersion_AliasCreatedMeanwhile_IsRefused(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := racing(t, kv, blobs, func(other *catalog.Catalog) { createAlias(t, other, alias("live", "1")) })
		wantText(t, c.DeleteVersion(t.Context(), nameOf("f"), "1"), hearth.ErrConflict,
			"Unable to delete version because the following aliases reference it: [live]")
	})
}

func TestDelete_AliasCreatedMeanwhile_GoesToo(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		for _, version := range []string{"1", hearth.Latest} {
			c := racing(t, kv, blobs, func(other *catalog.Catalog) { createAlias(t, other, alias("live", version)) })
			if err := c.Delete(t.Context(), nameOf("f")); err != nil {
				t.Fatal(err)
			}
			if left, err := kv.List(t.Context(), "", "", 0); err != nil || len(left) != 0 {
				t.Errorf("alias of %s: %d records left, error %v", version, len(left), err)
			}
		}
	})
}

func TestChanges_OfAnotherNodesAlias_AreToldAsThose(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		calls := newListener()
		there := open(t, catalog.Options{KV: kv, Blobs: blobs})
		publish(t, there, "f", 1)
		createAlias(t, there, alias("live", "1"))
		here := open(t, catalog.Options{KV: kv, Blobs: blobs, Changes: calls.feed})
		versions, aliases := calls.count("f"), calls.count("f:live")
		if err := there.DeleteAlias(t.Context(), nameOf("f"), "live"); err != nil {
			t.Fatal(err)
		}
		create(t, there, function("later"))
		calls.wait(t, "later") // the watch has passed the deletion
		_, err := here.LookupAlias(nameOf("f"), "live")
		wantKind(t, err, hearth.ErrNotFound)
		if n := calls.count("f") - versions; n != 0 {
			t.Errorf("told %d times that versions changed", n)
		}
		if n := calls.count("f:live") - aliases; n != 1 {
			t.Errorf("told %d times that the alias changed", n)
		}
	})
}
