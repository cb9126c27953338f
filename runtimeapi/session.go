package runtimeapi

import (
	"context"
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
	// ErrorType, with Failed, is the runtime's error type header when it is one
	// that AWS accepts, else Function.Unknown or Runtime.Unknown. With Refused
	// it is why: Function.ResponseSizeTooLarge, Runtime.TruncatedResponse,
	// Runtime.InvalidResponseModeHeader.
	ErrorType string
	// Refused: the platform did not take the runtime's answer. Payload is empty.
	Refused bool
	// Streamed is how many bytes went to the invocation's Stream. Payload is
	// then empty, or with Failed what the runtime said at the end.
	Streamed int64
}

// Call is one event handed to a Session.
type Call struct {
	inv      *hearth.Invocation
	deadline time.Time
	onDone   func(*Call)
	response chan Response // capacity 1: respond never waits

	mu        sync.Mutex
	delivered bool
	answer    *Response
}

// Response yields the runtime's answer, at most one, to one receiver.
func (c *Call) Response() <-chan Response { return c.response }

// Answer returns what Response yields or has yielded, and false before the
// runtime has answered. It is there before the runtime learns that its answer
// was taken, so onDone always finds it.
func (c *Call) Answer() (Response, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answer == nil {
		return Response{}, false
	}
	return *c.answer, true
}

// Delivered reports whether a runtime has been sent the event. A call that was
// not delivered can safely be given to another environment.
func (c *Call) Delivered() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.delivered
}

// Session is the protocol of one runtime process.
type Session struct {
	ready     chan struct{} // closed at the first /next
	initError chan Response // capacity 1: failInit never waits
	ended     chan struct{} // closed by End
	queue     chan *Call    // the event that waits for a poll; one at most

	mu      sync.Mutex
	state   State
	waiting *Call // in queue, or in the hands of a poll that has not decided
	current *Call // delivered
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
// runtime is told a deadline of timeout from now. onDone, when not nil, is
// called once, when the runtime asks for the next event after it answered, on
// the goroutine of that poll; it must not block for long.
//
// The caller gives a Session one event at a time: the previous call is done,
// or this is the first. Anything else is a broken invariant of the caller, and
// an error.
func (s *Session) Invoke(inv *hearth.Invocation, timeout time.Duration, onDone func(*Call)) (*Call, error) {
	c := &Call{inv: inv, deadline: time.Now().Add(timeout), onDone: onDone, response: make(chan Response, 1)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("invoke %s: session has ended", inv.RequestID)
	}
	if s.state != Ready || s.waiting != nil {
		return nil, fmt.Errorf("invoke %s: runtime is busy in state %s", inv.RequestID, s.state)
	}
	s.waiting = c
	s.queue <- c // has room: nothing else waits
	return c, nil
}

// End is for when the runtime process is gone: polls that wait are released,
// later requests refused, and the event in progress is forgotten. It may be
// called more than once.
func (s *Session) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting, s.current = nil, nil
	if !s.closed {
		s.closed = true
		close(s.ended)
	}
}

// poll is /next: it moves the runtime to Ready, finishing the call that it
// answered, and returns an event that is to be delivered again, if any.
func (s *Session) poll() (*Call, error) {
	again, finished, err := s.enterReady()
	if finished != nil && finished.onDone != nil {
		finished.onDone(finished)
	}
	return again, err
}

// enterReady is the transition of poll. finished is the call that it ended.
func (s *Session) enterReady() (again, finished *Call, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, &TransitionError{From: s.state, To: Ready}
	}
	switch s.state {
	case Ready:
	case Started:
		close(s.ready)
	case Responded:
		finished, s.current = s.current, nil
	case Running:
		return s.current, nil, nil
	default:
		return nil, nil, &TransitionError{From: s.state, To: Ready}
	}
	s.state = Ready
	return nil, finished, nil
}

// await blocks until there is an event for this poll. It returns nil when the
// client or the session is gone.
func (s *Session) await(ctx context.Context) *Call {
	select {
	case c := <-s.queue:
		if s.deliver(ctx, c) {
			return c
		}
	case <-ctx.Done():
	case <-s.ended:
	}
	return nil
}

// deliver marks a call taken from the queue as the current one. It reports
// false when the session ended meanwhile, and when the poll's client is gone:
// the call then waits for the next poll.
func (s *Session) deliver(ctx context.Context, c *Call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if ctx.Err() != nil {
		s.queue <- c // has room: it came from there and still counts as waiting
		return false
	}
	s.state, s.waiting, s.current = Running, nil, c
	c.mu.Lock()
	c.delivered = true
	c.mu.Unlock()
	return true
}

// errWrongID is an answer to an event that is not the current one.
var errWrongID = errors.New("Invalid request ID") //nolint:staticcheck // AWS's own text, sent to the runtime

// beginResponse claims the current call for one answer and moves the runtime
// to Responding or RespondingError. The caller must end with respond.
func (s *Session) beginResponse(id string, to State) (*Call, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed, s.current == nil:
		return nil, &TransitionError{From: s.state, To: to}
	case s.current.inv.RequestID != id || s.state != Running:
		return nil, errWrongID
	}
	s.state = to
	return s.current, nil
}

// respond ends what beginResponse began.
func (s *Session) respond(c *Call, r Response) {
	c.mu.Lock()
	c.answer = &r
	c.mu.Unlock()
	// Before the state changes: a poll that comes from now on ends the call.
	c.response <- r
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = Responded
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
