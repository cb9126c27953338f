// Package longpoll is how a request waits for an event without a time limit,
// and how the event is not lost when the client is gone.
//
//	Begin ─► the transition that the request asks for ─► Await ─► the response
//
// A client may shut down its side of the connection after its request and still
// read: what it waits for is written to the connection itself then, which Await
// has taken over.
package longpoll

import (
	"errors"
	"io"
	"net/http"
)

// MaxBody is how much of a body a poll may have, in bytes. It is thrown away.
const MaxBody = 64 << 20

// Begin reads the body that a poll should not have. Only after it does package
// net/http notice that a client has gone. It must come before a transition that
// cannot be undone, and panics with http.ErrAbortHandler when the body does not
// end as it should.
func Begin(r *http.Request) {
	if r.ContentLength == 0 {
		return
	}
	if _, err := io.CopyN(io.Discard, r.Body, MaxBody); !errors.Is(err, io.EOF) {
		panic(http.ErrAbortHandler) // it ends too early, or never
	}
}

// Await blocks until there is an event in the queue for this poll, and returns
// it with what the poll is answered on. ok is false when there is nobody to
// answer: the client is gone, or ended was closed.
//
// take is told of the event that came out of the queue, once: gone says that the
// client is, and that the event is to wait for the next poll. Otherwise it
// reports whether the event may be delivered.
func Await[T any](w http.ResponseWriter, r *http.Request, queue <-chan T, ended <-chan struct{}, take func(event T, gone bool) bool) (to http.ResponseWriter, event T, ok bool) {
	var came bool
	select {
	case event = <-queue:
		if r.Context().Err() == nil {
			return w, event, take(event, false)
		}
		came = true
	case <-r.Context().Done():
	case <-ended:
		return nil, event, false
	}
	p := park(w)
	if p == nil {
		if came {
			take(event, true)
		}
		return nil, event, false
	}
	if !came {
		event, came = receive(p, queue, ended)
	}
	if came && take(event, !p.alive()) {
		return p, event, true
	}
	p.Close()
	return nil, event, false
}

// receive waits for an event on a connection that was taken over. It reports
// false when there is nobody to answer.
func receive[T any](p *parked, queue <-chan T, ended <-chan struct{}) (event T, came bool) {
	for {
		select {
		case event = <-queue:
			return event, true
		case <-p.probe():
			if !p.alive() {
				return event, false
			}
		case <-ended:
			return event, false
		}
	}
}
