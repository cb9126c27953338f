package daemon

import (
	"iter"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/capacity"
	"github.com/hearthd/hearth/edge/concurrency"
	"github.com/hearthd/hearth/store/catalog"
	"github.com/hearthd/hearth/store/changes"
	layerstore "github.com/hearthd/hearth/store/layers"
	"github.com/hearthd/hearth/store/records"
)

// concurrencyRecords are what functions may use, and what is provisioned of them.
type concurrencyRecords struct {
	reserved    records.ByFunction[hearth.ReservedConcurrency]
	provisioned records.ByFunction[hearth.ProvisionedConcurrency]
	bounds      records.ByFunction[hearth.ScalingBounds]
	providers   records.ByID[hearth.CapacityProvider]
}

// newConcurrencyRecords adds them to a set that is not open yet.
func newConcurrencyRecords(set *records.Set) concurrencyRecords {
	return concurrencyRecords{
		reserved:    records.NewByFunction[hearth.ReservedConcurrency](set, "reserved"),
		provisioned: records.NewByFunction[hearth.ProvisionedConcurrency](set, "provisioned"),
		bounds:      records.NewByFunction[hearth.ScalingBounds](set, "scaling"),
		providers:   records.NewByID[hearth.CapacityProvider](set, "capacity-provider"),
	}
}

// Reserved, Provisioned and Bounds make them provision's Settings.
func (c concurrencyRecords) Reserved(name hearth.Name) *hearth.ReservedConcurrency {
	return c.reserved.Lookup(name, "")
}

func (c concurrencyRecords) Provisioned(name hearth.Name, qualifier string) *hearth.ProvisionedConcurrency {
	return c.provisioned.Lookup(name, qualifier)
}

func (c concurrencyRecords) Bounds(name hearth.Name, qualifier string) *hearth.ScalingBounds {
	return c.bounds.Lookup(name, qualifier)
}

// watch publishes the changes of the records that are provision's settings.
func (c concurrencyRecords) watch(feed *changes.Feed) {
	publish := func(kind hearth.Kind) func(key string) {
		return func(key string) {
			if parts := records.Parts(key); len(parts) >= 3 {
				feed.Publish(hearth.Change{
					Kind: kind, Function: hearth.Name{Account: parts[0], Region: parts[1], Function: parts[2]},
					Qualifier: strings.Join(parts[3:], ""),
				})
			}
		}
	}
	c.reserved.OnChange(publish(hearth.KindReservedConcurrency))
	c.provisioned.OnChange(publish(hearth.KindProvisionedConcurrency))
	c.bounds.OnChange(publish(hearth.KindScalingBounds))
}

// Changes makes them a source of the feed.
func (c concurrencyRecords) Changes() iter.Seq[hearth.Change] {
	return func(yield func(hearth.Change) bool) {
		for _, r := range c.reserved.All("") {
			if !yield(hearth.Change{Kind: hearth.KindReservedConcurrency, Function: r.Value.Function}) {
				return
			}
		}
		for _, p := range c.provisioned.All("") {
			if !yield(hearth.Change{Kind: hearth.KindProvisionedConcurrency, Function: p.Value.Function, Qualifier: p.Value.Qualifier}) {
				return
			}
		}
		for _, b := range c.bounds.All("") {
			if !yield(hearth.Change{Kind: hearth.KindScalingBounds, Function: b.Value.Function, Qualifier: b.Value.Qualifier}) {
				return
			}
		}
	}
}

// aliasChanged moves what is provisioned for an alias.
func (d *daemon) aliasChanged(name hearth.Name) {
	d.changes.Publish(hearth.Change{Kind: hearth.KindAlias, Function: name})
}

// newConcurrency returns what serves the operations on concurrency.
func (d *daemon) newConcurrency() *concurrency.Service {
	return concurrency.New(concurrency.Options{
		Reservations: d.concurrency.reserved, Configs: d.concurrency.provisioned,
		Functions: d.catalog, Progress: d.provision.Load(), Usage: codeUsage{catalog: d.catalog, layers: d.layers},
		Scope: d.defaults(), Limit: d.cfg.MaxConcurrency,
	})
}

// newCapacity returns what serves the operations on capacity providers.
func (d *daemon) newCapacity() *capacity.Service {
	return capacity.New(capacity.Options{
		Providers: d.concurrency.providers, Bounds: d.concurrency.bounds, Functions: d.catalog,
		Scope: d.defaults(),
	})
}

// codeUsage is what the functions and layers of an account take.
type codeUsage struct {
	catalog *catalog.Catalog
	layers  *layerstore.Store
}

func (u codeUsage) Usage(account, region string) (functions int, codeSize int64) {
	for _, fn := range u.catalog.All() {
		if fn.Name.Account != account || fn.Name.Region != region {
			continue
		}
		if fn.Version == hearth.Latest {
			functions++
		}
		codeSize += fn.Code.Size
	}
	return functions, codeSize + u.layers.Bytes(account, region)
}
