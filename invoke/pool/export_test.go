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
	memory, active, finishing := 0, 0, 0
	for _, g := range p.groups {
		memory += g.starting * g.fn.MemorySize
		active += len(g.waiters)
		expected := 0
		for m := range g.members {
			memory += m.charged
			if m.busy {
				active++
			}
			if m.expected {
				expected++
			}
			if m.busy && m.expected {
				finishing++
			}
		}
		equal("expected", g.expected, expected)
		errs = append(errs, g.check(p))
	}
	equal("memory", p.memory, memory)
	equal("active", p.active, active)
	equal("finishing", p.finishing, finishing)
	if p.starting > p.opts.MaxStarting || p.starting < 0 {
		errs = append(errs, fmt.Errorf("%d starts", p.starting))
	}
	return errors.Join(errs...)
}

func (g *group) check(p *Pool) error {
	var errs []error
	for _, m := range g.idle {
		if _, ok := g.members[m]; !ok || m.busy || m.expected {
			errs = append(errs, errors.New("an idle environment is busy, or no member"))
		}
	}
	if len(g.waiters) > 0 && len(g.idle) > 0 {
		errs = append(errs, errors.New("somebody waits beside an idle environment"))
	}
	if !p.closed && g.missing() > 0 && !slices.Contains(p.needy, g) {
		errs = append(errs, errors.New("somebody waits for nothing"))
	}
	if g.expected > 0 && len(g.waiters) > g.starting && g.patience == nil {
		errs = append(errs, errors.New("somebody waits without patience"))
	}
	if len(g.members)+len(g.waiters)+g.starting == 0 {
		errs = append(errs, errors.New("a group holds nothing"))
	}
	return errors.Join(errs...)
}
