package runtimeapi

import (
	"sync"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/internal/uuid"
)

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

// Progress is told how an invocation goes on. Its methods are called on the
// goroutines of polls, and must not block for long.
type Progress interface {
	// Delivered: the runtime is about to be sent the event. At most once, and
	// before the others; not at all for a call that the runtime never gets.
	Delivered(c *Call)
	// RuntimeDone: the runtime asks for the next event after it answered, and
	// extensions work on this one still. At most once, and before Done.
	RuntimeDone(c *Call)
	// Done: the runtime and every extension that was given the event are back.
	// At most once.
	Done(c *Call)
}

// Call is one event handed to a Session.
type Call struct {
	inv      *hearth.Invocation
	id       [1]string // of this attempt at the invocation, as a header has it
	deadline time.Time
	progress Progress
	response chan Response // capacity 1

	withExtensions bool // extensions were given it, too; not written after Invoke
	outstanding    int  // the runtime and extensions that are not back yet; guarded by Session.mu

	mu     sync.Mutex
	times  Times
	answer *Response
}

// Times are the moments of a call; zero for what has not happened.
type Times struct {
	Delivered  time.Time // the runtime was sent the event
	Responding time.Time // its answer began to come
	Responded  time.Time // it was there
	Returned   time.Time // the runtime asked for the next event
}

// Response yields the runtime's answer, at most one, to one receiver.
func (c *Call) Response() <-chan Response { return c.response }

// Answer returns what Response yields or has yielded, and false before the
// runtime has answered. It is there before the runtime learns that its answer
// was taken, so Progress always finds it.
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
	return !c.times.Delivered.IsZero()
}

// Times returns the moments of the call so far.
func (c *Call) Times() Times {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.times
}

// WithExtensions reports whether extensions were given the event, too.
func (c *Call) WithExtensions() bool { return c.withExtensions }

// mark sets one of the call's times to now.
func (c *Call) mark(moment *time.Time) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	*moment = now
}

// newCall makes the call of an event that is handed out now, for timeout.
func newCall(inv *hearth.Invocation, timeout time.Duration, progress Progress) *Call {
	return &Call{
		inv: inv, id: [1]string{uuid.Weak()}, deadline: time.Now().Add(timeout), progress: progress,
		response: make(chan Response, 1), outstanding: 1,
	}
}

// respond sets the call's answer, and yields it.
func (c *Call) respond(r Response) {
	c.mu.Lock()
	c.answer, c.times.Responded = &r, time.Now()
	c.mu.Unlock()
	c.response <- r // has room: there is one answer
}

// deliver tells that the call is about to be sent.
func (c *Call) deliver() {
	if c.progress != nil {
		c.progress.Delivered(c)
	}
}

// finish tells that the call is over. A nil call is none.
func (c *Call) finish() {
	if c != nil && c.progress != nil {
		c.progress.Done(c)
	}
}
