package pool

import (
	"errors"
	"fmt"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
)

// ErrInit is why an environment is not kept whose init phase failed.
var ErrInit = errors.New("the init phase failed")

// Kept says how many environments of one version are kept initialised.
type Kept struct {
	Function *hearth.Function
	Count    int
	// Max bounds the environments of a function on managed instances; further
	// invocations wait for one of theirs. 0: no bound.
	Max int
}

// Provisioned is how far the pool is with the environments that it keeps of one
// version.
type Provisioned struct {
	Count     int // that are to be there
	Allocated int // that are there, or being started
	Available int // that are there
	// Err is why the last start failed; nil after a good one. ErrInit: the
	// function's own fault.
	Err error
}

// keep is what a group knows of the environments that it keeps. Guarded by
// Pool.mu.
type keep struct {
	count, max int
	have       int // provisioned members
	expected   int // of those, which are about to be free
	starting   int // of group.starting, those that are to be kept, or to succeed others
	aging      int // members that a successor is to be started for
	failures   int // in a row
	err        error
	pause      *time.Timer // until the next start after a failure; nil: none
}

// watchKept is how often it is looked whether an idle environment that is kept
// has died.
const watchKept = time.Second

// How long after a failed start the next one is: twice as long each time.
const (
	minPause = time.Second
	maxPause = time.Minute
)

// Provision keeps environments of the versions of a function initialised ahead,
// and of no others: AWS's provisioned concurrency, and the least that managed
// instances keep. They are not closed for being idle, are replaced when they
// die, and give way to nothing. That many invocations of a version can run
// without counting against what the function may have; those beyond run on
// demand. It returns at once; see Provisioned for how far it has come.
func (p *Pool) Provision(name hearth.Name, want []Kept) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	targets := make(map[*group]Kept, len(want))
	for _, k := range want {
		if k.Count > 0 || k.Max > 0 {
			targets[p.groupLocked(k.Function, "")] = k
		}
	}
	for key, g := range p.groups {
		if key.name == name {
			k := targets[g]
			if g.retired {
				k = Kept{}
			}
			p.keepLocked(g, k)
			p.scheduleLocked(g)
			p.forgetLocked(g)
		}
	}
	p.startMissingLocked() // in the room that it made
}

// Provisioned returns how far Provision has come with a version.
func (p *Pool) Provisioned(fn *hearth.Function) Provisioned {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.groups[groupKey{name: fn.Name, version: fn.Version, generation: fn.Generation}]
	if g == nil {
		return Provisioned{}
	}
	k := &g.keep
	return Provisioned{Count: k.count, Allocated: min(k.count, k.have+k.starting), Available: min(k.count, k.have), Err: k.err}
}

// keepLocked sets what a group keeps. Environments too many become ordinary
// ones; the idle of them are closed.
func (p *Pool) keepLocked(g *group, want Kept) {
	k := &g.keep
	if want.Count != k.count {
		g.tally.keep(want.Count - k.count)
		k.count = want.Count
		k.resume()
		k.failures, k.err = 0, nil
	}
	k.max = want.Max
	for i := 0; i < len(g.idle) && k.have > k.count && !p.closed; {
		m := g.idle[i]
		if m.uses > 0 || !m.provisioned {
			i++
			continue
		}
		g.takeIdle(m)
		p.discardLocked(m)
	}
	for m := range g.members {
		if k.have > k.count {
			p.setProvisionedLocked(m, false)
		}
	}
}

// isZero reports whether nothing is set.
func (k *keep) isZero() bool { return k.count == 0 && k.max == 0 }

// resume ends the pause after a failure.
func (k *keep) resume() {
	if k.pause != nil {
		k.pause.Stop()
		k.pause = nil
	}
}

// unkept is how many starts a group lacks for what it keeps, and for successors
// of what is old.
func (g *group) unkept() int {
	if g.keep.pause != nil || g.retired {
		return 0
	}
	return g.keep.count - g.keep.have + g.keep.aging - g.keep.starting
}

// keptLocked notes how the start of an environment went that was to be kept,
// and reports whether it is of use. One whose init phase failed is, to somebody
// who waits: its invocation runs it again.
func (p *Pool) keptLocked(m *member, err error) (useful bool) {
	g := m.group
	k := &g.keep
	if err == nil && m.env.State() == environment.Broken {
		err = ErrInit
	}
	if err == nil {
		k.failures, k.err = 0, nil
		switch {
		case g.retired:
		case k.have < k.count:
			p.setProvisionedLocked(m, true)
		case k.aging > 0:
			p.succeedLocked(m)
			return true
		}
		return m.provisioned || len(g.waiters) > 0
	}
	if k.count+k.aging > 0 && !p.closed {
		p.pauseLocked(g, err)
	}
	return len(g.waiters) > 0
}

// pauseLocked waits with the next start after one that failed.
func (p *Pool) pauseLocked(g *group, err error) {
	k := &g.keep
	d := maxPause
	if k.failures < 6 {
		d = minPause << k.failures
	}
	k.failures++
	k.err = err
	k.resume()
	var pause *time.Timer
	pause = time.AfterFunc(d, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if k.pause == pause {
			k.pause = nil
			p.scheduleLocked(g)
		}
	})
	k.pause = pause
	p.opts.Logger.Warn("environment that is kept ahead", "function", g.key.name.String(), "version", g.key.version,
		"error", fmt.Errorf("start: %w", err), "again", d)
}

// initType is what an environment of a group is told.
func (g *group) initType(kept bool) string {
	switch {
	case g.fn.Managed != nil:
		return hearth.InitManaged
	case kept:
		return hearth.InitProvisioned
	default:
		return hearth.InitOnDemand
	}
}
