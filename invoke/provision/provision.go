// Package provision keeps the pool at what is configured: the concurrency that
// functions reserve, the environments that are provisioned for versions and
// aliases, and the bounds of managed instances.
//
//	settings ──┐
//	versions ──┼──► Keeper ──► pool: Reserve, Provision
//	aliases  ──┘       └─────► Status: how far it has come
//
// A Keeper is told that something of a function has changed, looks up what is
// there now and tells the pool what it wants for all versions of that function
// together. So it does not matter in which order it hears of changes, and the
// same happens after a restart of the daemon as after a request.
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

// Pool is what is kept; see invoke/pool for the contract.
type Pool interface {
	Reserve(name hearth.Name, reserved *hearth.ReservedConcurrency)
	Provision(name hearth.Name, want []pool.Kept)
	Provisioned(fn *hearth.Function) pool.Provisioned
}

// Keeper keeps a pool. Its methods may be called from several goroutines, and
// do not wait.
type Keeper struct {
	functions Functions
	settings  Settings
	pool      Pool

	mu sync.Mutex
	// qualifiers are those of functions that something is provisioned for.
	qualifiers map[hearth.Name]map[string]struct{}
}

// New returns a Keeper of a pool that keeps nothing yet.
func New(functions Functions, settings Settings, p Pool) *Keeper {
	return &Keeper{functions: functions, settings: settings, pool: p, qualifiers: map[hearth.Name]map[string]struct{}{}}
}

// ReservedChanged is for when the concurrency that a function reserves may have
// changed.
func (k *Keeper) ReservedChanged(name hearth.Name) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pool.Reserve(name, k.settings.Reserved(name))
}

// ProvisionedChanged is for when what is provisioned for a qualifier, or its
// bounds, may have changed.
func (k *Keeper) ProvisionedChanged(name hearth.Name, qualifier string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	of := k.qualifiers[name]
	if k.settings.Provisioned(name, qualifier) != nil || k.settings.Bounds(name, qualifier) != nil {
		if of == nil {
			of = map[string]struct{}{}
			k.qualifiers[name] = of
		}
		of[qualifier] = struct{}{}
	} else if delete(of, qualifier); of == nil {
		return
	}
	k.applyLocked(name)
	if len(of) == 0 {
		delete(k.qualifiers, name)
	}
}

// FunctionChanged is for when a version or an alias of a function may have
// changed. It costs next to nothing for functions that nothing is provisioned
// for.
func (k *Keeper) FunctionChanged(name hearth.Name) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.qualifiers[name] != nil {
		k.applyLocked(name)
	}
}

// applyLocked tells the pool what it is to keep of a function.
func (k *Keeper) applyLocked(name hearth.Name) {
	wanted := map[string]*pool.Kept{}
	of := func(version string) *pool.Kept {
		if wanted[version] == nil {
			wanted[version] = &pool.Kept{}
		}
		return wanted[version]
	}
	for qualifier := range k.qualifiers[name] {
		if p := k.settings.Provisioned(name, qualifier); p != nil {
			for version, n := range k.split(name, qualifier, p.Executions) {
				of(version).Count += n
			}
		}
		if b := k.settings.Bounds(name, qualifier); b != nil {
			kept := of(qualifier)
			kept.Count, kept.Max = kept.Count+b.Min, b.Max
		}
	}
	var want []pool.Kept
	for version, kept := range wanted {
		if fn, err := k.functions.Lookup(name, version); err == nil && invocable(fn) {
			kept.Function = fn
			want = append(want, *kept)
		}
	}
	k.pool.Provision(name, want)
}

// invocable reports whether environments of a version can be started. One that
// becomes so later has changed.
func invocable(fn *hearth.Function) bool {
	return fn.State != hearth.StatePending && fn.State != hearth.StateFailed
}

// split says how much of n goes to which version.
func (k *Keeper) split(name hearth.Name, qualifier string, n int) map[string]int {
	if !hearth.IsAlias(qualifier) {
		return map[string]int{qualifier: n}
	}
	alias, err := k.functions.LookupAlias(name, qualifier)
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
func (k *Keeper) Status(p *hearth.ProvisionedConcurrency) hearth.Provisioning {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := hearth.Provisioning{Status: hearth.ProvisioningInProgress}
	for version, n := range k.split(p.Function, p.Qualifier, p.Executions) {
		fn, err := k.functions.Lookup(p.Function, version)
		if err != nil || n == 0 {
			continue
		}
		got := k.pool.Provisioned(fn)
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

// Paused reports whether nothing of a function can run, since it reserves no
// concurrency.
func (k *Keeper) Paused(name hearth.Name) bool {
	r := k.settings.Reserved(name)
	return r != nil && r.Executions == 0
}
