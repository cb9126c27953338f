package runtimeapi

import (
	"context"
	"net/http"
	"time"
)

// pollGrace is how long a poll waits for an earlier one of the same extension
// to be seen to have ended, before it counts as a second one at a time.
const pollGrace = 200 * time.Millisecond

// beginPoll is an extension's event/next: it moves the extension to Ready and
// finishes the invocation that it was the last to work on. The caller must end
// with endPoll.
func (s *Session) beginPoll(ctx context.Context, id string) (*agent, error) {
	giveUp := time.NewTimer(pollGrace)
	defer giveUp.Stop()
	for {
		a, earlier, done, err := s.enterAgentReady(id)
		if err != nil {
			return nil, err
		}
		done.finish()
		if earlier == nil {
			return a, nil
		}
		select {
		case <-earlier: // its client was gone
		case <-giveUp.C:
			return nil, a.transitionTo(ExtensionReady, id)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// enterAgentReady is the transition of beginPoll. earlier is the end of the
// poll that is in the way, if there is one; done is the invocation that ended.
func (s *Session) enterAgentReady(id string) (a *agent, earlier <-chan struct{}, done *Call, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a = s.findAgentLocked(id)
	if a == nil {
		return nil, nil, nil, refusal("Extension.UnknownExtensionIdentifier", "Unknown extension %s", id)
	}
	switch {
	case s.closed:
		return nil, nil, nil, a.transitionTo(ExtensionReady, id)
	case a.State == ExtensionReady && a.polling != nil:
		return a, a.polling, nil, nil
	case a.State == ExtensionRegistered, a.State == ExtensionReady, a.State == ExtensionRunning:
	default:
		return nil, nil, nil, a.transitionTo(ExtensionReady, id)
	}
	a.State, a.polling = ExtensionReady, make(chan struct{})
	if !a.ready {
		a.ready = true
		s.checkInitializedLocked()
	}
	return a, nil, s.backLocked(a), nil
}

func (s *Session) endPoll(a *agent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(a.polling)
	a.polling = nil
}

// backLocked notes that an extension does not hold up its invocation any more,
// and returns the invocation if that was the last one to wait for.
func (s *Session) backLocked(a *agent) (done *Call) {
	c := a.call
	a.call = nil
	return s.arriveLocked(c)
}

// arriveLocked counts one off that a call waits for, and returns the call when
// it was the last.
func (s *Session) arriveLocked(c *Call) (done *Call) {
	if c == nil {
		return nil
	}
	if c.outstanding--; c.outstanding > 0 {
		return nil
	}
	s.inProgress = nil
	return c
}

// offerLocked gives an invocation to the extensions that registered for it.
func (s *Session) offerLocked(c *Call) {
	var body []byte
	for _, a := range s.agents {
		switch {
		case !a.Wants(EventInvoke), a.State == ExtensionInitError, a.State == ExtensionExitError:
			continue
		case body == nil:
			body = invokeBody(c)
		}
		c.outstanding++
		c.shared = true
		a.call = c
		a.post(&agentEvent{id: newUUID(), body: body})
	}
}

// awaitAgent blocks until there is an event for this poll. It returns nil when
// the client or the session is gone.
func (s *Session) awaitAgent(w http.ResponseWriter, r *http.Request, a *agent) (to http.ResponseWriter, ev *agentEvent) {
	ctx := r.Context()
	select {
	case ev := <-a.queue:
		if s.deliverAgent(a, ev, ctx.Err() != nil) {
			return w, ev
		}
		if ctx.Err() == nil {
			return nil, nil // the session has ended
		}
	case <-ctx.Done():
	case <-s.ended:
		return nil, nil
	}
	p := park(w)
	if p == nil {
		return nil, nil
	}
	for {
		select {
		case ev := <-a.queue:
			if s.deliverAgent(a, ev, !p.alive()) {
				return p, ev
			}
		case <-p.probe():
			if p.alive() {
				continue
			}
		case <-s.ended:
		}
		p.Close()
		return nil, nil
	}
}

// deliverAgent makes an event taken from the queue the extension's. It reports
// false when the session ended meanwhile, and when the client is gone: the
// event then waits for the next poll.
func (s *Session) deliverAgent(a *agent, ev *agentEvent, gone bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if gone {
		a.putBack(ev)
		return false
	}
	if a.State == ExtensionReady {
		a.State = ExtensionRunning
	}
	return true
}
