package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/catalog"
	"github.com/hearthd/hearth/store/mem"
)

// publish stores a function with versions 1 to n.
func publish(t *testing.T, c *catalog.Catalog, name string, n int) {
	t.Helper()
	latest := function(name)
	revision := create(t, c, latest)
	for i := range n {
		latest.LastPublished = i + 1
		version := *latest
		version.Version, version.LastPublished = fmt.Sprint(i+1), 0
		var err error
		if revision, err = c.Publish(t.Context(), &version, latest, revision); err != nil {
			t.Fatal(err)
		}
	}
}

// numbers are the versions of a page, with their functions' names.
func numbers(page []*hearth.Function) (versions []string) {
	for _, f := range page {
		versions = append(versions, f.Name.Function+":"+f.Version)
	}
	return versions
}

func wantText(t *testing.T, err, kind error, text string) {
	t.Helper()
	wantKind(t, err, kind)
	if err == nil || err.Error() != text {
		t.Errorf("error %v, want %q", err, text)
	}
}

func TestPublish_AtRevision0_CreatesTheFunctionToo(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		latest := function("f")
		version := *latest
		version.Version = "1"
		revision, err := c.Publish(t.Context(), &version, latest, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, at, err := c.Get(t.Context(), latest.Name, ""); err != nil || at != revision {
			t.Errorf("$LATEST at revision %d, %v; want %d", at, err, revision)
		}
		if _, err := c.Lookup(latest.Name, "1"); err != nil {
			t.Error(err)
		}
		version.Version = "2"
		_, err = c.Publish(t.Context(), &version, latest, 0)
		wantText(t, err, hearth.ErrConflict, "Function already exist: f")
	})
}

func TestPublish_VersionThatIsNoNumber_IsInvalid(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	latest := function("f")
	revision := create(t, c, latest)
	for _, number := range []string{"", "0", "007", "live", "a/b", "-1"} {
		version := *latest
		version.Version = number
		_, err := c.Publish(t.Context(), &version, latest, revision)
		wantKind(t, err, hearth.ErrInvalid)
	}
}

func TestGet_QualifierThatNoVersionHas_IsNotFound(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		publish(t, c, "f", 1)
		for _, qualifier := range []string{"2", "007", "01", "0", "99999999999999999999", "live", "$LATEST.PUBLISHED"} {
			want := "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:f:" + qualifier
			_, _, err := c.Get(t.Context(), nameOf("f"), qualifier)
			wantText(t, err, hearth.ErrNotFound, want)
			_, err = c.Lookup(nameOf("f"), qualifier)
			wantText(t, err, hearth.ErrNotFound, want)
		}
	})
}

func TestListVersions_Pages_AreInTheOrderOfTheNumbers(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		publish(t, c, "f", 12)
		publish(t, c, "f1", 1)
		var got []string
		for marker, pages := "", 0; ; pages++ {
			page, next, err := c.ListVersions(t.Context(), nameOf("f"), marker, 5)
			if err != nil || len(page) > 5 || pages > 2 {
				t.Fatalf("page %d: %d versions, error %v", pages, len(page), err)
			}
			got = append(got, numbers(page)...)
			if marker = next; next == "" {
				break
			}
		}
		want := []string{"f:$LATEST", "f:1", "f:2", "f:3", "f:4", "f:5", "f:6", "f:7", "f:8", "f:9", "f:10", "f:11", "f:12"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("versions (-want +got):\n%s", diff)
		}
	})
}

func TestListVersions_PageThatEndsWithTheLastVersion_HasNoNext(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	publish(t, c, "f", 3)
	if page, next, err := c.ListVersions(t.Context(), nameOf("f"), "", 4); err != nil || next != "" || len(page) != 4 {
		t.Errorf("%v, next %q, error %v", numbers(page), next, err)
	}
}

func TestListVersions_MissingFunction_IsNotFound(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	_, _, err := c.ListVersions(t.Context(), nameOf("f"), "", 0)
	wantText(t, err, hearth.ErrNotFound, "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:f")
}

func TestListAll_Pages_HaveEveryVersionOnce(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		publish(t, c, "b", 0)
		publish(t, c, "a", 3)
		publish(t, c, "a-1", 1) // '-' sorts before '/'
		publish(t, c, "c", 2)
		want := []string{"a:$LATEST", "a:1", "a:2", "a:3", "a-1:$LATEST", "a-1:1", "b:$LATEST", "c:$LATEST", "c:1", "c:2"}
		for limit := range 12 {
			var got []string
			for marker, pages := "", 0; ; pages++ {
				page, next, err := c.ListAll(t.Context(), nameOf("").Account, nameOf("").Region, marker, limit)
				if err != nil || limit > 0 && len(page) > limit || pages > len(want) {
					t.Fatalf("limit %d, page %d: %d versions, error %v", limit, pages, len(page), err)
				}
				got = append(got, numbers(page)...)
				if marker = next; next == "" {
					break
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("limit %d (-want +got):\n%s", limit, diff)
			}
		}
	})
}

func TestLists_MarkersOfOthers_AreInvalid(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	publish(t, c, "f", 2)
	_, ofAll, err := c.ListAll(t.Context(), nameOf("").Account, nameOf("").Region, "", 1)
	if err != nil || ofAll == "" {
		t.Fatalf("marker %q, error %v", ofAll, err)
	}
	_, _, list := c.List(t.Context(), nameOf("").Account, nameOf("").Region, ofAll, 1)
	_, _, versions := c.ListVersions(t.Context(), nameOf("f"), ofAll, 1)
	_, _, aliases := c.ListAliases(t.Context(), nameOf("f"), "", "%%", 1)
	for _, err := range []error{list, versions, aliases} {
		wantKind(t, err, hearth.ErrInvalid)
		if err == nil || !strings.HasPrefix(err.Error(), "Invalid marker: ") {
			t.Errorf("error %v", err)
		}
	}
}

func TestDeleteVersion_OneOfSeveral_LeavesTheOthers(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		calls := newListener()
		c := open(t, catalog.Options{KV: kv, Blobs: blobs, Changes: calls.feed})
		publish(t, c, "f", 3)
		before := calls.count("f")
		if err := c.DeleteVersion(t.Context(), nameOf("f"), "2"); err != nil {
			t.Fatal(err)
		}
		if n := calls.count("f") - before; n != 1 {
			t.Errorf("told %d times", n)
		}
		if _, err := c.Lookup(nameOf("f"), "2"); err == nil {
			t.Error("Lookup shows the version")
		}
		page, _, err := c.ListVersions(t.Context(), nameOf("f"), "", 0)
		if diff := cmp.Diff([]string{"f:$LATEST", "f:1", "f:3"}, numbers(page)); err != nil || diff != "" {
			t.Errorf("error %v (-want +got):\n%s", err, diff)
		}
	})
}

func TestDeleteVersion_MissingOrLatest_IsAnError(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		publish(t, c, "f", 1)
		wantText(t, c.DeleteVersion(t.Context(), nameOf("f"), "9"), hearth.ErrNotFound,
			"Function not found: arn:aws:lambda:eu-west-1:123456789012:function:f:9")
		wantKind(t, c.DeleteVersion(t.Context(), nameOf("f"), hearth.Latest), hearth.ErrInvalid)
		if _, _, err := c.Get(t.Context(), nameOf("f"), ""); err != nil {
			t.Errorf("$LATEST is gone: %v", err)
		}
	})
}
