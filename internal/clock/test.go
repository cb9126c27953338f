package clock

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ErrBackwards is what Advance returns for a negative duration.
var ErrBackwards = errors.New("a clock does not go back")

// maxFired bounds the timers that a Report names.
const maxFired = 1000

// Test is a clock that stands still but for Advance. The zero value is not
// usable; see NewTest and OpenTest.
type Test struct {
	advancing chan struct{} // a slot: one Advance at a time
	file      string        // that Save writes; empty: none
	saving    sync.Mutex    // one Save at a time

	mu       sync.Mutex
	now      time.Time
	timers   schedule
	armed    uint64     // timers so far: those of one instant fire as they were armed
	settlers []*Settler // the slice is replaced, never written to
}

// NewTest returns a clock that shows a time.
func NewTest(now time.Time) *Test {
	return &Test{advancing: make(chan struct{}, 1), now: now}
}

// Report says what an Advance did.
type Report struct {
	From, To time.Time
	Fired    []Firing // in order; at most 1000
	More     int      // how many came due besides those
}

// Firing is a timer that came due.
type Firing struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
}

// Now implements Clock.
func (c *Test) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc implements Clock. A timer that is due already fires with the next
// Advance, be it one of zero.
func (c *Test) AfterFunc(d time.Duration, what string, f func()) Timer {
	t := &testTimer{clock: c, what: what, call: f, index: -1}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armLocked(t, d)
	return t
}

// Settler is a part that timers set going.
type Settler interface {
	// Settle returns when what was set going has come to rest, so that the timers
	// that it armed are due in their turn, or when ctx ends (with its cause).
	Settle(ctx context.Context) error
}

// AddSettler makes Advance wait for s after each instant at which timers fired, until
// remove is called. A part that ends before the clock has itself removed.
func (c *Test) AddSettler(s Settler) (remove func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settlers = append(slices.Clone(c.settlers), &s)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.settlers = slices.DeleteFunc(slices.Clone(c.settlers), func(other *Settler) bool { return other == &s })
	}
}

// Advance moves the clock by d, from one due timer to the next: at each it
// shows exactly that time, calls back whatever is due, and waits until
// everything has settled. Two retries, the second armed when the first has
// failed, so come in one Advance as they would in as much real time. When ctx
// ends, the clock stays where it has come to: Report.To, with ctx's cause.
func (c *Test) Advance(ctx context.Context, d time.Duration) (Report, error) {
	select {
	case c.advancing <- struct{}{}:
		defer func() { <-c.advancing }()
	case <-ctx.Done():
		return Report{From: c.Now(), To: c.Now()}, context.Cause(ctx)
	}
	r := Report{From: c.Now()}
	r.To = r.From
	if d < 0 {
		return r, fmt.Errorf("advance by %v: %w", d, ErrBackwards)
	}
	target := r.From.Add(d)
	// What went on before belongs to the time before.
	err := c.settle(ctx)
	for err == nil {
		if err = context.Cause(ctx); err != nil {
			break
		}
		due := c.step(target)
		if due == nil {
			break
		}
		for _, t := range due {
			r.add(Firing{c.Now(), t.what})
			t.call()
		}
		err = c.settle(ctx)
	}
	r.To = c.Now()
	if err != nil {
		return r, fmt.Errorf("advance from %s to %s: %w", r.From.Format(time.RFC3339), target.Format(time.RFC3339), err)
	}
	return r, nil
}

func (r *Report) add(f Firing) {
	if len(r.Fired) < maxFired {
		r.Fired = append(r.Fired, f)
	} else {
		r.More++
	}
}

// Pending returns what is armed, at most limit of it, in the order in which it
// comes due.
func (c *Test) Pending(limit int) []Firing {
	c.mu.Lock()
	defer c.mu.Unlock()
	// The heap's order is only a partial one; a copy is taken apart.
	rest := make(schedule, len(c.timers))
	for i, t := range c.timers {
		rest[i] = &testTimer{at: t.at, armed: t.armed, what: t.what}
	}
	var pending []Firing
	for len(rest) > 0 && len(pending) < limit {
		t, _ := heap.Pop(&rest).(*testTimer)
		pending = append(pending, Firing{t.at, t.what})
	}
	return pending
}

func (c *Test) settle(ctx context.Context) error {
	c.mu.Lock()
	settlers := c.settlers
	c.mu.Unlock()
	for _, s := range settlers {
		if err := (*s).Settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// step moves the clock to the next instant at which timers are due, up to
// target, and takes them out; nil when it has come to target.
func (c *Test) step(target time.Time) (due []*testTimer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.timers) == 0 || c.timers[0].at.After(target) {
		c.now = target
		return nil
	}
	if at := c.timers[0].at; at.After(c.now) {
		c.now = at
	}
	for len(c.timers) > 0 && !c.timers[0].at.After(c.now) {
		t, _ := heap.Pop(&c.timers).(*testTimer)
		due = append(due, t)
	}
	return due
}

func (c *Test) armLocked(t *testTimer, d time.Duration) {
	c.armed++
	t.at, t.armed = c.now.Add(max(d, 0)), c.armed
	heap.Push(&c.timers, t)
}

// testTimer is a timer of a Test. Guarded by its clock's mu.
type testTimer struct {
	clock *Test
	what  string
	call  func()
	at    time.Time
	armed uint64
	index int // in the schedule; -1: not armed
}

// Stop implements Timer.
func (t *testTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	return t.disarmLocked()
}

// Reset implements Timer.
func (t *testTimer) Reset(d time.Duration) bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	was := t.disarmLocked()
	t.clock.armLocked(t, d)
	return was
}

func (t *testTimer) disarmLocked() bool {
	if t.index < 0 {
		return false
	}
	heap.Remove(&t.clock.timers, t.index)
	return true
}

// schedule is a heap of timers, the next due first.
type schedule []*testTimer

func (s schedule) Len() int { return len(s) }

func (s schedule) Less(i, j int) bool {
	if !s[i].at.Equal(s[j].at) {
		return s[i].at.Before(s[j].at)
	}
	return s[i].armed < s[j].armed
}

func (s schedule) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].index, s[j].index = i, j
}

// Push implements heap.Interface.
func (s *schedule) Push(x any) {
	t, _ := x.(*testTimer)
	t.index = len(*s)
	*s = append(*s, t)
}

// Pop implements heap.Interface.
func (s *schedule) Pop() any {
	last := len(*s) - 1
	t := (*s)[last]
	t.index = -1
	(*s)[last] = nil
	*s = (*s)[:last]
	return t
}
