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

// world is all that a reconciler looks at, and a pool that notes what it is told.
type world struct {
	versions    map[string]*hearth.Function
	aliases     map[string]*hearth.Alias
	reserved    *hearth.ReservedConcurrency
	provisioned map[string]*hearth.ProvisionedConcurrency
	bounds      map[string]*hearth.ScalingBounds

	there      []hearth.Change // before anybody subscribes
	subscriber hearth.Subscriber
	told       map[string]string // what is provisioned, by version
	got        map[string]pool.Provisioned
	has        *hearth.ReservedConcurrency
}

// emptyWorld has two versions of a function, and nothing that is configured.
func emptyWorld() *world {
	w := &world{
		versions: map[string]*hearth.Function{}, aliases: map[string]*hearth.Alias{},
		provisioned: map[string]*hearth.ProvisionedConcurrency{}, bounds: map[string]*hearth.ScalingBounds{},
	}
	for _, v := range []string{"1", "2"} {
		w.versions[v] = &hearth.Function{Name: name, Version: v}
	}
	return w
}

func newWorld(t *testing.T) (*world, *provision.Reconciler) {
	w := emptyWorld()
	r := provision.New(w, w, poolOf{w})
	r.Start(w)
	t.Cleanup(r.Close)
	return w, r
}

// changed tells of a change of the function.
func (w *world) changed(kind hearth.Kind, qualifier string) {
	if w.subscriber != nil {
		w.subscriber.Changed(hearth.Change{Kind: kind, Function: name, Qualifier: qualifier})
	}
}

// Subscribe makes the world a reconciler's Changes.
func (w *world) Subscribe(s hearth.Subscriber) (cancel func()) {
	w.subscriber = s
	for _, c := range w.there {
		s.Changed(c)
	}
	return func() { w.subscriber = nil }
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

// poolOf is the world as the reconciler's pool.
type poolOf struct{ *world }

func (w poolOf) Reserve(_ hearth.Name, r *hearth.ReservedConcurrency) { w.has = r }

func (w poolOf) Provision(_ hearth.Name, want []pool.ProvisionTarget) {
	w.told = map[string]string{}
	for _, t := range want {
		w.told[t.Function.Version] = fmt.Sprint(t.Requested, "/", t.Max)
	}
}

func (w poolOf) Provisioned(fn *hearth.Function) pool.Provisioned { return w.got[fn.Version] }

func (w *world) provision(qualifier string, n int) *hearth.ProvisionedConcurrency {
	p := &hearth.ProvisionedConcurrency{Function: name, Qualifier: qualifier, Executions: n}
	w.provisioned[qualifier] = p
	w.changed(hearth.KindProvisionedConcurrency, qualifier)
	return p
}

func (w *world) want(t *testing.T, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, w.told); diff != "" {
		t.Errorf("provisioned (-want +got):\n%s", diff)
	}
}

func TestReconciler_VersionIsProvisionedUntilItIsNot(t *testing.T) {
	w, _ := newWorld(t)
	w.provision("1", 3)
	w.want(t, map[string]string{"1": "3/0"})
	delete(w.provisioned, "1")
	w.changed(hearth.KindProvisionedConcurrency, "1")
	w.want(t, map[string]string{})
}

func TestReconciler_AliasMoves_ItsEnvironmentsMove(t *testing.T) {
	w, _ := newWorld(t)
	w.aliases["live"] = &hearth.Alias{Name: "live", Version: "1"}
	w.provision("live", 2)
	w.want(t, map[string]string{"1": "2/0"})
	w.aliases["live"] = &hearth.Alias{Name: "live", Version: "2"}
	w.changed(hearth.KindAlias, "live")
	w.want(t, map[string]string{"2": "2/0"})
}

func TestReconciler_WeightedAlias_IsShared(t *testing.T) {
	w, _ := newWorld(t)
	w.aliases["live"] = &hearth.Alias{Name: "live", Version: "1", Additional: "2", AdditionalWeight: 0.25}
	w.provision("live", 8)
	w.want(t, map[string]string{"1": "6/0", "2": "2/0"})
}

func TestReconciler_PendingVersion_IsLeftUntilItIsReady(t *testing.T) {
	w, _ := newWorld(t)
	w.versions["1"].State = hearth.StatePending
	w.provision("1", 1)
	w.want(t, map[string]string{})
	w.versions["1"] = &hearth.Function{Name: name, Version: "1", State: hearth.StateActive}
	w.changed(hearth.KindFunction, "1")
	w.want(t, map[string]string{"1": "1/0"})
}

func TestReconciler_FunctionWithoutSettings_IsNotThePoolsBusiness(t *testing.T) {
	w, _ := newWorld(t)
	w.changed(hearth.KindFunction, "1")
	if w.told != nil {
		t.Errorf("the pool was told %v", w.told)
	}
}

func TestReconciler_BoundsOfManagedInstances(t *testing.T) {
	w, _ := newWorld(t)
	w.bounds["1"] = &hearth.ScalingBounds{Min: 1, Max: 4}
	w.changed(hearth.KindScalingBounds, "1")
	w.want(t, map[string]string{"1": "1/4"})
}

func TestReconciler_Reserved(t *testing.T) {
	w, _ := newWorld(t)
	w.reserved = &hearth.ReservedConcurrency{}
	w.changed(hearth.KindReservedConcurrency, "")
	if w.has != w.reserved {
		t.Errorf("the pool has %v, want %v", w.has, w.reserved)
	}
	w.reserved = nil
	if w.changed(hearth.KindReservedConcurrency, ""); w.has != nil {
		t.Errorf("then the pool has %v", w.has)
	}
}

func TestStatus_FollowsThePool(t *testing.T) {
	w, r := newWorld(t)
	w.aliases["live"] = &hearth.Alias{Name: "live", Version: "1", Additional: "2", AdditionalWeight: 0.5}
	p := w.provision("live", 4)
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
		if diff := cmp.Diff(c.want, r.Status(p)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestNew_AppliesAllThatThereIs(t *testing.T) {
	w := emptyWorld()
	w.reserved = &hearth.ReservedConcurrency{Executions: 5}
	w.provisioned["1"] = &hearth.ProvisionedConcurrency{Function: name, Qualifier: "1", Executions: 2}
	w.bounds["2"] = &hearth.ScalingBounds{Min: 1, Max: 3}
	w.there = []hearth.Change{
		{Kind: hearth.KindReservedConcurrency, Function: name},
		{Kind: hearth.KindProvisionedConcurrency, Function: name, Qualifier: "1"},
		{Kind: hearth.KindScalingBounds, Function: name, Qualifier: "2"},
	}
	r := provision.New(w, w, poolOf{w})
	r.Start(w)
	defer r.Close()
	w.want(t, map[string]string{"1": "2/0", "2": "1/3"})
	if w.has != w.reserved {
		t.Errorf("reserved %v", w.has)
	}
}

func TestClose_LeavesThePoolAlone(t *testing.T) {
	w, r := newWorld(t)
	w.provision("1", 3)
	r.Close()
	w.provision("1", 5)
	w.want(t, map[string]string{"1": "3/0"})
}

func TestChanged_OfSomethingElse_IsNotThePoolsBusiness(t *testing.T) {
	w, _ := newWorld(t)
	w.changed(hearth.KindFunctionURL, "")
	w.changed(hearth.KindFunctionPolicy, "1")
	if w.told != nil || w.has != nil {
		t.Errorf("the pool was told %v, and %v", w.told, w.has)
	}
}
