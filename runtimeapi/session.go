package runtimeapi

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi/extension"
)

// State is where a runtime is in the protocol; see the package comment.
type State string

// The states of a runtime, in the spelling of AWS's error texts.
const (
	Started         State = "Started"
	InitError       State = "InitError"
	Ready           State = "Ready"
	Running         State = "Running"
	Responding      State = "InvocationResponse"
	RespondingError State = "InvocationErrorResponse"
	Responded       State = "RuntimeResponseSentState"
)

// TransitionError is a request that the runtime's state does not allow.
type TransitionError struct{ From, To State }

func (e *TransitionError) Error() string {
	return fmt.Sprintf("State transition from %s to %s failed for runtime. Error: State transition is not allowed", e.From, e.To)
}

// Session is the protocol of one start of an environment's processes: the
// runtime and its extensions.
type Session struct {
	registered  chan struct{} // closed when no external extension is unregistered
	initialized chan struct{} // closed when everybody has been at /next
	initError   chan Response // capacity 1: failInit never waits
	ended       chan struct{} // closed by End
	queue       chan *Call    // the event that waits for a poll; one at most

	mu         sync.Mutex
	state      State // of the runtime
	waiting    *Call // in queue, or in the hands of a poll that has not decided
	current    *Call // delivered to the runtime
	inProgress *Call // not over: the runtime or an extension is not back yet
	answered   bool  // current is; the runtime may ask for the next event
	initDone   bool
	closed     bool
	extensions *extension.Set
}

// newSession begins a session with the extensions that the platform will start.
func newSession(extensions *extension.Set) *Session {
	s := &Session{
		registered:  make(chan struct{}),
		initialized: make(chan struct{}),
		initError:   make(chan Response, 1),
		ended:       make(chan struct{}),
		queue:       make(chan *Call, 1),
		state:       Started,
		extensions:  extensions,
	}
	if extensions.Registered() {
		close(s.registered)
	}
	return s
}

// InitError yields what the runtime posted to /init/error, at most once.
func (s *Session) InitError() <-chan Response { return s.initError }

// Invoke hands an event to the runtime's next poll, and to the extensions that
// registered for it, and returns at once. They are told a deadline of timeout
// from now. progress may be nil.
//
// The caller gives a Session one event at a time: the previous call is done,
// or this is the first. Anything else is a broken invariant of the caller, and
// an error.
func (s *Session) Invoke(inv *hearth.Invocation, timeout time.Duration, progress Progress) (*Call, error) {
	c := newCall(inv, timeout, progress)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("invoke %s: session has ended", inv.RequestID)
	}
	if s.state != Ready || s.inProgress != nil {
		return nil, fmt.Errorf("invoke %s: runtime is busy in state %s", inv.RequestID, s.state)
	}
	s.waiting, s.inProgress = c, c
	s.queue <- c // has room: nothing else waits
	if s.extensions.Len() > 0 {
		c.offerTo(s.extensions)
	}
	return c, nil
}

// End is for when the runtime process is gone: polls that wait are released,
// later requests refused, and the event in progress is forgotten. It may be
// called more than once.
func (s *Session) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting, s.current, s.inProgress, s.answered = nil, nil, nil, false
	if !s.closed {
		s.closed = true
		s.extensions.Close()
		close(s.ended)
	}
}

// poll is /next: it moves the runtime to Ready, finishing the call that it
// answered, and returns an event that is to be delivered again, if any.
func (s *Session) poll() (*Call, error) {
	again, back, alone, err := s.enterReady()
	switch {
	case back == nil:
	case alone:
		back.finish()
	default:
		if back.progress != nil {
			back.progress.RuntimeDone(back)
		}
		s.mu.Lock()
		done := s.arriveLocked(back)
		s.mu.Unlock()
		done.finish()
	}
	return again, err
}

// enterReady is the transition of poll. back is the call that the runtime is
// back from; alone, that no extension works on it.
func (s *Session) enterReady() (again, back *Call, alone bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, false, &TransitionError{From: s.state, To: Ready}
	}
	switch {
	case s.state == Ready:
		return nil, nil, false, nil
	case s.state == Started:
	case s.answered:
		back, s.current, s.answered = s.current, nil, false
		back.mark(&back.times.Returned)
		if alone = back.outstanding == 1; alone {
			s.arriveLocked(back)
		}
	case s.state == Running:
		return s.current, nil, false, nil
	default:
		return nil, nil, false, &TransitionError{From: s.state, To: Ready}
	}
	s.state = Ready
	if !s.initDone {
		s.checkInitializedLocked()
	}
	return nil, back, alone, nil
}

// Withdraw takes a call back if the runtime has not got it, and reports whether
// that is so: nobody gets it any more, and it is safe to give the event to another
// environment.
func (s *Session) Withdraw(c *Call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == c {
		s.waiting = nil
		select {
		case <-s.queue:
		default: // a poll has it, and will not deliver it
		}
	}
	return !c.Delivered()
}

// deliver marks a call taken from the queue as the current one. It reports
// false when the call was withdrawn or the session ended meanwhile, and when the
// poll's client is gone: the call then waits for the next poll.
func (s *Session) deliver(c *Call, gone bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting != c { // End forgets it, too
		return false
	}
	if gone {
		s.queue <- c // has room: it came from there and still counts as waiting
		return false
	}
	s.state, s.waiting, s.current = Running, nil, c
	c.mark(&c.times.Delivered)
	return true
}

// errWrongID is an answer to an event that is not the current one.
var errWrongID = errors.New("Invalid request ID") //nolint:staticcheck // AWS's own text, sent to the runtime

// beginAnswer claims the current call for one answer and moves the runtime to
// Responding or RespondingError. The id is looked at before the state, as on AWS:
// it is good until the phase of its event is over. The caller must end with endAnswer.
func (s *Session) beginAnswer(id string, to State) (*Call, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, &TransitionError{From: s.state, To: to}
	case s.inProgress == nil || s.inProgress.inv.RequestID != id:
		return nil, errWrongID
	case s.state != Running:
		return nil, &TransitionError{From: s.state, To: to}
	}
	s.state = to
	s.current.mark(&s.current.times.Responding)
	return s.current, nil
}

// endAnswer ends what beginAnswer began. As on AWS, an answer in a mode that does not
// exist leaves the runtime in Responding, which later answers to the event are told.
func (s *Session) endAnswer(c *Call, r Response) {
	// Before the state changes: a poll that comes from now on ends the call.
	c.respond(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answered = s.current == c // or else the session has ended
	if r.ErrorType != invalidMode || !r.Refused {
		s.state = Responded
	}
}

// beginInitError is /init/error: terminal, and allowed only before the first
// /next. The caller must end with failInit.
func (s *Session) beginInitError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != Started || s.closed {
		return &TransitionError{From: s.state, To: InitError}
	}
	s.state = InitError
	return nil
}

// failInit ends what beginInitError began.
func (s *Session) failInit(r Response) { s.initError <- r }
