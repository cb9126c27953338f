package runtimeapi

import (
	"fmt"
	"slices"
	"time"
)

// MaxExtensions is how many extensions an environment may have.
const MaxExtensions = 10

// ExtensionState is where an extension is in the protocol; see the package
// comment.
type ExtensionState string

// The states of an extension, in the spelling of AWS's texts.
const (
	ExtensionStarted     ExtensionState = "Started"
	ExtensionRegistered  ExtensionState = "Registered"
	ExtensionReady       ExtensionState = "Ready"
	ExtensionRunning     ExtensionState = "Running"
	ExtensionInitError   ExtensionState = "InitError"
	ExtensionExitError   ExtensionState = "ExitError"
	ExtensionLaunchError ExtensionState = "LaunchError"
)

// The events that an extension can register for.
const (
	EventInvoke   = "INVOKE"
	EventShutdown = "SHUTDOWN"
)

// Faults that an extension reports of itself; see Session.Fault.
const (
	FaultInit = "Extension.InitError"
	FaultExit = "Extension.ExitError"
)

// Extension is what a session knows of one extension.
type Extension struct {
	Name     string
	External bool // a process of its own, started by the platform
	State    ExtensionState
	Events   []string // SHUTDOWN, INVOKE; in this order, as AWS prints them
	// ErrorType is what the extension said, or what became of its launch.
	ErrorType string
}

// Registered reports whether the extension has ever registered.
func (e *Extension) Registered() bool {
	return e.State != ExtensionStarted && e.State != ExtensionLaunchError
}

// Wants reports whether the extension registered for an event.
func (e *Extension) Wants(event string) bool { return slices.Contains(e.Events, event) }

// agent is an extension in a session. Guarded by Session.mu.
type agent struct {
	Extension

	id    string           // "" until it registers
	ready bool             // it has been at event/next
	queue chan *agentEvent // the event that waits for a poll; one at most
	// polling is closed when the poll in progress ends; nil when there is none.
	polling chan struct{}
	// call is the invocation that is not over before the extension is back.
	call *Call
}

func newAgent(name string, external bool) *agent {
	return &agent{
		Extension: Extension{Name: name, External: external, State: ExtensionStarted},
		queue:     make(chan *agentEvent, 1),
	}
}

// agentEvent is what a poll of an extension is answered with.
type agentEvent struct {
	id   string // of the event; none with SHUTDOWN
	body []byte
}

// post leaves an event for the next poll. The last one counts.
func (a *agent) post(ev *agentEvent) {
	select {
	case <-a.queue:
	default:
	}
	a.queue <- ev // has room: whoever puts holds Session.mu
}

// putBack is for a poll that could not take an event after all. An event that
// came meanwhile counts.
func (a *agent) putBack(ev *agentEvent) {
	select {
	case a.queue <- ev:
	default:
	}
}

// extensionError is a request that is refused with 403.
type extensionError struct{ errorType, message string }

func (e *extensionError) Error() string { return e.message }

func refusal(errorType, format string, args ...any) *extensionError {
	return &extensionError{errorType, fmt.Sprintf(format, args...)}
}

// transitionTo refuses a transition. who is the extension's identifier.
func (a *agent) transitionTo(to ExtensionState, who string) *extensionError {
	return refusal("Extension.InvalidExtensionState",
		"State transition from %s to %s failed for extension %s. Error: State transition is not allowed", a.State, to, who)
}

// Registered is closed when every external extension has registered: the
// runtime can be started.
func (s *Session) Registered() <-chan struct{} { return s.registered }

// Initialized is closed when the runtime has asked for its first event, and
// every extension for its. Subscriptions are closed from then on.
func (s *Session) Initialized() <-chan struct{} { return s.initialized }

// Extensions returns what is known of each extension: the external ones in the
// order of Begin, then the internal ones as they came.
func (s *Session) Extensions() []Extension {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Extension, len(s.agents))
	for i, a := range s.agents {
		list[i] = a.Extension
	}
	return list
}

// Fault is the first failure that an extension has reported of itself,
// FaultInit or FaultExit, or "". It does not end anything: the extension is
// expected to exit, and the fault then is why.
func (s *Session) Fault() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault
}

