package keyset_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/store/keyset"
)

func TestPage_PrefixAndAfter(t *testing.T) {
	var s keyset.Set
	for _, key := range []string{"f/b", "f", "g/a", "f/a", "fa", "f/ab", "f/a/x", "f/b"} {
		s.Add(key)
	}
	for _, c := range []struct {
		prefix, after string
		limit         int
		want          []string
	}{
		{"", "", 0, []string{"f", "f/a", "f/a/x", "f/ab", "f/b", "fa", "g/a"}},
		{"f/", "", 0, []string{"f/a", "f/a/x", "f/ab", "f/b"}},
		{"f/", "", 2, []string{"f/a", "f/a/x"}},
		{"f/", "f/a/x", 2, []string{"f/ab", "f/b"}},
		{"f/", "f/aa", 1, []string{"f/ab"}}, // not there
		{"f/", "a", 1, []string{"f/a"}},     // ahead of the prefix
		{"f/", "z", 0, nil},
		{"f/", "f/b", 0, nil},
		{"f", "f", 1, []string{"f/a"}},
		{"f", "", 1, []string{"f"}}, // the prefix itself
		{"h", "", 0, nil},
	} {
		if diff := cmp.Diff(c.want, s.Page(c.prefix, c.after, c.limit)); diff != "" {
			t.Errorf("Page(%q, %q, %d) (-want +got):\n%s", c.prefix, c.after, c.limit, diff)
		}
	}
}

func TestPage_OfAnEmptySet(t *testing.T) {
	var s keyset.Set
	s.Delete("a")
	s.Add("a")
	s.Delete("a")
	if page := s.Page("", "", 0); page != nil {
		t.Errorf("%q", page)
	}
}

// Random changes beside a plain map: enough keys for many chunks, and then so
// few that chunks go.
func TestSet_RandomChanges_IsWhatAMapIs(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var s keyset.Set
	want := map[string]bool{}
	for _, adds := range []float64{0.8, 0.1, 0.5} {
		for range 20_000 {
			key := fmt.Sprintf("%c/%d", 'a'+random.IntN(3), random.IntN(8000))
			if random.Float64() < adds {
				s.Add(key)
				want[key] = true
			} else {
				s.Delete(key)
				delete(want, key)
			}
		}
		sorted := slices.Sorted(maps.Keys(want))
		if diff := cmp.Diff(sorted, s.Page("", "", 0)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		for range 200 {
			prefix, after, limit := string(rune('a'+random.IntN(4)))+"/", fmt.Sprintf("%c/%d", 'a'+random.IntN(3), random.IntN(8000)), 1+random.IntN(20)
			var page []string
			for _, key := range sorted {
				if key > after && strings.HasPrefix(key, prefix) && len(page) < limit {
					page = append(page, key)
				}
			}
			if diff := cmp.Diff(page, s.Page(prefix, after, limit)); diff != "" {
				t.Fatalf("Page(%q, %q, %d) (-want +got):\n%s", prefix, after, limit, diff)
			}
		}
	}
}

func BenchmarkPage_Of50(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var s keyset.Set
			for i := range n {
				s.Add(fmt.Sprintf("k/%06d", i))
			}
			for b.Loop() {
				s.Page("k/", fmt.Sprintf("k/%06d", n/2), 50)
			}
		})
	}
}
