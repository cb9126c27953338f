// Package provision brings the pool to what is configured: the concurrency that
// functions reserve, the environments that are provisioned for versions and
// aliases, and the bounds of managed instances.
//
//	settings ──┐
//	versions ──┼──► Reconciler ──► pool: Reserve, Provision
//	aliases  ──┘         └───────► Status: how far it has come
//
// A Reconciler subscribes to changes. When it is told of one it looks up what is
// there now and tells the pool what it wants for all versions of the function
// together. So it does not matter in which order it hears of changes, and the
// same happens after a restart of the daemon, when it is told of everything, as
// after a request.
//
// What an alias is provisioned with goes to its version; to both of them, by
// their weights, when it has two.
package provision

import (
	"errors"
	"sync"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/pool"
)

// Functions finds functions; see store/catalog for the contract. The methods
// must not wait.
type Functions interface {
	Lookup(name hearth.Name, version string) (*hearth.Function, error)
	LookupAlias(name hearth.Name, alias string) (*hearth.Alias, error)
}

// Settings are what is configured; nil where nothing is. The methods must not
// wait.
type Settings interface {
	Reserved(name hearth.Name) *hearth.ReservedConcurrency
	Provisioned(name hearth.Name, qualifier string) *hearth.ProvisionedConcurrency
	Bounds(name hearth.Name, qualifier string) *hearth.ScalingBounds
}

// Pool is what is brought to the settings; see invoke/pool for the contract.
type Pool interface {
	Reserve(name hearth.Name, reserved *hearth.ReservedConcurrency)
	Provision(name hearth.Name, want []pool.ProvisionTarget)
	Provisioned(fn *hearth.Function) pool.Provisioned
}

// Reconciler has a pool provision what is configured. Create it with New and Close
// it. Its methods may be called from several goroutines, and do not wait.
type Reconciler struct {
	functions   Functions
	settings    Settings
	pool        Pool
	unsubscribe func()

	mu sync.Mutex
	// qualifiers are those of functions that something is provisioned for.
	qualifiers map[hearth.Name]map[string]struct{}
}

// New returns a Reconciler of a pool for which nothing is set yet.
func New(functions Functions, settings Settings, p Pool) *Reconciler {
	return &Reconciler{
		functions: functions, settings: settings, pool: p, qualifiers: map[hearth.Name]map[string]struct{}{}, unsubscribe: func() {},
	}
}

// Start tells the pool of all that is configured, and from then on of what changes.
// Environments begin to start with it. It may be called once, before Close.
func (r *Reconciler) Start(changes hearth.Changes) { r.unsubscribe = changes.Subscribe(r) }

// Close leaves the pool as it is from now on. When it returns, no call of the pool
// goes on.
func (r *Reconciler) Close() { r.unsubscribe() }

// Changed is hearth.Subscriber's; a Reconciler subscribes itself.
func (r *Reconciler) Changed(c hearth.Change) {
	switch c.Kind {
	case hearth.KindReservedConcurrency:
		r.reservedChanged(c.Function)
	case hearth.KindProvisionedConcurrency, hearth.KindScalingBounds:
		r.provisionedChanged(c.Function, c.Qualifier)
	case hearth.KindFunction, hearth.KindAlias:
		r.functionChanged(c.Function)
	}
}

func (r *Reconciler) reservedChanged(name hearth.Name) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pool.Reserve(name, r.settings.Reserved(name))
}

// provisionedChanged is for when what is provisioned for a qualifier, or its
// bounds, may have changed.
func (r *Reconciler) provisionedChanged(name hearth.Name, qualifier string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := r.qualifiers[name]
	if r.settings.Provisioned(name, qualifier) != nil || r.settings.Bounds(name, qualifier) != nil {
		if of == nil {
			of = map[string]struct{}{}
			r.qualifiers[name] = of
		}
		of[qualifier] = struct{}{}
	} else if delete(of, qualifier); of == nil {
		return
	}
	r.applyLocked(name)
	if len(of) == 0 {
		delete(r.qualifiers, name)
	}
}

// functionChanged is for when a version or an alias of a function may have
// changed. It costs next to nothing for functions that nothing is provisioned
// for.
func (r *Reconciler) functionChanged(name hearth.Name) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.qualifiers[name] != nil {
		r.applyLocked(name)
	}
}

// applyLocked tells the pool what is to be provisioned of a function.
func (r *Reconciler) applyLocked(name hearth.Name) {
	targets := map[string]*pool.ProvisionTarget{}
	of := func(version string) *pool.ProvisionTarget {
		if targets[version] == nil {
			targets[version] = &pool.ProvisionTarget{}
		}
		return targets[version]
	}
	for qualifier := range r.qualifiers[name] {
		if p := r.settings.Provisioned(name, qualifier); p != nil {
			for version, n := range r.split(name, qualifier, p.Executions) {
				of(version).Requested += n
			}
		}
		if b := r.settings.Bounds(name, qualifier); b != nil {
			target := of(qualifier)
			target.Requested, target.Max = target.Requested+b.Min, b.Max
		}
	}
	var want []pool.ProvisionTarget
	for version, target := range targets {
		if fn, err := r.functions.Lookup(name, version); err == nil && invocable(fn) {
			target.Function = fn
			want = append(want, *target)
		}
	}
	r.pool.Provision(name, want)
}

// invocable reports whether environments of a version can be started. One that
// becomes so later has changed.
func invocable(fn *hearth.Function) bool {
	return fn.State != hearth.StatePending && fn.State != hearth.StateFailed
}

// split says how much of n goes to which version.
func (r *Reconciler) split(name hearth.Name, qualifier string, n int) map[string]int {
	if !hearth.IsAlias(qualifier) {
		return map[string]int{qualifier: n}
	}
	alias, err := r.functions.LookupAlias(name, qualifier)
	if err != nil {
		return nil
	}
	if alias.Additional == "" {
		return map[string]int{alias.Version: n}
	}
	additional := int(float64(n)*alias.AdditionalWeight + 0.5)
	return map[string]int{alias.Version: n - additional, alias.Additional: additional}
}

// initFailure is what AWS says of environments whose init phase fails.
const initFailure = "FUNCTION_ERROR_INIT_FAILURE"

// Status returns how far what is provisioned for a qualifier has come.
func (r *Reconciler) Status(p *hearth.ProvisionedConcurrency) hearth.Provisioning {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := hearth.Provisioning{Status: hearth.ProvisioningInProgress}
	for version, n := range r.split(p.Function, p.Qualifier, p.Executions) {
		fn, err := r.functions.Lookup(p.Function, version)
		if err != nil || n == 0 {
			continue
		}
		got := r.pool.Provisioned(fn)
		s.Allocated += min(n, got.Allocated)
		s.Available += min(n, got.Available)
		if got.Err != nil {
			s.Status, s.Reason = hearth.ProvisioningFailed, initFailure
			if !errors.Is(got.Err, pool.ErrInit) {
				s.Reason = got.Err.Error()
			}
		}
	}
	if s.Available >= p.Executions {
		s.Status, s.Reason = hearth.ProvisioningReady, ""
	}
	return s
}
