package runtimeapi

import (
	"context"
	"time"

	"github.com/hearthd/hearth/runtimeapi/extension"
)

// Registered is closed when every external extension has registered: the
// runtime can be started.
func (s *Session) Registered() <-chan struct{} { return s.registered }

// Initialized is closed when the runtime has asked for its first event, and
// every extension for its. Subscriptions are closed from then on.
func (s *Session) Initialized() <-chan struct{} { return s.initialized }

// Extensions returns what is known of each extension: the external ones in the
// order of Begin, then the internal ones as they came.
func (s *Session) Extensions() []extension.Extension {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.extensions.List()
}

// Fault is extension.Set's.
func (s *Session) Fault() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.extensions.Fault()
}

// LaunchFailed is extension.Set's.
func (s *Session) LaunchFailed(name, errorType string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.extensions.LaunchFailed(name, errorType)
}

// Shutdown is extension.Set's.
func (s *Session) Shutdown(reason string, deadline time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.extensions.Shutdown(reason, deadline)
}

// register is POST /extension/register. It returns the new identifier.
func (s *Session) register(name string, events []string) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.extensions.Registered()
	id, err = s.extensions.Register(name, events, s.state == Started)
	if !before && s.extensions.Registered() {
		close(s.registered)
	}
	return id, err //nolint:wrapcheck // sent to the extension as it is
}

// checkInitializedLocked ends the init phase when nobody is missing.
func (s *Session) checkInitializedLocked() {
	if s.initDone || s.state == Started || s.state == InitError || !s.extensions.Ready() {
		return
	}
	s.initDone = true
	close(s.initialized)
}

// failExtension is POST /extension/init/error and /extension/exit/error.
func (s *Session) failExtension(id string, to extension.State, errorType string) error {
	s.mu.Lock()
	back, err := s.extensions.Fail(id, to, errorType)
	done := s.backLocked(back)
	s.mu.Unlock()
	done.finish()
	return err //nolint:wrapcheck // sent to the extension as it is
}

// pollGrace is how long a poll waits for an earlier one of the same extension
// to be seen to have ended, before it counts as a second one at a time.
const pollGrace = 200 * time.Millisecond

// beginPoll is an extension's event/next: it moves the extension to Ready and
// finishes the invocation that it was the last to work on. The caller must end
// with endPoll.
func (s *Session) beginPoll(ctx context.Context, id string) (*extension.Agent, error) {
	giveUp := time.NewTimer(pollGrace)
	defer giveUp.Stop()
	for {
		a, earlier, done, err := s.enterPoll(id)
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
			s.mu.Lock()
			defer s.mu.Unlock()
			return nil, a.RefusePoll(id) //nolint:wrapcheck // sent to the extension as it is
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// enterPoll is the transition of beginPoll. earlier is the end of the poll that
// is in the way, if there is one; done is the invocation that ended.
func (s *Session) enterPoll(id string) (a *extension.Agent, earlier <-chan struct{}, done *Call, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, earlier, back, err := s.extensions.Poll(id)
	if err != nil {
		return nil, nil, nil, err //nolint:wrapcheck // sent to the extension as it is
	}
	s.checkInitializedLocked()
	return a, earlier, s.backLocked(back), nil
}

func (s *Session) endPoll(a *extension.Agent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.EndPoll()
}

// backLocked notes whether an extension has come back from the invocation in
// progress, and returns the invocation if that was the last one to wait for.
func (s *Session) backLocked(back bool) (done *Call) {
	if !back {
		return nil
	}
	return s.arriveLocked(s.inProgress)
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

// deliverTo makes an event taken from its queue an extension's; see
// longpoll.Await.
func (s *Session) deliverTo(a *extension.Agent, ev *extension.Event, gone bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.closed && a.Take(ev, gone)
}

// subscriber is the name of the extension that may subscribe to an API now.
func (s *Session) subscriber(id, api string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.extensions.Find(id)
	switch {
	case err != nil:
		return "", err //nolint:wrapcheck // sent to the extension as it is
	case !s.initDone && !s.closed:
		return a.Name, nil
	case api == LogsAPI:
		return "", extension.Refuse("Logs.SubscriptionClosed", "Logs API subscription is closed already")
	default:
		return "", extension.Refuse("Telemetry.SubscriptionClosed", "Telemetry API subscription is closed already")
	}
}

// offerTo gives the event to the extensions that registered for it.
func (c *Call) offerTo(extensions *extension.Set) {
	working := extensions.Offer(func() []byte {
		return extension.InvokeBody(c.inv.RequestID, c.inv.InvokedARN, c.inv.TraceID, c.deadline)
	})
	c.withExtensions = working > 0
	c.outstanding += working
}
