package pool_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/pool"
)

// catalog is a pool's Functions and Changes: of each function the generation that
// is current, by name.
type catalog struct {
	mu         sync.Mutex
	current    map[string]string
	lookups    int
	looked     func() // called in each look-up, after it has read; nil: not
	subscriber hearth.Subscriber
	canceled   bool
}

func newCatalog() *catalog {
	return &catalog{current: map[string]string{"f": "1", "g": "1"}}
}

func (c *catalog) options() pool.Options { return pool.Options{Functions: c, Changes: c} }

func (c *catalog) Lookup(name hearth.Name, version string) (*hearth.Function, error) {
	c.mu.Lock()
	c.lookups++
	generation, ok := c.current[name.Function]
	looked := c.looked
	c.mu.Unlock()
	if looked != nil {
		looked()
	}
	if !ok {
		return nil, hearth.ErrNotFound
	}
	fn := function(name.Function)
	fn.Version, fn.Generation = version, generation
	return fn, nil
}

func (c *catalog) Subscribe(s hearth.Subscriber) (cancel func()) {
	c.subscriber = s
	for name := range c.current {
		c.changed(hearth.KindFunction, name)
	}
	return func() { c.canceled = true }
}

func (c *catalog) changed(kind hearth.Kind, name string) {
	c.subscriber.Changed(hearth.Change{Kind: kind, Function: function(name).Name, Qualifier: hearth.Latest})
}

// update makes a generation the current one, and says so.
func (c *catalog) update(name, generation string) {
	c.mu.Lock()
	c.current[name] = generation
	c.mu.Unlock()
	c.changed(hearth.KindFunction, name)
}

func (c *catalog) asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lookups
}

// generation returns a generation of a function.
func generation(name, generation string) *hearth.Function {
	fn := function(name)
	fn.Generation = generation
	return fn
}

func TestChanged_OutdatedIsClosed(t *testing.T) {
	c := newCatalog()
	bubble(t, c.options(), func(b *bench) {
		b.mustInvoke(function("f"))
		b.mustInvoke(function("g"))
		c.update("f", "2")
		synctest.Wait()
		b.check()
		if !b.opened[0].isClosed() || b.opened[1].isClosed() {
			b.Errorf("closed: of the one that changed %v, of the other %v", b.opened[0].isClosed(), b.opened[1].isClosed())
		}
	})
}

func TestChanged_CurrentStays(t *testing.T) {
	c := newCatalog()
	bubble(t, c.options(), func(b *bench) {
		b.mustInvoke(function("f"))
		c.update("f", "1") // told twice
		c.changed(hearth.KindAlias, "f")
		if id := b.mustInvoke(function("f")); id != 0 {
			b.Errorf("served by environment %d", id)
		}
	})
}

func TestChanged_StartInFlight_IsNotForNewRequests(t *testing.T) {
	c := newCatalog()
	bubble(t, c.options(), func(b *bench) {
		b.init = time.Second
		old := b.background(b.Context(), function("f"), "1ms")
		c.update("f", "2")
		next := b.background(b.Context(), generation("f", "2"), "1ms")
		for i, a := range append(old, next...) {
			if got := <-a; got.err != nil || got.id != i {
				b.Errorf("request %d: %s", i, got)
			}
		}
		synctest.Wait()
		b.check()
		if !b.opened[0].isClosed() || b.opened[1].isClosed() {
			b.Error("the old one is left, or the new one is not")
		}
	})
}

func TestFunctions_AreAskedOnceForEachGroup(t *testing.T) {
	c := newCatalog()
	bubble(t, c.options(), func(b *bench) {
		for range 5 {
			b.mustInvoke(function("f"))
		}
		if n := c.asked(); n != 1 {
			b.Errorf("%d look-ups", n)
		}
	})
}

func TestFunctions_ChangeDuringTheLookUp_LeavesNothing(t *testing.T) {
	c := newCatalog()
	bubble(t, c.options(), func(b *bench) {
		c.looked = func() {
			c.looked = nil
			c.update("f", "2") // what was read is outdated by now
		}
		b.mustInvoke(function("f"))
		synctest.Wait()
		b.check()
		if s := b.pool.Stats(); s != (pool.Stats{}) {
			b.Errorf("left: %+v", s)
		}
	})
}

func TestFunctions_PoolClosesDuringTheLookUp(t *testing.T) {
	c := newCatalog()
	bubble(t, c.options(), func(b *bench) {
		c.looked = func() { b.pool.Close() }
		if _, err := b.invoke(function("f")); err == nil {
			b.Error("invoked")
		}
		b.pool.Provision(function("g").Name, []pool.ProvisionTarget{{Function: function("g"), Requested: 1}})
		if opened, _ := b.count(); opened != 0 {
			b.Errorf("%d environments", opened)
		}
	})
}

func TestRetire_GroupThatCameDuringTheLookUp_IsNotJudgedByIt(t *testing.T) {
	bubble(t, pool.Options{}, func(b *bench) {
		b.mustInvoke(function("f"))
		b.pool.Retire(function("f").Name, func(_, generation string) bool {
			b.mustInvoke(&hearth.Function{Name: function("f").Name, Version: hearth.Latest, Generation: "2", MemorySize: 128})
			return generation == "0" // a stale view
		})
		synctest.Wait()
		b.check()
		if !b.opened[0].isClosed() || b.opened[1].isClosed() {
			b.Error("the old one is left, or the new one is not")
		}
	})
}

func TestProvision_OfAnOutdatedGeneration_StartsNothing(t *testing.T) {
	c := newCatalog()
	bubble(t, c.options(), func(b *bench) {
		c.update("f", "2")
		b.pool.Provision(function("f").Name, []pool.ProvisionTarget{{Function: function("f"), Requested: 2}})
		synctest.Wait()
		b.check()
		if opened, _ := b.count(); opened != 0 {
			b.Errorf("%d environments", opened)
		}
	})
}

func TestClose_CancelsItsSubscription(t *testing.T) {
	c := newCatalog()
	bubble(t, c.options(), func(b *bench) {
		if c.subscriber != b.pool || c.canceled {
			b.Errorf("subscribed %v, canceled %v", c.subscriber == b.pool, c.canceled)
		}
		b.pool.Close()
		if !c.canceled {
			b.Error("still subscribed")
		}
		c.update("f", "2") // a call that is late does no harm
	})
}
