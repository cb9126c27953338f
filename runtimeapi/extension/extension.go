// Package extension is what a session knows of the extensions beside a runtime:
// which there are, where each is in its life, and what they are told. It is the
// protocol without its connections, which package runtimeapi serves.
//
//	Started ──Register──► Registered ──Poll──► Ready ──Take──► Running
//	   │                      │                  ▲                │
//	   └ LaunchError          │                  └──────Poll──────┤
//	                          └──────Fail (also later)────────────► InitError, ExitError
//
// An external extension, which the platform starts, is in Started from the
// beginning; an internal one, which is a part of the runtime's process, appears
// when it registers. Transitions that are not drawn are refused with AWS's texts
// and change nothing.
package extension

import (
	"fmt"
	"slices"
)

// Max is how many extensions an environment may have.
const Max = 10

// State is where an extension is in the protocol; see the package comment.
type State string

// The states of an extension, in the spelling of AWS's texts.
const (
	Started     State = "Started"
	Registered  State = "Registered"
	Ready       State = "Ready"
	Running     State = "Running"
	InitError   State = "InitError"
	ExitError   State = "ExitError"
	LaunchError State = "LaunchError"
)

// The events that an extension can register for.
const (
	Invoke   = "INVOKE"
	Shutdown = "SHUTDOWN"
)

// What an extension reports of itself; see Set.Fault.
const (
	FaultInit = "Extension.InitError"
	FaultExit = "Extension.ExitError"
)

// Extension is what is known of one extension.
type Extension struct {
	Name     string
	External bool // a process of its own, started by the platform
	State    State
	Events   []string // SHUTDOWN, INVOKE; in this order, as AWS prints them
	// ErrorType is what the extension said, or what became of its launch.
	ErrorType string
}

// Registered reports whether the extension has ever registered.
func (e *Extension) Registered() bool { return e.State != Started && e.State != LaunchError }

// Wants reports whether the extension registered for an event.
func (e *Extension) Wants(event string) bool { return slices.Contains(e.Events, event) }

// Event is what a poll of an extension is answered with.
type Event struct {
	ID   string // none with SHUTDOWN
	Body []byte
}

// Refusal is a request that is refused with 403.
type Refusal struct{ Type, Message string }

func (r *Refusal) Error() string { return r.Message }

// Refuse returns a Refusal.
func Refuse(errorType, format string, args ...any) *Refusal {
	return &Refusal{errorType, fmt.Sprintf(format, args...)}
}

// Agent is an extension in a Set, which guards it.
type Agent struct {
	Extension

	id     string      // "" until it registers
	polled bool        // it has been at event/next
	queue  chan *Event // the event that waits for a poll; one at most
	// polling is closed when the poll in progress ends; nil when there is none.
	polling chan struct{}
	working bool // on the invocation in progress, which is not over before it is back
}

func newAgent(name string, external bool) *Agent {
	return &Agent{
		Extension: Extension{Name: name, External: external, State: Started},
		queue:     make(chan *Event, 1),
	}
}

// Queue is where the extension's poll finds its event. Whoever receives one
// must Take it. It may be used without holding what guards the Set.
func (a *Agent) Queue() <-chan *Event { return a.queue }

// Take makes an event from the queue the extension's. When the client of its
// poll is gone, the event waits for the next poll, unless another one came
// meanwhile; it then reports false.
func (a *Agent) Take(ev *Event, gone bool) bool {
	if gone {
		select {
		case a.queue <- ev:
		default:
		}
		return false
	}
	if a.State == Ready {
		a.State = Running
	}
	return true
}

// EndPoll is the end of what Set.Poll began.
func (a *Agent) EndPoll() {
	close(a.polling)
	a.polling = nil
}

// RefusePoll is the Refusal of a poll beside one that waits. id is the
// extension's identifier.
func (a *Agent) RefusePoll(id string) error { return a.transitionTo(Ready, id) }

// post leaves an event for the next poll. The last one counts.
func (a *Agent) post(ev *Event) {
	select {
	case <-a.queue:
	default:
	}
	a.queue <- ev // has room: only who guards the Set puts
}

// transitionTo refuses a transition. who is the extension's identifier or name.
func (a *Agent) transitionTo(to State, who string) *Refusal {
	return Refuse("Extension.InvalidExtensionState",
		"State transition from %s to %s failed for extension %s. Error: State transition is not allowed", a.State, to, who)
}

// back notes that the extension does not hold the invocation up any more, and
// reports whether it did.
func (a *Agent) back() bool {
	working := a.working
	a.working = false
	return working
}
