package daemon

import (
	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/capacity"
	"github.com/hearthd/hearth/edge/concurrency"
	"github.com/hearthd/hearth/invoke/pool"
	"github.com/hearthd/hearth/invoke/provision"
	"github.com/hearthd/hearth/store/catalog"
	layerstore "github.com/hearthd/hearth/store/layers"
	"github.com/hearthd/hearth/store/records"
)

// concurrencyRecords are what functions may use, and what is kept ready of them.
type concurrencyRecords struct {
	reserved    records.ByFunction[hearth.ReservedConcurrency]
	provisioned records.ByFunction[hearth.ProvisionedConcurrency]
	bounds      records.ByFunction[hearth.ScalingBounds]
	providers   records.ByID[hearth.CapacityProvider]
}

// newConcurrencyRecords adds them to a set that is not open yet.
func newConcurrencyRecords(set *records.Set) concurrencyRecords {
	return concurrencyRecords{
		reserved:    records.NewByFunction[hearth.ReservedConcurrency](set, hearth.KindReservedConcurrency),
		provisioned: records.NewByFunction[hearth.ProvisionedConcurrency](set, hearth.KindProvisionedConcurrency),
		bounds:      records.NewByFunction[hearth.ScalingBounds](set, hearth.KindScalingBounds),
		providers:   records.NewByID[hearth.CapacityProvider](set, hearth.KindCapacityProvider),
	}
}

// Reserved, Provisioned and Bounds make them the keeper's Settings.
func (c concurrencyRecords) Reserved(name hearth.Name) *hearth.ReservedConcurrency {
	return c.reserved.Lookup(name, "")
}

func (c concurrencyRecords) Provisioned(name hearth.Name, qualifier string) *hearth.ProvisionedConcurrency {
	return c.provisioned.Lookup(name, qualifier)
}

func (c concurrencyRecords) Bounds(name hearth.Name, qualifier string) *hearth.ScalingBounds {
	return c.bounds.Lookup(name, qualifier)
}

// follower tells the daemon's parts of changes, once there are any.
type follower struct{ daemon *daemon }

// Changed makes it a hearth.Subscriber.
func (f follower) Changed(c hearth.Change) {
	k := f.daemon.keeper.Load()
	switch c.Kind {
	case hearth.KindFunction:
		f.daemon.functionChanged(c.Function)
	case hearth.KindAlias:
		f.daemon.aliasChanged(c.Function)
	case hearth.KindProvisionedConcurrency, hearth.KindScalingBounds:
		if k != nil && c.Qualifier != "" {
			k.ProvisionedChanged(c.Function, c.Qualifier)
		}
	case hearth.KindReservedConcurrency:
		if k != nil && c.Qualifier == "" {
			k.ReservedChanged(c.Function)
		}
	}
}

// openKeeper brings the pool to what is configured, and has it kept there.
func (d *daemon) openKeeper(p *pool.Pool) {
	k := provision.New(d.catalog, d.concurrency, p)
	d.keeper.Store(k)
	for _, r := range d.concurrency.reserved.All("") {
		k.ReservedChanged(r.Value.Function)
	}
	for _, p := range d.concurrency.provisioned.All("") {
		k.ProvisionedChanged(p.Value.Function, p.Value.Qualifier)
	}
	for _, b := range d.concurrency.bounds.All("") {
		k.ProvisionedChanged(b.Value.Function, b.Value.Qualifier)
	}
}

// aliasChanged moves what is provisioned for an alias.
func (d *daemon) aliasChanged(name hearth.Name) {
	if k := d.keeper.Load(); k != nil {
		k.FunctionChanged(name)
	}
}

// newConcurrency returns what serves the operations on concurrency.
func (d *daemon) newConcurrency() *concurrency.Service {
	return concurrency.New(concurrency.Options{
		Reservations: d.concurrency.reserved, Configs: d.concurrency.provisioned,
		Functions: d.catalog, Progress: d.keeper.Load(), Usage: codeUsage{catalog: d.catalog, layers: d.layers},
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
