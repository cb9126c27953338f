package catalog_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/catalog"
)

// disturb does something at random to one function, its versions or aliases.
// Refusals are part of it; other errors are not.
func disturb(t *testing.T, c *catalog.Catalog, random *rand.Rand) {
	t.Helper()
	ctx, name, version := t.Context(), nameOf("f"), fmt.Sprint(1+random.IntN(4))
	var err error
	switch random.IntN(12) {
	case 0:
		_, err = c.Create(ctx, function("f"))
	case 1:
		err = c.Delete(ctx, name)
	case 2, 3, 4:
		var latest *hearth.Function
		var revision uint64
		if latest, revision, err = c.Get(ctx, name, ""); err != nil {
			break
		}
		published := *latest
		published.Version = version
		_, err = c.Publish(ctx, &published, latest, revision)
	case 5, 6:
		err = c.DeleteVersion(ctx, name, version)
	case 7, 8:
		a := alias("live", version)
		if other := fmt.Sprint(1 + random.IntN(4)); other != version {
			a.Additional = other
		}
		err = c.CreateAlias(ctx, a)
	case 9, 10:
		_, err = c.UpdateAlias(ctx, name, "live", func(a *hearth.Alias) error {
			a.Version, a.Additional = version, ""
			return nil
		})
	case 11:
		err = c.DeleteAlias(ctx, name, "live")
	}
	if err != nil && !errors.Is(err, hearth.ErrNotFound) && !errors.Is(err, hearth.ErrConflict) {
		t.Errorf("error %v", err)
	}
}

// Whatever happens at once, on two nodes: nothing is left of what was deleted,
// no alias points to nothing, and both nodes come to see the same.
func TestCatalog_ManyWriters_LeaveNoAliasWithoutItsVersions(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		calls := newListener()
		here := open(t, catalog.Options{KV: kv, Blobs: blobs, Changes: calls.feed})
		there := open(t, catalog.Options{KV: kv, Blobs: blobs})
		for round := range 20 {
			var wg sync.WaitGroup
			for worker := range 4 {
				wg.Go(func() {
					random := rand.New(rand.NewPCG(uint64(round), uint64(worker)))
					for range 15 {
						disturb(t, []*catalog.Catalog{here, there}[worker%2], random)
					}
				})
			}
			wg.Wait()
			checkAliases(t, there)
			marker := fmt.Sprint("round-", round)
			create(t, there, function(marker))
			calls.wait(t, marker) // here's watch has passed all of it
			if diff := cmp.Diff(seen(t, there), seen(t, here)); diff != "" {
				t.Fatalf("round %d: in memory (-one node, +the other):\n%s", round, diff)
			}
		}
	})
}

// checkAliases fails when an alias is there without the function or a version.
func checkAliases(t *testing.T, c *catalog.Catalog) {
	t.Helper()
	a, err := c.GetAlias(t.Context(), nameOf("f"), "live")
	if errors.Is(err, hearth.ErrNotFound) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"", a.Version, a.Additional} {
		if _, _, err := c.Get(t.Context(), nameOf("f"), version); err != nil {
			t.Fatalf("the alias points to %s and %q: %v", a.Version, a.Additional, err)
		}
	}
}

// seen is what a node's memory has of the function, once the watch has brought
// it up to what the store has.
func seen(t *testing.T, c *catalog.Catalog) map[string]any {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		memory, stored := map[string]any{}, map[string]any{}
		for _, version := range []string{hearth.Latest, "1", "2", "3", "4"} {
			if f, err := c.Lookup(nameOf("f"), version); err == nil {
				memory[version] = *f
			}
			if f, _, err := c.Get(t.Context(), nameOf("f"), version); err == nil {
				stored[version] = *f
			}
		}
		if a, err := c.LookupAlias(nameOf("f"), "live"); err == nil {
			memory["live"] = *a
		}
		if a, err := c.GetAlias(t.Context(), nameOf("f"), "live"); err == nil {
			stored["live"] = *a
		}
		diff := cmp.Diff(stored, memory)
		if diff == "" {
			return memory
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("memory (-stored +memory):\n%s", diff)
		}
	}
}
