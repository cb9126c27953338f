package runtimeapi

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi/extension"
	"github.com/hearthd/hearth/runtimeapi/longpoll"
)

// MultiConcurrent is the Session of a runtime that takes several events at a time,
// as on AWS's managed instances: any number of its workers, processes or
// threads, ask for events side by side, and answer each by its id.
//
//	/next ── event ──► delivered ──POST response or error──► over
//	  ▲        ▲           │
//	  │        └ pending   └─ Expire ──► late ──POST──► 410, over
//	  └ idle workers
//
// Its init is over when the first worker asks for an event, and every extension
// for its. Extensions cannot register for INVOKE. What it shares with a Session
// it has from one, whose runtime stays Ready.
type MultiConcurrent struct {
	*Session
	maxConcurrency int

	wmu     sync.Mutex
	idle    []*workerPoll      // the longest waiting first; none while an event is pending
	pending []*Call            // the longest waiting first
	calls   map[string]*worked // by request id: all that are not over
	over    bool
}

// workerPoll is a /next that waits.
type workerPoll struct{ got chan *Call } // capacity 1

// worked is a call of a MultiConcurrent.
type worked struct {
	call       *Call
	handed     bool // to a poll
	responding bool
	late       bool
}

func newMultiConcurrent(maxConcurrency int, external []string) *MultiConcurrent {
	return &MultiConcurrent{Session: newSession(extension.NewSet(external, true)), maxConcurrency: maxConcurrency, calls: map[string]*worked{}}
}

// errLate is an answer to an event whose time was over; errIdle is a worker too
// many.
var (
	errLate = errors.New("Invoke timeout")         // AWS's own text, sent to the runtime
	errIdle = errors.New("Too many idle runtimes") //nolint:staticcheck // sent to the runtime
)

// Invoke hands an event to a worker that waits, or else to the next one, and
// returns at once; the worker is told a deadline of timeout from now. progress
// is Done when the event is answered, and when a late worker has come back.
func (s *MultiConcurrent) Invoke(inv *hearth.Invocation, timeout time.Duration, progress Progress) (*Call, error) {
	c := newCall(inv, timeout, progress)
	s.wmu.Lock()
	defer s.wmu.Unlock()
	switch {
	case s.over:
		return nil, fmt.Errorf("invoke %s: session has ended", inv.RequestID)
	case s.calls[inv.RequestID] != nil:
		return nil, fmt.Errorf("invoke %s: it is in progress", inv.RequestID)
	}
	s.calls[inv.RequestID] = &worked{call: c}
	s.handLocked(c, false)
	return c, nil
}

// handLocked gives a call to an idle worker, or keeps it for the next one: at
// the front when it has been handed out before.
func (s *MultiConcurrent) handLocked(c *Call, again bool) {
	w := s.calls[c.inv.RequestID]
	switch {
	case len(s.idle) > 0:
		w.handed = true
		s.idle[0].got <- c // has room: it is in idle once
		s.idle = slices.Delete(s.idle, 0, 1)
	case again:
		w.handed = false
		s.pending = slices.Insert(s.pending, 0, c)
	default:
		s.pending = append(s.pending, c)
	}
}

// Expire ends the time of a call that was not answered. It reports whether no
// worker has the event, which then none gets. Otherwise the worker's answer
// will be refused, and its coming is the end of the call.
func (s *MultiConcurrent) Expire(c *Call) (unhanded bool) {
	s.wmu.Lock()
	defer s.wmu.Unlock()
	w := s.calls[c.inv.RequestID]
	if w == nil || w.call != c {
		return false
	}
	if w.handed {
		w.late = true
		return false
	}
	s.pending = slices.DeleteFunc(s.pending, func(p *Call) bool { return p == c })
	delete(s.calls, c.inv.RequestID)
	return true
}

// End is Session.End for all events in progress.
func (s *MultiConcurrent) End() {
	s.wmu.Lock()
	s.over, s.pending, s.idle = true, nil, nil
	clear(s.calls)
	s.wmu.Unlock()
	s.Session.End()
}

