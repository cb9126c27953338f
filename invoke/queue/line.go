package queue

import (
	"fmt"
	"time"

	"github.com/hearthd/hearth"
)

// firstLimit is how many events of a function run at a time at first.
const firstLimit = 8

// owner is the function that an event belongs to. One that is made under the
// name of another is another.
type owner struct {
	name hearth.Name
	id   string // hearth.Function.ID; empty: whichever has the name
}

// line is the events of one function. Guarded by Queue.mu.
type line struct {
	owner
	ready   []*event // in the order in which they are run
	active  int      // running
	events  int      // ready, running or delayed
	limit   int      // of active
	inTurns bool     // in Queue.turn
}

// lineLocked finds or makes the line of a function.
func (q *Queue) lineLocked(of owner) *line {
	l := q.lines[of]
	if l == nil {
		l = &line{owner: of, limit: min(firstLimit, q.opts.MaxPerFunction)}
		q.lines[of] = l
	}
	return l
}

// addLocked puts an event into a line that it was not in before.
func (q *Queue) addLocked(ev *event, l *line) {
	ev.line = l
	l.events++
	if q.memory+len(ev.payload) > q.opts.MaxMemory {
		ev.payload = nil
	}
	q.memory += len(ev.payload)
	q.waitLocked(ev)
}

// removeLocked forgets an event that is done.
func (q *Queue) removeLocked(ev *event) {
	q.events--
	q.memory -= len(ev.payload)
	ev.payload = nil
	if ev.line.events--; ev.line.events == 0 {
		delete(q.lines, ev.line.owner)
	}
}

// maxDelay is the longest that an event is put off for: one that is due later
// was put off by a clock that showed another time.
const maxDelay = maxBackoff

// waitLocked makes an event ready, now or when it is due.
func (q *Queue) waitLocked(ev *event) {
	delay := time.Duration(0)
	if !ev.due.IsZero() {
		delay = min(ev.due.Sub(q.opts.Clock.Now()), maxDelay)
	}
	if delay <= 0 {
		q.readyLocked(ev)
		return
	}
	what := fmt.Sprintf("run event %s of %s again", ev.id, ev.line.name.Function)
	q.opts.Clock.AfterFunc(delay, what, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.readyLocked(ev)
		q.startLocked()
	})
}

func (q *Queue) readyLocked(ev *event) {
	l := ev.line
	ev.ready = time.Now()
	l.ready = append(l.ready, ev)
	q.ready++
	q.takeTurnsLocked(l)
}

// takeTurnsLocked lets a line take its turn, if it can.
func (q *Queue) takeTurnsLocked(l *line) {
	if !l.inTurns && len(l.ready) > 0 && l.active < l.limit {
		l.inTurns = true
		q.turn = append(q.turn, l)
	}
}

// startLocked starts events, one of each line in turn, while more may run.
func (q *Queue) startLocked() {
	for q.started && !q.draining && q.active < q.opts.MaxRunning && len(q.turn) > 0 {
		l := q.turn[0]
		q.turn[0] = nil
		q.turn, l.inTurns = q.turn[1:], false
		if len(l.ready) == 0 || l.active >= l.limit {
			continue // a throttle halved its limit
		}
		ev := l.ready[0]
		l.ready[0] = nil
		l.ready = l.ready[1:]
		l.active++
		q.active++
		q.ready--
		q.takeTurnsLocked(l)
		q.running.Go(func() { q.run(ev) })
	}
}

// patience is how long events wait, in real time, before more of a function's
// are run at a time. A function that keeps up gains nothing from being more.
const patience = time.Second

// growLocked and shrinkLocked follow what a function can take.
func (l *line) growLocked(most int) {
	if len(l.ready) > 0 && l.active >= l.limit-1 && time.Since(l.ready[0].ready) >= patience {
		l.limit = min(l.limit+1, most)
	}
}

func (l *line) shrinkLocked() { l.limit = max(1, l.limit/2) }
