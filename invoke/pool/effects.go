package pool

import (
	"sync"
	"time"
)

// effects is what follows from a change and is done by others: they may take
// their time, or call the pool. Methods that hold the lock note it; unlock does
// it.
type effects struct {
	grants   []delivery
	starts   []*member
	closes   []*member
	warnings []warning
	rearm    bool // the clock is to call at another time
}

// delivery is a grant on its way to who waits for it.
type delivery struct {
	to    *waiter
	grant grant
}

// warning is something to log.
type warning struct {
	text string
	args []any
}

// unlock releases the lock and then does what was noted while it was held.
func (p *Pool) unlock() {
	todo := p.todo
	p.todo = nil
	p.mu.Unlock()
	if todo == nil {
		return // as nearly always: a warm environment needs nothing of this
	}
	for _, d := range todo.grants {
		d.to.grant <- d.grant
	}
	for _, m := range todo.starts {
		p.launch(m)
	}
	for _, m := range todo.closes {
		go p.closeMember(m) // owned by p.wg, see closeAfterwards
	}
	if todo.rearm {
		p.rearm()
	}
	for _, w := range todo.warnings {
		p.opts.Logger.Warn(w.text, w.args...)
	}
}

// afterwards returns what to do when the lock is released.
func (p *Pool) afterwards() *effects {
	if p.todo == nil {
		p.todo = &effects{}
	}
	return p.todo
}

// closeAfterwards has an environment closed. Close of the pool waits for it from
// now on.
func (p *Pool) closeAfterwards(m *member) {
	p.wg.Add(1)
	p.afterwards().closes = append(p.afterwards().closes, m)
}

func (p *Pool) closeMember(m *member) {
	defer p.wg.Done()
	if err := m.env.Close(); err != nil {
		p.opts.Logger.Error("close environment", "function", m.group.key.name.String(), "error", err)
	}
}

// startAfterwards has an environment started. Close of the pool waits for it
// from now on.
func (p *Pool) startAfterwards(m *member) {
	p.wg.Add(1)
	p.afterwards().starts = append(p.afterwards().starts, m)
}

// launch begins a start. Its slot is another's when it is through, or takes long.
func (p *Pool) launch(m *member) {
	freeSlot := sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.unlock()
		p.starting--
		p.startMissingLocked()
	})
	slow := time.AfterFunc(startSlot, freeSlot)
	go func() { // owned by p.wg, see startAfterwards
		defer p.wg.Done()
		p.start(m)
		slow.Stop()
		freeSlot()
	}()
}

// grantAfterwards sends a waiter what it waits for.
func (p *Pool) grantAfterwards(w *waiter, g grant) {
	p.afterwards().grants = append(p.afterwards().grants, delivery{w, g})
}

// warnAfterwards logs what is wrong.
func (p *Pool) warnAfterwards(text string, args ...any) {
	p.afterwards().warnings = append(p.afterwards().warnings, warning{text, args})
}