// LaunchFailed notes that an external extension could not be started.
// errorType is AWS's: PermissionDenied, TooManyExtensions, UnknownError.
func (s *Session) LaunchFailed(name, errorType string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.agents {
		if a.External && a.Name == name && a.State == ExtensionStarted {
			a.State, a.ErrorType = ExtensionLaunchError, errorType
		}
	}
}

// Shutdown gives every external extension that registered for it the SHUTDOWN
// event. An event that was not taken yet is forgotten. reason is spindown,
// timeout or failure.
func (s *Session) Shutdown(reason string, deadline time.Time) {
	ev := &agentEvent{body: shutdownBody(reason, deadline)}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.agents {
		if a.External && a.Wants(EventShutdown) {
			a.post(ev)
		}
	}
}

// findAgent returns the extension of an identifier.
func (s *Session) findAgentLocked(id string) *agent {
	for _, a := range s.agents {
		if a.id == id {
			return a
		}
	}
	return nil
}

// checkInitializedLocked ends the init phase when nobody is missing.
func (s *Session) checkInitializedLocked() {
	if s.state == Started || s.state == InitError {
		return
	}
	for _, a := range s.agents {
		if !a.ready {
			return
		}
	}
	s.initDone = true
	close(s.initialized)
}

// register is POST /extension/register. It returns the new identifier.
func (s *Session) register(name string, events []string) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var a *agent
	for _, known := range s.agents {
		if known.Name == name {
			a = known
		}
	}
	external := a != nil && a.External
	if err := checkEvents(events, external, s.noInvoke); err != nil {
		return "", err
	}
	switch {
	case s.closed, a == nil && s.state != Started:
		return "", refusal("Extension.RegistrationClosed", "Extension registration closed already")
	case a != nil && a.id != "":
		return "", refusal("Extension.AlreadyRegistered", "Extension with this name already registered")
	case a == nil && len(s.agents) >= MaxExtensions:
		return "", refusal("Extension.TooManyExtensions", "Extension limit (%d) reached", MaxExtensions)
	case a == nil:
		a = newAgent(name, false)
		s.agents = append(s.agents, a)
	case a.State != ExtensionStarted:
		return "", a.transitionTo(ExtensionRegistered, name)
	}
	a.id, a.State = newUUID(), ExtensionRegistered
	for _, event := range []string{EventShutdown, EventInvoke} {
		if slices.Contains(events, event) {
			a.Events = append(a.Events, event)
		}
	}
	if external {
		if s.unregistered--; s.unregistered == 0 {
			close(s.registered)
		}
	}
	return a.id, nil
}

func checkEvents(events []string, external, noInvoke bool) error {
	for _, event := range events {
		switch {
		case event == EventInvoke && !noInvoke, event == EventShutdown && external:
		case event == EventShutdown:
			return refusal("Extension.InvalidEventType", "%s: ShutdownEventNotSupportedForInternalExtension", event)
		default:
			return refusal("Extension.InvalidEventType", "%s: ErrorInvalidEventType", event)
		}
	}
	return nil
}

// failAgent is POST /extension/init/error and /extension/exit/error. An
// extension that has failed does not hold an invocation up any more.
func (s *Session) failAgent(id string, to ExtensionState, errorType string) error {
	s.mu.Lock()
	a := s.findAgentLocked(id)
	if a == nil {
		s.mu.Unlock()
		return refusal("Extension.UnknownExtensionIdentifier", "Unknown Lambda-Extension-Identifier")
	}
	switch {
	case a.State == to: // again: the first one counts
		s.mu.Unlock()
		return nil
	case s.closed, a.State == ExtensionInitError, a.State == ExtensionExitError:
		defer s.mu.Unlock()
		return a.transitionTo(to, id)
	}
	a.State, a.ErrorType = to, errorType
	if s.fault == "" {
		s.fault = FaultInit
		if to == ExtensionExitError {
			s.fault = FaultExit
		}
	}
	done := s.backLocked(a)
	s.mu.Unlock()
	done.finish()
	return nil
}
