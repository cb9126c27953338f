package pool

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
)

// ErrInit is why no environment could be provisioned whose init phase failed.
var ErrInit = errors.New("the init phase failed")

// ProvisionTarget says how many environments of one version are to be there,
// initialised, whether they are used or not.
type ProvisionTarget struct {
	Function  *hearth.Function
	Requested int
	// Max bounds the environments of a function on managed instances; further
	// invocations wait for one of theirs. 0: no bound.
	Max int
}

// Provisioned is how far the pool is with the provisioned environments of one
// version.
type Provisioned struct {
	Requested int // that are to be there
	Allocated int // that are there, or being started
	Available int // that are there
	// Err is why the last start failed; nil after a good one. ErrInit: the
	// function's own fault.
	Err error
}

// provisioning is what a group knows of its provisioned environments beside
// what it counts. Guarded by Pool.mu.
type provisioning struct {
	requested, max int
	failures       int // of starts, in a row
	err            error
	pause          *time.Timer // until the next start after a failure; nil: none
}

// watchProvisioned is how often it is looked whether an idle environment that is
// provisioned has died.
const watchProvisioned = time.Second

// How long after a failed start the next one is: twice as long each time.
const (
	minPause = time.Second
	maxPause = time.Minute
)

// Provision keeps environments of the versions of a function initialised ahead,
// and of no others: AWS's provisioned concurrency, and the least that managed
// instances have. They are not closed for being idle, are replaced when they
// die, and give way to nothing. That many invocations of a version can run
// without counting against what the function may have; those beyond run on
// demand, and so do all while the environments are not there yet or cannot be had. It
// returns at once; see Provisioned for how far it has come. Of two
// calls for one function, the later must begin when the earlier has returned.
func (p *Pool) Provision(name hearth.Name, want []ProvisionTarget) {
	p.mu.Lock()
	defer p.unlock()
	targets := make(map[*group]ProvisionTarget, len(want))
	for _, t := range want {
		if p.closed {
			return
		}
		if t.Requested > 0 || t.Max > 0 {
			g := p.groupLocked(t.Function, "")
			g.pins++
			defer p.unpinLocked(g)
			p.verifyLocked(g)
			targets[g] = t
		}
	}
	if p.closed {
		return
	}
	for key, g := range p.groups {
		if key.name == name {
			t := targets[g]
			if g.standing == standingRetired {
				t = ProvisionTarget{}
			}
			p.provisionLocked(g, t)
			p.scheduleLocked(g)
			p.forgetLocked(g)
		}
	}
	p.startMissingLocked() // in the room that it made
}

// Provisioned returns how far Provision has come with a version.
func (p *Pool) Provisioned(fn *hearth.Function) Provisioned {
	p.mu.Lock()
	defer p.unlock()
	g := p.groups[groupKey{name: fn.Name, version: fn.Version, generation: fn.Generation}]
	if g == nil {
		return Provisioned{}
	}
	requested, there := g.provisioning.requested, g.totals.provisioned
	return Provisioned{
		Requested: requested, Err: g.provisioning.err,
		Allocated: min(requested, there+g.totals.startingAhead), Available: min(requested, there),
	}
}

// provisionLocked sets what is provisioned of a group. Environments too many
// become ordinary ones; the idle of them are closed.
func (p *Pool) provisionLocked(g *group, want ProvisionTarget) {
	s := &g.provisioning
	if want.Requested != s.requested {
		g.books.addProvisioned(want.Requested - s.requested)
		s.requested = want.Requested
		s.resume()
		s.failures, s.err = 0, nil
	}
	s.max = want.Max
	for i := 0; i < len(g.idle) && g.totals.provisioned > s.requested && !p.closed; {
		if m := g.idle[i]; m.provisioned && m.phase.atRest() {
			p.discardLocked(m)
		} else {
			i++
		}
	}
	for m := range g.members {
		if g.totals.provisioned > s.requested {
			p.setProvisionedLocked(m, false)
		}
	}
}

// wanted reports whether anything is set.
func (s *provisioning) wanted() bool { return s.requested > 0 || s.max > 0 }

// resume ends the pause after a failure.
func (s *provisioning) resume() {
	if s.pause != nil {
		s.pause.Stop()
		s.pause = nil
	}
}

// lacking is how many starts a group lacks for its provisioned environments, and
// for successors of what is old.
func (g *group) lacking() int {
	if g.provisioning.pause != nil || g.standing == standingRetired {
		return 0
	}
	return g.provisioning.requested - g.totals.provisioned + g.totals.successorsWanted - g.totals.startingAhead
}

// startedAheadLocked notes how the start of an environment went that was to be
// provisioned, and reports whether it is of use. One whose init phase failed is on
// managed instances, to somebody who waits: the invocation runs it again. Elsewhere
// those who wait have a start on demand.
func (p *Pool) startedAheadLocked(m *member, r reading, err error) (useful bool) {
	g := m.group
	s := &g.provisioning
	if err == nil && r.state == environment.Broken {
		err = ErrInit
	}
	if err == nil {
		s.failures, s.err = 0, nil
		switch {
		case g.standing == standingRetired:
		case g.totals.provisioned < s.requested:
			p.setProvisionedLocked(m, true)
		case g.totals.successorsWanted > 0:
			p.succeedLocked(m)
			return true
		}
		return m.provisioned || len(g.waiters) > 0
	}
	if s.requested+g.totals.successorsWanted > 0 && !p.closed {
		p.pauseLocked(g, err)
	}
	return len(g.waiters) > 0 && m.servesWaiters()
}

// pauseLocked waits with the next start after one that failed.
func (p *Pool) pauseLocked(g *group, err error) {
	s := &g.provisioning
	d := maxPause
	if s.failures < 6 {
		d = minPause << s.failures
	}
	s.failures++
	s.err = err
	s.resume()
	var pause *time.Timer
	pause = time.AfterFunc(d, func() {
		p.mu.Lock()
		defer p.unlock()
		if s.pause == pause {
			s.pause = nil
			p.scheduleLocked(g)
		}
	})
	s.pause = pause
	p.warnAfterwards("start a provisioned environment", "function", g.key.name.String(), "version", g.key.version,
		"error", err, "again", d)
}

// Settle waits until the environments that are provisioned have started, as far
// as they can. It is for a clock that is advanced step by step.
func (p *Pool) Settle(ctx context.Context) error {
	settled := p.settling()
	if settled == nil {
		return nil
	}
	select {
	case <-settled:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for environments that are provisioned: %w", context.Cause(ctx))
	}
}

// settling returns a channel that is closed once no environment that is to be
// provisioned is starting; nil when that is so.
func (p *Pool) settling() <-chan struct{} {
	p.mu.Lock()
	defer p.unlock()
	if p.startingAhead == 0 || p.closed {
		return nil
	}
	if p.settled == nil {
		p.settled = make(chan struct{})
	}
	return p.settled
}

// settleLocked wakes those who wait in Settle.
func (p *Pool) settleLocked() {
	if p.settled != nil && (p.startingAhead == 0 || p.closed) {
		close(p.settled)
		p.settled = nil
	}
}
