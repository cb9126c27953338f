package runtimeapi

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hearthd/hearth"
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

// Response is what a runtime answered to an event or to its own start.
type Response struct {
	Payload     []byte
	ContentType string
	// Failed: the runtime posted to /error or /init/error.
	Failed bool
	// ErrorType is the runtime's error type header when it is one that AWS
	// accepts, else "Runtime.Unknown"; with Failed only. When the platform itself refused the answer,
	// it says why: Function.ResponseSizeTooLarge, Runtime.TruncatedResponse,
	// Runtime.InvalidResponseModeHeader.
	ErrorType string
	// Refused: the platform did not take the runtime's answer, and Payload is
	// empty; ErrorType says why.
	Refused bool
}

// Call is one event handed to a Session.
type Call struct {
	inv      *hearth.Invocation
	timeout  time.Duration
	response chan Response
	done     chan struct{}
	onDone   func()

	mu        sync.Mutex
	delivered bool
	finished  bool
}

// Response yields the runtime's answer, at most one.
func (c *Call) Response() <-chan Response { return c.response }

// Done is closed when the runtime asked for the next event after it answered.
func (c *Call) Done() <-chan struct{} { return c.done }

// Delivered reports whether a runtime has been sent the event. A call that was
// not delivered can safely be given to another environment.
func (c *Call) Delivered() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.delivered
}

func (c *Call) finish() {
	c.mu.Lock()
	first := !c.finished
	c.finished = true
	c.mu.Unlock()
	if !first {
		return
	}
	if c.onDone != nil {
		c.onDone()
	}
	close(c.done)
}

// Session is the protocol of one runtime process.
type Session struct {
	ready     chan struct{} // closed at the first /next
	initError chan Response // one, when the runtime gave up during init
	ended     chan struct{} // closed by end
	queue     chan *Call    // the event that waits for a poll; one at most

	mu      sync.Mutex
	state   State
	current *Call
	closed  bool
}

func newSession() *Session {
	return &Session{
		ready:     make(chan struct{}),
		initError: make(chan Response, 1),
		ended:     make(chan struct{}),
		queue:     make(chan *Call, 1),
		state:     Started,
	}
}

// Ready is closed when the runtime first asks for an event: its init is over.
func (s *Session) Ready() <-chan struct{} { return s.ready }

// InitError yields what the runtime posted to /init/error, at most once.
func (s *Session) InitError() <-chan Response { return s.initError }

// State returns where the runtime is.
func (s *Session) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Invoke hands an event to the runtime's next poll and returns at once. The
// runtime's deadline is counted from the moment of delivery. onDone, when not
// nil, is called once, before Call.Done is closed, on the goroutine of the
// poll that ends the call; it must not block for long.
//
// The caller gives a Session one event at a time: the previous call is done,
// or this is the first. Anything else is a broken invariant of the caller, and
// an error.
func (s *Session) Invoke(inv *hearth.Invocation, timeout time.Duration, onDone func()) (*Call, error) {
	c := &Call{
		inv: inv, timeout: timeout, onDone: onDone,
		response: make(chan Response, 1), done: make(chan struct{}),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("invoke %s: session has ended", inv.RequestID)
	}
	if s.state != Ready || len(s.queue) > 0 {
		return nil, fmt.Errorf("invoke %s: runtime is busy in state %s", inv.RequestID, s.state)
	}
	s.queue <- c
	return c, nil
}

// end releases every poll that waits; later requests are refused. Server calls
// it when the session is replaced.
func (s *Session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.ended)
	}
}

// poll is /next: it moves the runtime to Ready, finishing the call that it
// answered, and returns an event that is to be delivered again, if any.
func (s *Session) poll() (*Call, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, &TransitionError{From: s.state, To: Ready}
	}
	var finished *Call
	switch s.state {
	case Started:
		close(s.ready)
	case Responded:
		finished, s.current = s.current, nil
	case Ready:
	case Running:
		again := s.current
		s.mu.Unlock()
		return again, nil
	default:
		from := s.state
		s.mu.Unlock()
		return nil, &TransitionError{From: from, To: Ready}
	}
	s.state = Ready
	s.mu.Unlock()
	if finished != nil {
		finished.finish()
	}
	return nil, nil
}

// deliver marks a call taken from the queue as the current one. It reports
// false when the session ended meanwhile.
func (s *Session) deliver(c *Call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.state, s.current = Running, c
	c.mu.Lock()
	c.delivered = true
	c.mu.Unlock()
	return true
}

// errWrongID is an answer to an event that is not the current one.
var errWrongID = errors.New("Invalid request ID") //nolint:staticcheck // AWS's own text, sent to the runtime

// beginResponse claims the current call for one answer and moves the runtime
// to Responding or RespondingError. The caller must end with respond or abort.
func (s *Session) beginResponse(id string, to State) (*Call, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, &TransitionError{From: s.state, To: to}
	case s.current == nil:
		return nil, &TransitionError{From: s.state, To: to}
	case s.current.inv.RequestID != id || s.state != Running:
		return nil, errWrongID
	}
	s.state = to
	return s.current, nil
}

// respond ends what beginResponse began.
func (s *Session) respond(c *Call, r Response) {
	s.mu.Lock()
	if s.current == c {
		s.state = Responded
	}
	s.mu.Unlock()
	c.response <- r
}

// failInit is /init/error: terminal, and allowed only before the first /next.
func (s *Session) failInit(r Response) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != Started || s.closed {
		return &TransitionError{From: s.state, To: InitError}
	}
	s.state = InitError
	s.initError <- r
	return nil
}
