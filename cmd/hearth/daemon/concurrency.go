package daemon

import (
	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/mapping"
	"github.com/hearthd/hearth/edge/resource"
	"github.com/hearthd/hearth/invoke/pool"
	"github.com/hearthd/hearth/invoke/provision"
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
		reserved:    records.NewByFunction[hearth.ReservedConcurrency](set, "reserved"),
		provisioned: records.NewByFunction[hearth.ProvisionedConcurrency](set, "provisioned"),
		bounds:      records.NewByFunction[hearth.ScalingBounds](set, "scaling"),
		providers:   records.NewByID[hearth.CapacityProvider](set, "capacity-provider"),
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

// watch tells the daemon's keeper of changes, once there is one.
func (c concurrencyRecords) watch(d *daemon) {
	qualified := func(key string) {
		if k, parts := d.keeper.Load(), records.Parts(key); k != nil && len(parts) == 4 {
			k.ProvisionedChanged(hearth.Name{Account: parts[0], Region: parts[1], Function: parts[2]}, parts[3])
		}
	}
	c.provisioned.OnChange(qualified)
	c.bounds.OnChange(qualified)
	c.reserved.OnChange(func(key string) {
		if k, parts := d.keeper.Load(), records.Parts(key); k != nil && len(parts) == 3 {
			k.ReservedChanged(hearth.Name{Account: parts[0], Region: parts[1], Function: parts[2]})
		}
	})
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

// newResources returns what serves the operations on the smaller resources, and
// on event source mappings.
func (d *daemon) newResources() (*resource.Service, *mapping.Service) {
	mappings := mapping.New(mapping.Options{Mappings: d.kept.mappings, Functions: d.catalog, Scope: d.defaults()})
	return resource.New(resource.Options{
		Stores: resource.Stores{
			Reserved: d.concurrency.reserved, Provisioned: d.concurrency.provisioned,
			ScalingConfigs: d.concurrency.bounds, CapacityProviders: d.concurrency.providers,
			EventInvokeConfigs: d.kept.eventConfigs, URLs: d.kept.urls, Runtimes: d.kept.runtimes, Recursions: d.kept.recursions,
			CodeSigningConfigs: d.kept.signingConfigs, CodeSigningBindings: d.kept.signingBindings,
		},
		Functions: d.catalog, Aliases: d.catalog, Attached: attached{d.records}, Layers: d.layers, Progress: d.keeper.Load(),
		Tagged: []resource.Tagged{mappings.Tagged()}, Scope: d.defaults(), Limit: d.cfg.MaxConcurrency, Listen: d.cfg.Listen, Logger: d.logger,
	}), mappings
}
