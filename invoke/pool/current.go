package pool

import (
	"slices"

	"github.com/hearthd/hearth"
)

// Functions finds what a name and a version stand for now; see store/catalog for
// the contract. Lookup must not wait.
type Functions interface {
	Lookup(name hearth.Name, version string) (*hearth.Function, error)
}

// standing is whether a group's generation is the current one. A group is made
// first and looked up then: a change that came before there was the group shows
// in the look-up, and one that comes later retires the group. So an invocation
// that was resolved just before a change leaves no environment behind.
//
//	unverified ──► current
//	    │             │
//	    └──────────► retired
type standing uint8

const (
	standingUnverified standing = iota // nothing is started for it
	standingCurrent
	standingRetired // its environments are closed as soon as they are free
)

// verifyLocked settles whether a group is current. It releases the lock for the
// look-up; the group must be pinned.
func (p *Pool) verifyLocked(g *group) {
	if g.standing != standingUnverified {
		return
	}
	current := true
	if p.opts.Functions != nil {
		p.unlock()
		current = p.isCurrent(g.key.name, g.key.version, g.key.generation)
		p.mu.Lock()
	}
	switch {
	case g.standing != standingUnverified: // settled meanwhile
	case current:
		g.standing = standingCurrent
	default:
		g.standing = standingRetired
	}
}

// isCurrent looks a generation up.
func (p *Pool) isCurrent(name hearth.Name, version, generation string) bool {
	fn, err := p.opts.Functions.Lookup(name, version)
	return err == nil && fn.Generation == generation
}

// Changed retires the environments of a function that are not current any more.
// It is hearth.Subscriber's; a pool with Options.Changes subscribes itself.
func (p *Pool) Changed(c hearth.Change) {
	if c.Kind == hearth.KindFunction && p.opts.Functions != nil {
		p.retire(c.Function, func(version, generation string) bool { return p.isCurrent(c.Function, version, generation) })
	}
}

// retire closes the environments of a function that are not current, the idle
// ones now and the others when they are free.
func (p *Pool) retire(name hearth.Name, current func(version, generation string) bool) {
	// Only groups that there were before the look-up are judged by it: a later
	// one may be of a generation that is newer still.
	outdated := slices.DeleteFunc(p.groupsOf(name), func(g *group) bool { return current(g.key.version, g.key.generation) })
	if len(outdated) == 0 {
		return
	}
	p.mu.Lock()
	defer p.unlock()
	for _, g := range outdated {
		if p.groups[g.key] == g {
			p.retireLocked(g)
		}
	}
	p.startMissingLocked() // in the room that it made
}

// groupsOf returns the groups of a function.
func (p *Pool) groupsOf(name hearth.Name) (groups []*group) {
	p.mu.Lock()
	defer p.unlock()
	for key, g := range p.groups {
		if key.name == name {
			groups = append(groups, g)
		}
	}
	return groups
}

func (p *Pool) retireLocked(g *group) {
	g.standing = standingRetired
	p.provisionLocked(g, ProvisionTarget{})
	g.idle = slices.DeleteFunc(g.idle, func(m *member) bool { return m.phase == phaseBusy }) // no longer offered
	for len(g.idle) > 0 {
		p.discardLocked(g.idle[0])
	}
	p.scheduleLocked(g)
	p.forgetLocked(g)
}