// enterPoll is the begin of a /next: it takes an event that is pending, or
// waits as an idle worker.
func (s *MultiConcurrent) enterPoll() (*workerPoll, *Call, error) {
	if _, err := s.poll(); err != nil {
		return nil, nil, err
	}
	s.wmu.Lock()
	defer s.wmu.Unlock()
	switch {
	case len(s.pending) > 0:
		c := s.pending[0]
		s.pending = slices.Delete(s.pending, 0, 1)
		s.calls[c.inv.RequestID].handed = true
		return nil, c, nil
	case len(s.idle) >= s.maxConcurrency:
		return nil, nil, errIdle
	}
	p := &workerPoll{make(chan *Call, 1)}
	s.idle = append(s.idle, p)
	return p, nil, nil
}

// deliver marks a call that a poll was given as delivered. It reports false
// when the session ended meanwhile: the call then is nobody's.
func (s *MultiConcurrent) deliver(c *Call) bool {
	s.wmu.Lock()
	defer s.wmu.Unlock()
	if s.over {
		return false
	}
	c.mark(&c.times.Delivered)
	return true
}

// leave takes back a poll whose client is gone; what it was given waits for
// another one, or is over when its time is.
func (s *MultiConcurrent) leave(p *workerPoll, given *Call) {
	s.takeBack(p, given).finish()
}

// takeBack is the transition of leave. It returns a call that is over.
func (s *MultiConcurrent) takeBack(p *workerPoll, given *Call) (over *Call) {
	s.wmu.Lock()
	defer s.wmu.Unlock()
	s.idle = slices.DeleteFunc(s.idle, func(other *workerPoll) bool { return other == p })
	if given == nil {
		select {
		case given = <-p.got:
		default:
			return nil
		}
	}
	switch w := s.calls[given.inv.RequestID]; {
	case w == nil:
	case w.late:
		delete(s.calls, given.inv.RequestID)
		return given
	default:
		s.handLocked(given, true)
	}
	return nil
}

// serveInvocation routes what is below /runtime/invocation/.
func (s *MultiConcurrent) serveInvocation(w http.ResponseWriter, r *http.Request, rest string) {
	serveInvocation(s, w, r, rest)
}

func (s *MultiConcurrent) serveNext(w http.ResponseWriter, r *http.Request) {
	longpoll.Begin(r)
	p, call, err := s.enterPoll()
	switch {
	case errors.Is(err, errIdle):
		writeError(w, http.StatusBadRequest, "Runtime.TooManyIdleRuntimes", err.Error())
		return
	case err != nil:
		writeError(w, http.StatusForbidden, "InvalidStateTransition", err.Error())
		return
	}
	delivered := false
	if call != nil {
		delivered = s.deliver(call)
	} else {
		w, call, delivered = longpoll.Await(w, r, p.got, s.ended, func(c *Call, gone bool) bool {
			if gone {
				s.leave(p, c)
				return false
			}
			return s.deliver(c)
		})
		if !delivered {
			s.leave(p, nil)
		}
	}
	if !delivered {
		panic(http.ErrAbortHandler) // as Session.serveNext
	}
	call.deliver()
	writeEvent(w, call)
}

// beginAnswer claims a call for one answer. The caller must end with endAnswer.
func (s *MultiConcurrent) beginAnswer(id string, _ State) (*Call, error) {
	s.wmu.Lock()
	w := s.calls[id]
	switch {
	case w == nil || !w.handed || w.responding:
		s.wmu.Unlock()
		return nil, errWrongID
	case w.late:
		delete(s.calls, id)
		s.wmu.Unlock()
		w.call.finish()
		return nil, errLate
	}
	w.responding = true
	s.wmu.Unlock()
	w.call.mark(&w.call.times.Responding)
	return w.call, nil
}

// endAnswer ends what beginAnswer began, and the call.
func (s *MultiConcurrent) endAnswer(c *Call, r Response) {
	c.respond(r)
	s.wmu.Lock()
	ours := s.calls[c.inv.RequestID] != nil
	delete(s.calls, c.inv.RequestID)
	s.wmu.Unlock()
	if ours {
		c.finish()
	}
}
