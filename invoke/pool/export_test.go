package pool

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hearthd/hearth"
)

// Check returns what is wrong with the pool's accounts, nil when they agree.
func (p *Pool) Check() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	equal := func(what string, got, want int) {
		if got != want {
			errs = append(errs, fmt.Errorf("%s: the books say %d, there are %d", what, got, want))
		}
	}
	memory, active, ahead, multi := 0, 0, 0, false
	loads, requested := map[*books]int{}, map[*books]int{}
	for _, g := range p.groups {
		var sum counts
		memory += g.totals.starting * g.fn.MemorySize
		ahead += g.totals.startingAhead
		active += len(g.waiters)
		multi = multi || g.concurrency > 1
		loads[g.books] += len(g.waiters)
		requested[g.books] += g.provisioning.requested
		for m := range g.members {
			sum.add(m.traitsIn(m.state), 1)
			memory += m.memoryIn(m.state)
			active += m.invocations
			loads[g.books] += m.load()
		}
		equal("expected", g.totals.expected, sum.expected)
		equal("expected of those that are provisioned", g.totals.provisionedExpected, sum.provisionedExpected)
		equal("provisioned", g.totals.provisioned, sum.provisioned)
		equal("successors wanted", g.totals.successorsWanted, sum.successorsWanted)
		errs = append(errs, g.check(p))
	}
	equal("memory", p.memory, memory)
	equal("starts ahead", p.startingAhead, ahead)
	if multi && p.active > active {
		active = p.active // those of an environment that one of them found dead
	}
	equal("active", p.active, active)
	delete(loads, nil)
	errs = append(errs, p.ledger.check(loads, requested))
	if p.starting > p.opts.MaxStarting || p.starting < 0 {
		errs = append(errs, fmt.Errorf("%d starts", p.starting))
	}
	return errors.Join(errs...)
}

// Retire is what a Change of a function does.
func (p *Pool) Retire(name hearth.Name, current func(version, generation string) bool) {
	p.retire(name, current)
}

// check compares the books of functions and accounts with what was counted.
func (l *ledger) check(loads, requested map[*books]int) error {
	var errs []error
	type sums struct{ load, reserved, functions int }
	accounts := map[*account]sums{}
	for name, t := range l.functions {
		if t.load != loads[t] || t.provisioned != requested[t] {
			errs = append(errs, fmt.Errorf("%s: the books say load %d and %d provisioned, there are %d and %d", name, t.load, t.provisioned, loads[t], requested[t]))
		}
		delete(loads, t)
		sum := accounts[t.account]
		sum.functions++
		if t.reserved == noReserve {
			sum.load += t.load + t.provisioned
		} else {
			sum.reserved += t.reserved
		}
		accounts[t.account] = sum
	}
	if len(loads) > 0 {
		errs = append(errs, errors.New("a group has books that are closed"))
	}
	if len(accounts) != len(l.accounts) {
		errs = append(errs, fmt.Errorf("%d accounts in the books, there are %d", len(l.accounts), len(accounts)))
	}
	for a, sum := range accounts {
		if got := (sums{a.load, a.reserved, a.functions}); got != sum {
			errs = append(errs, fmt.Errorf("account: the books say %+v, there is %+v", got, sum))
		}
	}
	return errors.Join(errs...)
}

// checkSuccessors compares the successors that stand by with those that are waited for.
func (g *group) checkSuccessors() error {
	ready, standby := 0, 0
	for m := range g.members {
		if m.phase == phaseStandby {
			standby++
		}
		if (m.succession == successionReady) != (m.successor != nil) {
			return fmt.Errorf("succession %d, successor %v", m.succession, m.successor != nil)
		}
		if s := m.successor; s != nil {
			ready++
			if _, ours := g.members[s]; !ours || s.phase != phaseStandby || s.invocations > 0 || m.phase.atRest() {
				return fmt.Errorf("a successor that should not wait: member %v, %s, %d invocations, the old one %s", ours, s.phase, s.invocations, m.phase)
			}
		}
	}
	if ready != standby {
		return fmt.Errorf("%d successors wait for %d environments", standby, ready)
	}
	return nil
}

// checkMembers compares what an environment is with what it has.
func (g *group) checkMembers() error {
	var errs []error
	for m := range g.members {
		busy := m.phase == phaseBusy || m.phase == phaseAnswered || m.phase == phaseDraining
		if busy != (m.invocations > 0) || m.phase == phaseFree || m.phase == phaseStarting || m.phase == phaseClosed {
			errs = append(errs, fmt.Errorf("a member is %s with %d invocations", m.phase, m.invocations))
		}
		if slices.Contains(g.idle, m) != g.offers(m.state) {
			errs = append(errs, fmt.Errorf("a member that is %s is one of the idle ones: %v", m.phase, slices.Contains(g.idle, m)))
		}
	}
	return errors.Join(errs...)
}

func (g *group) check(p *Pool) error {
	var errs []error
	now := p.opts.Clock.Now()
	for _, m := range g.idle {
		if _, ok := g.members[m]; !ok || m.invocations >= g.concurrency || m.phase.expected() {
			errs = append(errs, fmt.Errorf("an idle environment is busy, or no member: member %v, %d of %d invocations, %s", ok, m.invocations, g.concurrency, m.phase))
		}
		if m.phase == phaseDraining || m.phase == phaseStandby || m.successor != nil || m.invocations == 0 && m.age.due(now, eventEnd) {
			errs = append(errs, fmt.Errorf("an idle environment is about to go: %s, successor %v, age %v", m.phase, m.successor != nil, m.age))
		}
	}
	errs = append(errs, g.checkSuccessors(), g.checkMembers())
	if len(g.waiters) > 0 && len(g.idle) > 0 {
		errs = append(errs, errors.New("somebody waits beside an idle environment"))
	}
	if !p.closed && g.missing() > 0 && !slices.Contains(p.needy, g) {
		errs = append(errs, errors.New("somebody waits for nothing"))
	}
	if g.totals.expected > 0 && len(g.waiters) > g.totals.starting && g.patience == nil {
		errs = append(errs, errors.New("somebody waits without patience"))
	}
	if g.totals.provisioned > g.provisioning.requested || g.totals.startingAhead > g.totals.starting {
		errs = append(errs, errors.New("more is provisioned than should be"))
	}
	if g.holdsNothing() || g.pins != 0 {
		errs = append(errs, fmt.Errorf("a group holds nothing, or has %d pins", g.pins))
	}
	return errors.Join(errs...)
}
