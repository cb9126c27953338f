package layers_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store/layers"
	"github.com/hearthd/hearth/store/mem"
	"github.com/hearthd/hearth/store/records"
)

func open(t *testing.T) *layers.Store {
	t.Helper()
	kv := mem.NewKV()
	t.Cleanup(func() { _ = kv.Close() })
	set := records.New(kv, nil, nil)
	store := layers.New(set)
	if err := set.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	return store
}

func layer(name string) hearth.LayerName {
	return hearth.LayerName{Account: "000000000000", Region: "us-east-1", Layer: name}
}

// publish publishes a version of a layer for some runtimes.
func publish(t *testing.T, s *layers.Store, name string, runtimes ...string) *hearth.LayerVersion {
	t.Helper()
	v := &hearth.LayerVersion{Layer: layer(name), Runtimes: runtimes, Code: hearth.Code{Digest: name, Size: 10}}
	if err := s.Publish(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestPublish_NumbersFromOne(t *testing.T) {
	s := open(t)
	for want := int64(1); want <= 3; want++ {
		if v := publish(t, s, "deps"); v.Version != want {
			t.Errorf("version %d, want %d", v.Version, want)
		}
	}
}

func TestPublish_ManyAtOnce_HaveNumbersOfTheirOwn(t *testing.T) {
	s := open(t)
	const callers = 8
	var wg sync.WaitGroup
	published := make(chan int64, callers)
	for range callers {
		wg.Go(func() {
			v := &hearth.LayerVersion{Layer: layer("deps")}
			if err := s.Publish(t.Context(), v); err != nil {
				t.Error(err)
			}
			published <- v.Version
		})
	}
	wg.Wait()
	close(published)
	seen := map[int64]bool{}
	for v := range published {
		seen[v] = true
	}
	if len(seen) != callers {
		t.Errorf("%d callers share %d numbers", callers, len(seen))
	}
}

func TestDelete_NumberIsNotUsedAgain(t *testing.T) {
	s := open(t)
	v := publish(t, s, "deps")
	if err := s.Delete(t.Context(), v.Layer, v.Version); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), v.Layer, v.Version); !errors.Is(err, hearth.ErrNotFound) {
		t.Errorf("a deleted version: %v", err)
	}
	if v := publish(t, s, "deps"); v.Version != 2 {
		t.Errorf("the next version is %d, want 2", v.Version)
	}
}

