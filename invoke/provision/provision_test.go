package provision_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/pool"
	"github.com/hearthd/hearth/invoke/provision"
)

var name = hearth.Name{Account: "123456789012", Region: "eu-west-1", Function: "f"}

// world is all that a keeper looks at, and a pool that notes what it is told.
type world struct {
	versions    map[string]*hearth.Function
	aliases     map[string]*hearth.Alias
	reserved    *hearth.ReservedConcurrency
	provisioned map[string]*hearth.ProvisionedConcurrency
	bounds      map[string]*hearth.ScalingBounds

	told map[string]string // what is kept, by version
	got  map[string]pool.Provisioned
	has  *hearth.ReservedConcurrency
}

func newWorld() (*world, *provision.Keeper) {
	w := &world{
		versions: map[string]*hearth.Function{}, aliases: map[string]*hearth.Alias{},
		provisioned: map[string]*hearth.ProvisionedConcurrency{}, bounds: map[string]*hearth.ScalingBounds{},
	}
	for _, v := range []string{"1", "2"} {
		w.versions[v] = &hearth.Function{Name: name, Version: v}
	}
	return w, provision.New(w, w, poolOf{w})
}

func (w *world) Lookup(_ hearth.Name, version string) (*hearth.Function, error) {
	if fn := w.versions[version]; fn != nil {
		return fn, nil
	}
	return nil, hearth.ErrNotFound
}

func (w *world) LookupAlias(_ hearth.Name, alias string) (*hearth.Alias, error) {
	if a := w.aliases[alias]; a != nil {
		return a, nil
	}
	return nil, hearth.ErrNotFound
}

func (w *world) Reserved(hearth.Name) *hearth.ReservedConcurrency { return w.reserved }

func (w *world) Provisioned(_ hearth.Name, qualifier string) *hearth.ProvisionedConcurrency {
	return w.provisioned[qualifier]
}

func (w *world) Bounds(_ hearth.Name, qualifier string) *hearth.ScalingBounds {
	return w.bounds[qualifier]
}

// poolOf is the world as the keeper's pool.
type poolOf struct{ *world }

func (w poolOf) Reserve(_ hearth.Name, r *hearth.ReservedConcurrency) { w.has = r }

func (w poolOf) Provision(_ hearth.Name, want []pool.Kept) {
	w.told = map[string]string{}
	for _, k := range want {
		w.told[k.Function.Version] = fmt.Sprint(k.Count, "/", k.Max)
	}
}

func (w poolOf) Provisioned(fn *hearth.Function) pool.Provisioned { return w.got[fn.Version] }

func (w *world) provision(k *provision.Keeper, qualifier string, n int) *hearth.ProvisionedConcurrency {
	p := &hearth.ProvisionedConcurrency{Function: name, Qualifier: qualifier, Executions: n}
	w.provisioned[qualifier] = p
	k.ProvisionedChanged(name, qualifier)
	return p
}

func (w *world) want(t *testing.T, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, w.told); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

func TestKeeper_VersionIsProvisionedUntilItIsNot(t *testing.T) {
	w, k := newWorld()
	w.provision(k, "1", 3)
	w.want(t, map[string]string{"1": "3/0"})
	delete(w.provisioned, "1")
	k.ProvisionedChanged(name, "1")
	w.want(t, map[string]string{})
}

func TestKeeper_AliasMoves_ItsEnvironmentsMove(t *testing.T) {
	w, k := newWorld()
	w.aliases["live"] = &hearth.Alias{Name: "live", Version: "1"}
	w.provision(k, "live", 2)
	w.want(t, map[string]string{"1": "2/0"})
	w.aliases["live"] = &hearth.Alias{Name: "live", Version: "2"}
	k.FunctionChanged(name)
	w.want(t, map[string]string{"2": "2/0"})
}

func TestKeeper_WeightedAlias_IsShared(t *testing.T) {
	w, k := newWorld()
	w.aliases["live"] = &hearth.Alias{Name: "live", Version: "1", Additional: "2", AdditionalWeight: 0.25}
	w.provision(k, "live", 8)
	w.want(t, map[string]string{"1": "6/0", "2": "2/0"})
}

func TestKeeper_PendingVersion_IsLeftUntilItIsReady(t *testing.T) {
	w, k := newWorld()
	w.versions["1"].State = hearth.StatePending
	w.provision(k, "1", 1)
	w.want(t, map[string]string{})
	w.versions["1"] = &hearth.Function{Name: name, Version: "1", State: hearth.StateActive}
	k.FunctionChanged(name)
	w.want(t, map[string]string{"1": "1/0"})
}

func TestKeeper_FunctionWithoutSettings_IsNotThePoolsBusiness(t *testing.T) {
	w, k := newWorld()
	k.FunctionChanged(name)
	if w.told != nil {
		t.Errorf("the pool was told %v", w.told)
	}
}

func TestKeeper_BoundsOfManagedInstances(t *testing.T) {
	w, k := newWorld()
	w.bounds["1"] = &hearth.ScalingBounds{Min: 1, Max: 4}
	k.ProvisionedChanged(name, "1")
	w.want(t, map[string]string{"1": "1/4"})
}

func TestKeeper_Reserved(t *testing.T) {
	w, k := newWorld()
	w.reserved = &hearth.ReservedConcurrency{}
	k.ReservedChanged(name)
	if w.has != w.reserved || !k.Paused(name) {
		t.Errorf("the pool has %v, paused %v", w.has, k.Paused(name))
	}
	w.reserved = nil
	if k.ReservedChanged(name); w.has != nil || k.Paused(name) {
		t.Errorf("then the pool has %v, paused %v", w.has, k.Paused(name))
	}
}

func TestStatus_FollowsThePool(t *testing.T) {
	w, k := newWorld()
	w.aliases["live"] = &hearth.Alias{Name: "live", Version: "1", Additional: "2", AdditionalWeight: 0.5}
	p := w.provision(k, "live", 4)
	for _, c := range []struct {
		one, two pool.Provisioned
		want     hearth.Provisioning
	}{
		{pool.Provisioned{Allocated: 2}, pool.Provisioned{Allocated: 1}, hearth.Provisioning{Allocated: 3, Status: "IN_PROGRESS"}},
		{
			pool.Provisioned{Allocated: 2, Available: 2}, pool.Provisioned{Err: fmt.Errorf("start: %w", pool.ErrInit)},
			hearth.Provisioning{Allocated: 2, Available: 2, Status: "FAILED", Reason: "FUNCTION_ERROR_INIT_FAILURE"},
		},
		{pool.Provisioned{}, pool.Provisioned{Err: errors.New("no room")}, hearth.Provisioning{Status: "FAILED", Reason: "no room"}},
		{
			pool.Provisioned{Allocated: 2, Available: 2}, pool.Provisioned{Allocated: 2, Available: 2},
			hearth.Provisioning{Allocated: 4, Available: 4, Status: "READY"},
		},
	} {
		w.got = map[string]pool.Provisioned{"1": c.one, "2": c.two}
		if diff := cmp.Diff(c.want, k.Status(p)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
