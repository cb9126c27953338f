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
)

// Both lists of functions, on a node beside those that write: whatever comes and
// goes between the functions that stay, each of these is on one page.
func TestLists_FunctionsComeAndGo_OthersAreInOnePageEach(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		here := open(t, catalog.Options{KV: kv, Blobs: blobs})
		there := open(t, catalog.Options{KV: kv, Blobs: blobs})
		var want []string
		for i := range 20 {
			name := fmt.Sprintf("stays-%02d", i)
			create(t, here, function(name))
			want = append(want, name)
		}
		var wg sync.WaitGroup
		defer wg.Wait()
		for writer := range 2 {
			wg.Go(func() {
				for i := range 30 {
					name := fmt.Sprintf("stays-%02d-not-%d", i%20, writer)
					if _, err := here.Create(t.Context(), function(name)); err != nil {
						t.Error(err)
					}
					if err := here.Delete(t.Context(), nameOf(name)); err != nil && !errors.Is(err, hearth.ErrNotFound) {
						t.Error(err)
					}
				}
			})
		}
		for range 10 {
			if diff := cmp.Diff(want, staying(t, there.List)); diff != "" {
				t.Errorf("List (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, staying(t, there.ListAll)); diff != "" {
				t.Errorf("ListAll (-want +got):\n%s", diff)
			}
		}
	})
}

type lister func(ctx context.Context, account, region, marker string, limit int) ([]*hearth.Function, string, error)

// staying lists, three a page, the functions that nobody deletes.
func staying(t *testing.T, list lister) (names []string) {
	t.Helper()
	for marker, more := "", true; more; more = marker != "" {
		page, next, err := list(t.Context(), "123456789012", "eu-west-1", marker, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page {
			if len(f.Name.Function) == len("stays-00") {
				names = append(names, f.Name.Function)
			}
		}
		marker = next
	}
	return names
}
