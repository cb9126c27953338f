package pool

import (
	"fmt"
	"sync"
	"time"
)

// scheduleLocked makes the starts that are missing and allowed, the functions
// in turn. g is one whose need may have changed.
func (p *Pool) scheduleLocked(g *group) {
	if g.missing() > 0 && !g.needy {
		g.needy = true
		p.needy = append(p.needy, g)
	} else if len(g.waiters) > g.starting && g.patience == nil {
		p.countOnLocked(g)
	}
	for len(p.needy) > 0 && p.starting < p.opts.MaxStarting && !p.closed {
		next := p.needy[0]
		if next.missing() <= 0 {
			next.needy = false
			p.needy = p.needy[1:]
			continue
		}
		if !p.makeRoomLocked(next.fn.MemorySize) {
			return // whoever is freed next makes room
		}
		p.startLocked(next)
		p.needy = append(p.needy[1:], next)
	}
}

// patience is how long an invocation waits for an environment that has given
// its answer and is about to be free.
const patience = 10 * time.Millisecond

// missing is how many starts a group lacks.
func (g *group) missing() int { return len(g.waiters) - g.starting - g.finishing }

// countOnLocked stops counting on those members of a group that are finishing
// now, when they are not free after patience.
func (p *Pool) countOnLocked(g *group) {
	var late []*member
	for m := range g.members {
		if m.finishing {
			late = append(late, m)
		}
	}
	g.patience = time.AfterFunc(patience, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		g.patience = nil
		for _, m := range late {
			if m.finishing {
				m.finishing = false
				g.finishing--
			}
		}
		p.scheduleLocked(g)
	})
}

// makeRoomLocked reports whether an environment of that many MB may be added,
// closing idle ones for it if need be, the least recently used first. A
// function larger than the bound may run when it is alone.
func (p *Pool) makeRoomLocked(need int) bool {
	for p.opts.MaxMemory > 0 && p.memory > 0 && p.memory+need > p.opts.MaxMemory {
		var oldest *member
		for _, g := range p.groups {
			if len(g.idle) > 0 && (oldest == nil || g.idle[0].idleSince.Before(oldest.idleSince)) {
				oldest = g.idle[0]
			}
		}
		if oldest == nil {
			return false
		}
		oldest.group.idle = oldest.group.idle[1:]
		p.discardLocked(oldest)
	}
	return true
}

// startLocked begins a start for a group.
func (p *Pool) startLocked(g *group) {
	g.starting++
	p.starting++
	p.memory += g.fn.MemorySize
	freeSlot := sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.starting--
		p.scheduleLocked(g)
	})
	slow := time.AfterFunc(startSlot, freeSlot)
	p.wg.Go(func() {
		p.start(g)
		slow.Stop()
		freeSlot()
	})
}

// start opens and initializes an environment and gives it to the group. A
// failed init phase is not an error here: the invocation that gets the
// environment runs it again and sees why.
func (p *Pool) start(g *group) {
	env, err := p.opts.Open(p.ctx, g.fn)
	if err == nil {
		env.Init()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	g.starting--
	if err != nil {
		p.memory -= g.fn.MemorySize
		if len(g.waiters) > 0 {
			p.active--
			g.popWaiter().grant <- grant{err: fmt.Errorf("start an environment of %s: %w", g.key.name, err)}
		}
		p.scheduleLocked(g)
		p.forgetLocked(g)
		return
	}
	m := &member{env: env, group: g, charged: g.fn.MemorySize}
	g.members[m] = struct{}{}
	p.returnLocked(m, env.State(), env.MemoryUsed())
}
