package runtimeapi

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/net/netutil"
)

// Bounds on what the processes of one environment can make the daemon hold.
const (
	// MaxHeaderBytes leaves room for the X-Ray error cause, which Go's runtime
	// client sends as a header of up to 1 MiB.
	MaxHeaderBytes = 2 << 20
	// MaxConnections at a time; further ones wait in the listener's backlog.
	MaxConnections = 256
	// maxDrain is how much of a refused body is read, so that a client that
	// writes first and reads later sees the answer instead of a reset.
	maxDrain = 64 << 20
)

// Server serves the Runtime API to one environment.
type Server struct {
	http     *http.Server
	done     chan struct{}  // closed when the accept loop has returned
	handlers sync.WaitGroup // requests in progress

	mu      sync.RWMutex
	session *Session
	closed  bool
}

// Serve starts serving on l. Until the first Begin every request is refused.
// The caller must call Close, which closes l, too; whoever else owns the
// listener may close it first.
func Serve(l net.Listener) *Server {
	s := &Server{done: make(chan struct{}), session: newSession()}
	s.session.End()
	s.http = &http.Server{
		Handler:        s,
		MaxHeaderBytes: MaxHeaderBytes,
		// What a function does to its own connection is not the daemon's news.
		ErrorLog: log.New(io.Discard, "", 0),
		// A connection belongs to the session in which it was accepted: what a
		// killed runtime had sent and nobody had read yet is not its
		// successor's.
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, sessionKey{}, s.current())
		},
	}
	// Owned by Close.
	go func() {
		defer close(s.done)
		_ = s.http.Serve(netutil.LimitListener(l, MaxConnections))
	}()
	return s
}

// sessionKey is the context key of a connection's *Session.
type sessionKey struct{}

// Begin ends the session in progress, if any, and begins a new one for a
// runtime process that is about to be started. Only connections made from now
// on are served by it.
func (s *Server) Begin() *Session {
	next := newSession()
	s.mu.Lock()
	old := s.session
	s.session = next
	s.mu.Unlock()
	old.End()
	return next
}

// Close ends the session, closes the listener and every connection, and
// returns when no request is being served any more. It may be called more than
// once, but not from an onDone callback.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.session.End()
	s.mu.Unlock()
	err := s.http.Close()
	<-s.done
	s.handlers.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil // the sandbox was closed first
	}
	return err
}

func (s *Server) current() *Session {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.session
}

// enter registers a request with Close, which waits for it; the caller must
// call s.handlers.Done. It reports false once the server is closing.
func (s *Server) enter() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.closed {
		s.handlers.Add(1)
	}
	return !s.closed
}

const (
	versionPrefix    = "/2018-06-01/"
	invocationPrefix = versionPrefix + "runtime/invocation/"
)

// ServeHTTP routes a request of the runtime. It serves connections that Serve
// accepted and no others. A request that cannot be answered any more is
// aborted with http.ErrAbortHandler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	session, ok := r.Context().Value(sessionKey{}).(*Session)
	if !ok || !s.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.handlers.Done()
	if rest, ok := strings.CutPrefix(r.URL.Path, invocationPrefix); ok {
		session.serveInvocation(w, r, rest)
		return
	}
	switch r.URL.Path {
	case versionPrefix + "ping":
		if allow(w, r, http.MethodGet) {
			_, _ = io.WriteString(w, "pong")
		}
	case versionPrefix + "runtime/init/error":
		if allow(w, r, http.MethodPost) {
			session.serveInitError(w, r)
		}
	default:
		writeNotFound(w)
	}
}
