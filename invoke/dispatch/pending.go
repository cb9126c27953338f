package dispatch

import (
	"sync"
	"sync/atomic"

	"github.com/hearthd/hearth"
)

// pending has the requests that wait for Pending functions. The feed of changes
// tells it of every change, most of which nobody waits for.
type pending struct {
	waiting atomic.Int64 // requests in waiters

	mu      sync.Mutex
	waiters map[hearth.Name]map[chan struct{}]struct{}
}

// wait returns a channel that is closed at the next change of a version of the
// function. leave ends the wait before; it may be called after, too.
func (p *pending) wait(name hearth.Name) (changed <-chan struct{}, leave func()) {
	c := make(chan struct{})
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiters == nil {
		p.waiters = map[hearth.Name]map[chan struct{}]struct{}{}
	}
	if p.waiters[name] == nil {
		p.waiters[name] = map[chan struct{}]struct{}{}
	}
	p.waiters[name][c] = struct{}{}
	p.waiting.Add(1)
	return c, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if _, ours := p.waiters[name][c]; ours {
			p.waiting.Add(-1)
			delete(p.waiters[name], c)
			if len(p.waiters[name]) == 0 {
				delete(p.waiters, name)
			}
		}
	}
}

// Changed wakes those who wait for a function. It makes pending a
// hearth.Subscriber.
func (p *pending) Changed(c hearth.Change) {
	if c.Kind != hearth.KindFunction || p.waiting.Load() == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for waiter := range p.waiters[c.Function] {
		close(waiter)
		p.waiting.Add(-1)
	}
	delete(p.waiters, c.Function)
}
