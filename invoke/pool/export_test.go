package pool

import (
	"errors"
	"fmt"
	"slices"
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
	memory, active, shared := 0, 0, false
	loads, kept := map[*tally]int{}, map[*tally]int{}
	for _, g := range p.groups {
		memory += g.starting * g.fn.MemorySize
		active += len(g.waiters)
		shared = shared || g.slots > 1
		loads[g.tally] += len(g.waiters)
		kept[g.tally] += g.keep.count
		expected, provisioned, soon, aging := 0, 0, 0, 0
		for m := range g.members {
			if m.aging {
				aging++
			}
			memory += m.charged
			active += m.uses
			loads[g.tally] += m.load()
			if m.expected {
				expected++
			}
			if m.provisioned {
				provisioned++
			}
			if m.provisioned && m.expected {
				soon++
			}
		}
		equal("expected", g.expected, expected)
		equal("expected of those that are kept", g.keep.expected, soon)
		equal("provisioned", g.keep.have, provisioned)
		equal("aging", g.keep.aging, aging)
		errs = append(errs, g.check(p))
	}
	equal("memory", p.memory, memory)
	if shared && p.active > active {
		active = p.active // those of an environment that one of them found dead
	}
	equal("active", p.active, active)
	delete(loads, nil)
	errs = append(errs, p.checkTallies(loads, kept))
	if p.starting > p.opts.MaxStarting || p.starting < 0 {
		errs = append(errs, fmt.Errorf("%d starts", p.starting))
	}
	return errors.Join(errs...)
}

// checkTallies compares the books of functions and accounts with what was counted.
func (p *Pool) checkTallies(loads, kept map[*tally]int) error {
	var errs []error
	type sums struct{ load, reserved, tallies int }
	accounts := map[*account]sums{}
	for name, t := range p.tallies {
		if t.load != loads[t] || t.kept != kept[t] {
			errs = append(errs, fmt.Errorf("%s: the books say load %d and %d kept, there are %d and %d", name, t.load, t.kept, loads[t], kept[t]))
		}
		delete(loads, t)
		sum := accounts[t.account]
		sum.tallies++
		if t.reserved == noReserve {
			sum.load += t.load + t.kept
		} else {
			sum.reserved += t.reserved
		}
		accounts[t.account] = sum
	}
	if len(loads) > 0 {
		errs = append(errs, errors.New("a group has books that are closed"))
	}
	if len(accounts) != len(p.accounts) {
		errs = append(errs, fmt.Errorf("%d accounts in the books, there are %d", len(p.accounts), len(accounts)))
	}
	for a, sum := range accounts {
		if got := (sums{a.load, a.reserved, a.tallies}); got != sum {
			errs = append(errs, fmt.Errorf("account: the books say %+v, there is %+v", got, sum))
		}
	}
	return errors.Join(errs...)
}

// checkHeirs compares the successors that wait with those that are waited for.
func (g *group) checkHeirs() error {
	heirs, waiting := 0, 0
	for m := range g.members {
		if m.waiting {
			waiting++
		}
		if m.heir != nil {
			heirs++
			if _, ours := g.members[m.heir]; !ours || !m.heir.waiting || m.heir.uses > 0 || m.uses == 0 && !m.freezing && !m.expected {
				return fmt.Errorf("a successor that should not wait: member %v, waiting %v, %d uses, %d of the old one", ours, m.heir.waiting, m.heir.uses, m.uses)
			}
		}
	}
	if heirs != waiting {
		return fmt.Errorf("%d successors wait for %d environments", waiting, heirs)
	}
	return nil
}

func (g *group) check(p *Pool) error {
	var errs []error
	for _, m := range g.idle {
		if _, ok := g.members[m]; !ok || m.uses >= g.slots || m.expected {
			errs = append(errs, fmt.Errorf("an idle environment is busy, or no member: member %v, %d of %d uses, expected %v", ok, m.uses, g.slots, m.expected))
		}
		if m.leaving || m.waiting || m.heir != nil || m.uses == 0 && p.old(m) {
			errs = append(errs, fmt.Errorf("an idle environment is about to go: leaving %v, waiting %v, heir %v, old %v", m.leaving, m.waiting, m.heir != nil, p.old(m)))
		}
	}
	errs = append(errs, g.checkHeirs())
	if len(g.waiters) > 0 && len(g.idle) > 0 {
		errs = append(errs, errors.New("somebody waits beside an idle environment"))
	}
	if !p.closed && g.missing() > 0 && !slices.Contains(p.needy, g) {
		errs = append(errs, errors.New("somebody waits for nothing"))
	}
	if g.expected > 0 && len(g.waiters) > g.starting && g.patience == nil {
		errs = append(errs, errors.New("somebody waits without patience"))
	}
	if g.keep.have > g.keep.count || g.keep.starting > g.starting {
		errs = append(errs, errors.New("more is kept than should be"))
	}
	if len(g.members)+len(g.waiters)+g.starting == 0 && g.keep.isZero() {
		errs = append(errs, errors.New("a group holds nothing"))
	}
	return errors.Join(errs...)
}
