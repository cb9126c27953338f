package extension

import (
	"slices"
	"time"

	"github.com/hearthd/hearth/internal/uuid"
)

// Set is the extensions of one start of an environment's processes. It is not
// safe for concurrent use: the session that it belongs to guards it.
type Set struct {
	agents       []*Agent // the external ones first
	unregistered int      // of the external ones
	noInvoke     bool
	closed       bool
	fault        string // the first that an extension reported
}

// NewSet returns the extensions that the platform will start, by their names.
// With noInvoke none can register for INVOKE.
func NewSet(external []string, noInvoke bool) *Set {
	s := &Set{unregistered: len(external), noInvoke: noInvoke}
	for _, name := range external {
		s.agents = append(s.agents, newAgent(name, true))
	}
	return s
}

// Len is how many extensions there are.
func (s *Set) Len() int { return len(s.agents) }

// List returns what is known of each: the external ones in the order of NewSet,
// then the internal ones as they came.
func (s *Set) List() []Extension {
	list := make([]Extension, len(s.agents))
	for i, a := range s.agents {
		list[i] = a.Extension
	}
	return list
}

// Registered reports whether every external extension has registered.
func (s *Set) Registered() bool { return s.unregistered == 0 }

// Ready reports whether every extension has asked for an event.
func (s *Set) Ready() bool {
	return !slices.ContainsFunc(s.agents, func(a *Agent) bool { return !a.polled })
}

// Fault is the first failure that an extension has reported of itself,
// FaultInit or FaultExit, or "". It does not end anything: the extension is
// expected to exit, and the fault then is why.
func (s *Set) Fault() string { return s.fault }

// LaunchFailed notes that an external extension could not be started.
// errorType is AWS's: PermissionDenied, TooManyExtensions, UnknownError.
func (s *Set) LaunchFailed(name, errorType string) {
	if a := s.named(name); a != nil && a.External && a.State == Started {
		a.State, a.ErrorType = LaunchError, errorType
	}
}

// Find returns the extension of an identifier, or a Refusal.
func (s *Set) Find(id string) (*Agent, error) {
	for _, a := range s.agents {
		if a.id == id {
			return a, nil
		}
	}
	return nil, Refuse("Extension.UnknownExtensionIdentifier", "Unknown extension %s", id)
}

func (s *Set) named(name string) *Agent {
	for _, a := range s.agents {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// Register lets an extension register for events, and returns its new
// identifier. open says that internal extensions may still appear. The error is
// a Refusal.
func (s *Set) Register(name string, events []string, open bool) (id string, err error) {
	a := s.named(name)
	external := a != nil && a.External
	if err := checkEvents(events, external, s.noInvoke); err != nil {
		return "", err
	}
	switch {
	case s.closed, a == nil && !open:
		return "", Refuse("Extension.RegistrationClosed", "Extension registration closed already")
	case a != nil && a.id != "":
		return "", Refuse("Extension.AlreadyRegistered", "Extension with this name already registered")
	case a == nil && len(s.agents) >= Max:
		return "", Refuse("Extension.TooManyExtensions", "Extension limit (%d) reached", Max)
	case a == nil:
		a = newAgent(name, false)
		s.agents = append(s.agents, a)
	case a.State != Started:
		return "", a.transitionTo(Registered, name)
	}
	a.id, a.State = uuid.Weak(), Registered // it keeps nobody out: whoever can send it shares the sandbox
	for _, event := range []string{Shutdown, Invoke} {
		if slices.Contains(events, event) {
			a.Events = append(a.Events, event)
		}
	}
	if external {
		s.unregistered--
	}
	return a.id, nil
}

func checkEvents(events []string, external, noInvoke bool) error {
	for _, event := range events {
		switch {
		case event == Invoke && !noInvoke, event == Shutdown && external:
		case event == Shutdown:
			return Refuse("Extension.InvalidEventType", "%s: ShutdownEventNotSupportedForInternalExtension", event)
		default:
			return Refuse("Extension.InvalidEventType", "%s: ErrorInvalidEventType", event)
		}
	}
	return nil
}

// Poll is the begin of an extension's poll: it is Ready. earlier is the end of
// the poll that is in the way, if there is one. Otherwise the caller must end
// with Agent.EndPoll; back says that the extension was working on the invocation
// in progress. The error is a Refusal.
func (s *Set) Poll(id string) (a *Agent, earlier <-chan struct{}, back bool, err error) {
	if a, err = s.Find(id); err != nil {
		return nil, nil, false, err
	}
	switch {
	case s.closed:
		return nil, nil, false, a.transitionTo(Ready, id)
	case a.State == Ready && a.polling != nil:
		return a, a.polling, false, nil
	case a.State == Registered, a.State == Ready, a.State == Running:
	default:
		return nil, nil, false, a.transitionTo(Ready, id)
	}
	a.State, a.polling, a.polled = Ready, make(chan struct{}), true
	return a, nil, a.back(), nil
}

// Offer gives an invocation to the extensions that registered for it, and
// returns how many work on it now. body makes the event.
func (s *Set) Offer(body func() []byte) (working int) {
	var event []byte
	for _, a := range s.agents {
		switch {
		case !a.Wants(Invoke), a.State == InitError, a.State == ExitError:
			continue
		case event == nil:
			event = body()
		}
		a.working = true
		a.post(&Event{ID: uuid.Weak(), Body: event})
		working++
	}
	return working
}

// Fail is an extension's word that it has failed; it then does not hold an
// invocation up any more. back is as Poll's. The error is a Refusal.
func (s *Set) Fail(id string, to State, errorType string) (back bool, err error) {
	a, err := s.Find(id)
	if err != nil {
		return false, Refuse("Extension.UnknownExtensionIdentifier", "Unknown Lambda-Extension-Identifier")
	}
	switch {
	case a.State == to: // again: the first one counts
		return false, nil
	case s.closed, a.State == InitError, a.State == ExitError:
		return false, a.transitionTo(to, id)
	}
	a.State, a.ErrorType = to, errorType
	if s.fault == "" {
		s.fault = FaultInit
		if to == ExitError {
			s.fault = FaultExit
		}
	}
	return a.back(), nil
}

// Shutdown gives every external extension that registered for it the SHUTDOWN
// event. An event that was not taken yet is forgotten. reason is spindown,
// timeout or failure.
func (s *Set) Shutdown(reason string, deadline time.Time) {
	ev := &Event{Body: shutdownBody(reason, deadline)}
	for _, a := range s.agents {
		if a.External && a.Wants(Shutdown) {
			a.post(ev)
		}
	}
}

// Close is for when the processes are gone: later requests are refused.
func (s *Set) Close() { s.closed = true }