func TestGet_ReturnsWhatWasPublished(t *testing.T) {
	s := open(t)
	want := publish(t, s, "deps", "python3.13")
	got, err := s.Get(t.Context(), want.Layer, 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestGet_NumbersThatNoVersionHas(t *testing.T) {
	s := open(t)
	publish(t, s, "deps")
	for _, version := range []int64{-1, 0, 2, 1 << 40} {
		if _, err := s.Get(t.Context(), layer("deps"), version); !errors.Is(err, hearth.ErrNotFound) {
			t.Errorf("version %d: %v", version, err)
		}
	}
}

// all reads every page of a list.
func all(t *testing.T, q hearth.LayerQuery, list func(hearth.LayerQuery) ([]*hearth.LayerVersion, string, error)) []string {
	t.Helper()
	var got []string
	for {
		page, next, err := list(q)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page {
			got = append(got, fmt.Sprintf("%s:%d", v.Layer.Layer, v.Version))
		}
		if len(page) > q.Limit {
			t.Errorf("a page of %d, limit %d", len(page), q.Limit)
		}
		if next == "" {
			return got
		}
		q.Marker = next
	}
}

func TestLatest_NewestMatchingOfEachLayer(t *testing.T) {
	s := open(t)
	publish(t, s, "b", "python3.13")
	publish(t, s, "b", "nodejs22.x")
	publish(t, s, "a", "python3.13")
	publish(t, s, "a", "python3.13")
	publish(t, s, "c")
	latest := func(q hearth.LayerQuery) ([]*hearth.LayerVersion, string, error) {
		return s.Latest(t.Context(), "000000000000", "us-east-1", q)
	}
	if diff := cmp.Diff([]string{"a:2", "b:2", "c:1"}, all(t, hearth.LayerQuery{Limit: 1}, latest)); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a:2", "b:1"}, all(t, hearth.LayerQuery{Limit: 1, Runtime: "python3.13"}, latest)); diff != "" {
		t.Errorf("of a runtime (-want +got):\n%s", diff)
	}
	if got := all(t, hearth.LayerQuery{Limit: 9, Architecture: "arm64"}, latest); got != nil {
		t.Errorf("of an architecture that none names: %v", got)
	}
}

func TestLatest_AnotherRegionHasItsOwn(t *testing.T) {
	s := open(t)
	publish(t, s, "deps")
	page, _, err := s.Latest(t.Context(), "000000000000", "us-east-12", hearth.LayerQuery{})
	if err != nil || len(page) != 0 {
		t.Errorf("%v, %v", page, err)
	}
}

func TestVersions_NewestFirst(t *testing.T) {
	s := open(t)
	for range 12 {
		publish(t, s, "deps")
	}
	publish(t, s, "deps-too")
	got := all(t, hearth.LayerQuery{Limit: 5}, func(q hearth.LayerQuery) ([]*hearth.LayerVersion, string, error) {
		return s.Versions(t.Context(), layer("deps"), q)
	})
	var want []string
	for n := 12; n > 0; n-- {
		want = append(want, fmt.Sprintf("deps:%d", n))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLists_RefuseForeignMarkers(t *testing.T) {
	s := open(t)
	for _, marker := range []string{"x", "bDo", "bDot"} {
		if _, _, err := s.Versions(t.Context(), layer("deps"), hearth.LayerQuery{Marker: marker}); !errors.Is(err, hearth.ErrInvalid) {
			t.Errorf("Versions after %q: %v", marker, err)
		}
	}
	if _, _, err := s.Latest(t.Context(), "0", "r", hearth.LayerQuery{Marker: "?"}); !errors.Is(err, hearth.ErrInvalid) {
		t.Errorf("Latest: %v", err)
	}
}

func TestDigestsAndBytes_OfWhatThereIs(t *testing.T) {
	s := open(t)
	publish(t, s, "a")
	b := publish(t, s, "b")
	publish(t, s, "c")
	if err := s.Delete(t.Context(), b.Layer, 1); err != nil {
		t.Fatal(err)
	}
	got, err := s.Digests(t.Context())
	if diff := cmp.Diff([]string{"a", "c"}, got); diff != "" || err != nil {
		t.Errorf("(-want +got):\n%s%v", diff, err)
	}
	if n := s.Bytes("000000000000", "us-east-1"); n != 20 {
		t.Errorf("%d bytes, want 20", n)
	}
}

func TestUnreadable_Version_KeepsItsContentAndItsNumber(t *testing.T) {
	kv := mem.NewKV()
	t.Cleanup(func() { _ = kv.Close() })
	for _, key := range []string{"rec/layer-version/000000000000/us-east-1/deps/0000000002", "rec/layer-number/000000000000/us-east-1/lost"} {
		if _, err := kv.Put(t.Context(), key, []byte(`{"Schema":99}`)); err != nil {
			t.Fatal(err)
		}
	}
	set := records.New(kv, nil, nil)
	s := layers.New(set)
	if err := set.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	publish(t, s, "deps")
	if _, err := s.Digests(t.Context()); !errors.Is(err, hearth.ErrConflict) {
		t.Errorf("Digests: error %v; what is in use is not known", err)
	}
	if page, _, err := s.Versions(t.Context(), layer("deps"), hearth.LayerQuery{}); err != nil || len(page) != 1 {
		t.Errorf("Versions = %v, error %v", page, err)
	}
	if err := s.Publish(t.Context(), &hearth.LayerVersion{Layer: layer("lost")}); !errors.Is(err, hearth.ErrConflict) {
		t.Errorf("a version of a layer whose last number cannot be read: error %v", err)
	}
	if err := s.Delete(t.Context(), layer("deps"), 2); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if digests, err := s.Digests(t.Context()); err != nil || len(digests) != 1 {
		t.Errorf("Digests = %v, error %v", digests, err)
	}
}
