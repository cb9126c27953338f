package daemon

import (
	"cmp"
	"context"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/invoke/queue"
	"github.com/hearthd/hearth/store/records"
)

// settingsRecords are what functions are set to beside their configuration.
type settingsRecords struct {
	eventConfigs    records.ByFunction[hearth.EventInvokeConfig]
	urls            records.ByFunction[hearth.FunctionURL]
	runtimes        records.ByFunction[hearth.RuntimeManagement]
	recursions      records.ByFunction[hearth.Recursion]
	signingBindings records.ByFunction[hearth.CodeSigningBinding]
	signingConfigs  records.ByID[hearth.CodeSigningConfig]
	// Mappings stay when their function goes, as on AWS.
	mappings records.ByID[hearth.EventSourceMapping]
}

// newSettingsRecords adds them to a set that is not open yet.
func newSettingsRecords(set *records.Set) settingsRecords {
	return settingsRecords{
		eventConfigs:    records.NewByFunction[hearth.EventInvokeConfig](set, "event-config"),
		urls:            records.NewByFunction[hearth.FunctionURL](set, urlKind),
		runtimes:        records.NewByFunction[hearth.RuntimeManagement](set, "runtime-management"),
		recursions:      records.NewByFunction[hearth.Recursion](set, "recursion"),
		signingBindings: records.NewByFunction[hearth.CodeSigningBinding](set, "signing-binding"),
		signingConfigs:  records.NewByID[hearth.CodeSigningConfig](set, "signing-config"),
		mappings:        records.NewByID[hearth.EventSourceMapping](set, "mapping"),
	}
}

// eventConfig returns how events of a function are treated.
func (d *daemon) eventConfig(name hearth.Name, qualifier string) queue.Config {
	c := queue.Config{Retries: queue.DefaultRetries, Paused: d.keeper.Load().Paused(name)}
	if set := d.kept.eventConfigs.Lookup(name, cmp.Or(qualifier, hearth.Latest)); set != nil {
		c.MaxAge = time.Duration(api.Value(set.MaximumEventAge)) * time.Second
		if set.MaximumRetryAttempts != nil {
			c.Retries = *set.MaximumRetryAttempts
		}
		c.OnSuccess, c.OnFailure = set.OnSuccess, set.OnFailure
	}
	if latest, err := d.catalog.Lookup(name, hearth.Latest); err == nil {
		c.FunctionID = latest.ID
	}
	version := cmp.Or(qualifier, hearth.Latest)
	if alias, err := d.catalog.LookupAlias(name, qualifier); err == nil {
		version = alias.Version
	}
	if fn, err := d.catalog.Lookup(name, version); err == nil {
		c.DeadLetter = fn.DeadLetterTarget
	}
	return c
}

// owner returns an error when there is no such function, or no such version or
// alias of it.
func (d *daemon) owner(name hearth.Name, qualifier string) (err error) {
	if hearth.IsAlias(qualifier) {
		_, err = d.catalog.LookupAlias(name, qualifier)
	} else {
		_, err = d.catalog.Lookup(name, qualifier)
	}
	return err
}

// loopsAllowed reports whether a function may invoke itself without end.
func (d *daemon) loopsAllowed(name hearth.Name) bool {
	set := d.kept.recursions.Lookup(name, "")
	return set != nil && set.Loop == hearth.RecursionAllow
}

// attached is the Attached of functions and of aliases on the record set.
type attached struct{ *records.Set }

// urlKind is the collection of function URLs.
const urlKind = "url"

func (a attached) DeleteAlias(ctx context.Context, name hearth.Name, alias string) error {
	return a.DeleteExcept(ctx, name, alias, urlKind)
}
