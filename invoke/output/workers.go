package output

import (
	"errors"
	"net"
	"sync"
	"time"
)

// Workers is what the worker processes of a runtime write to a socket: each
// makes connections of its own, and writes lines or frames, as it likes. What is
// to be told apart comes by different connections.
type Workers struct {
	to       Sink
	listener *net.UnixListener
	places   chan struct{} // one for each connection: further ones wait to be accepted

	gone chan struct{} // closed by Close
	done chan struct{} // closed when the accept loop and every reader have returned

	mu     sync.Mutex
	open   map[*stream]struct{}
	closed bool
}

// Listen reads what comes to l, up to most connections at a time. The caller
// must Close it, which closes l, too.
func Listen(l *net.UnixListener, to Sink, most int) *Workers {
	w := &Workers{
		to: to, listener: l, places: make(chan struct{}, most),
		gone: make(chan struct{}), done: make(chan struct{}), open: map[*stream]struct{}{},
	}
	go w.accept() // owned by Close
	return w
}

// workerBuffer is how much of a connection is read at once, in bytes: there may
// be many.
const workerBuffer = 4 << 10

// acceptPause is between attempts to accept where there are no descriptors left.
const acceptPause = 10 * time.Millisecond

// accept takes connections until the listener is closed, and waits until the
// last has ended.
func (w *Workers) accept() {
	defer close(w.done)
	var readers sync.WaitGroup
	defer readers.Wait()
	for {
		select {
		case w.places <- struct{}{}:
		case <-w.gone:
			return
		}
		conn, err := w.listener.AcceptUnix()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			<-w.places
			select {
			case <-time.After(acceptPause):
			case <-w.gone:
			}
			continue
		}
		s := newStream(conn, newFrames(w.to.Message, w.to.Line), workerBuffer)
		if !w.begin(s) {
			_ = conn.Close()
			return
		}
		readers.Go(func() {
			s.run()
			w.end(s)
			<-w.places
		})
	}
}

// begin adds a connection, unless it is too late.
func (w *Workers) begin(s *stream) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.open[s] = struct{}{}
	}
	return !w.closed
}

func (w *Workers) end(s *stream) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, s)
}

// streams are the connections in progress.
func (w *Workers) streams() []*stream {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]*stream, 0, len(w.open))
	for s := range w.open {
		list = append(list, s)
	}
	return list
}

// Drain is Output.Drain for the connections that were accepted.
func (w *Workers) Drain() {
	for _, s := range w.streams() {
		s.drain()
	}
}

// Wait is Output.Wait for the connections that were accepted.
func (w *Workers) Wait(giveUp <-chan struct{}) {
	for _, s := range w.streams() {
		s.wait(giveUp)
	}
}

// Close closes the listener and every connection, and returns when nothing comes
// to the Sink any more.
func (w *Workers) Close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	err := w.listener.Close()
	close(w.gone)
	w.Wait(w.gone)
	<-w.done
	return err //nolint:wrapcheck // the caller knows what it closes
}
