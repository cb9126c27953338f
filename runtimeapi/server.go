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

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi/extension"
	"github.com/hearthd/hearth/runtimeapi/headerlimit"
	"github.com/hearthd/hearth/runtimeapi/metadata"
)

// Bounds on what the processes of one environment can make the daemon hold.
const (
	// MaxHeaderBytes is of one request. It leaves room for the X-Ray error cause,
	// which Go's runtime client sends as a header of up to 1 MiB.
	MaxHeaderBytes = 2 << 20
	// MaxConnections at a time; further ones wait in the listener's backlog.
	MaxConnections = 256
	// maxDrain is how much of a refused body is read, so that a client that
	// writes first and reads later sees the answer instead of a reset.
	maxDrain = 64 << 20
)

// Options of a Server.
type Options struct {
	// Function is what extensions are told that they are beside.
	Function *hearth.Function
	// Subscriptions serves the Telemetry and the Logs API. Nil: they are not
	// there.
	Subscriptions Subscriptions
	// API serves every path that is not of the APIs here: the platform's own API, to
	// the function's code. Its requests are not waited for by Close, which ends their
	// connections: they may take as long as another function runs. Nil: such paths are
	// not there.
	API http.Handler
}

// Server serves the Runtime, Extensions, Telemetry and Logs APIs and the metadata
// endpoint to one environment.
type Server struct {
	about         *about
	metadata      *metadata.Endpoint
	subscriptions Subscriptions
	api           http.Handler // Options.API

	http     *http.Server
	done     chan struct{}  // closed when the accept loop has returned
	handlers sync.WaitGroup // requests in progress

	mu      sync.RWMutex
	session protocol
	closed  bool
}

// Serve starts serving on l. Until the first Begin every request is refused.
// The caller must call Close, which closes l, too; whoever else owns the
// listener may close it first.
func Serve(l net.Listener, opts Options) *Server {
	fn := opts.Function
	s := &Server{
		about: &about{
			FunctionName: fn.Name.Function, FunctionVersion: fn.Version, Handler: fn.Handler, AccountID: fn.Name.Account,
		},
		metadata:      metadata.New(fn.Name.Region),
		subscriptions: opts.Subscriptions, api: opts.API,
		done:    make(chan struct{}),
		session: newSession(extension.NewSet(nil, false)),
	}
	s.session.End()
	s.http = &http.Server{
		Handler:        s,
		MaxHeaderBytes: MaxHeaderBytes,
		// What a function does to its own connection is not the daemon's news.
		ErrorLog: log.New(io.Discard, "", 0),
		// A connection belongs to the session in which it was accepted: what a
		// killed runtime had sent and nobody had read yet is not its
		// successor's.
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, &accepted{Conn: c.(*headerlimit.Conn), session: s.current()})
		},
	}
	// Owned by Close.
	go func() {
		defer close(s.done)
		_ = s.http.Serve(headerlimit.Listen(netutil.LimitListener(l, MaxConnections)))
	}()
	return s
}

// accepted is a connection of the environment's processes.
type accepted struct {
	*headerlimit.Conn
	session protocol // in which it was accepted
}

// connKey is the context key of a request's *accepted.
type connKey struct{}

// protocol is a Session of either kind, to a Server.
type protocol interface {
	End()
	serveInvocation(w http.ResponseWriter, r *http.Request, rest string)
	serveExtension(w http.ResponseWriter, r *http.Request, rest string, about *about)
	serveSubscription(w http.ResponseWriter, r *http.Request, api string, to Subscriptions)
	serveInitError(w http.ResponseWriter, r *http.Request)
}

// MetadataToken is what requests to the metadata endpoint must carry. It is the
// environment's own, and stays the same through all of its sessions.
func (s *Server) MetadataToken() string { return s.metadata.Token() }

// Begin ends the session in progress, if any, and begins a new one for
// processes that are about to be started: the external extensions of these
// names, and then the runtime. Only connections made from now on are served by
// it.
func (s *Server) Begin(external ...string) *Session {
	next := newSession(extension.NewSet(external, false))
	s.replace(next)
	return next
}

// BeginMultiConcurrent is Begin for a runtime that takes up to that many events at a
// time.
func (s *Server) BeginMultiConcurrent(maxConcurrency int, external ...string) *MultiConcurrent {
	next := newMultiConcurrent(maxConcurrency, external)
	s.replace(next)
	return next
}

func (s *Server) replace(next protocol) {
	s.mu.Lock()
	old := s.session
	s.session = next
	s.mu.Unlock()
	old.End()
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

func (s *Server) current() protocol {
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

// ours reports whether a path is, or may come to be, of the APIs for runtimes and
// extensions: each begins with the date of its version.
func ours(path string) bool {
	for _, prefix := range []string{versionPrefix, extensionPrefix, "/2022-07-01/telemetry", "/2020-08-15/logs", metadata.Path} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

const (
	versionPrefix    = "/2018-06-01/"
	invocationPrefix = versionPrefix + "runtime/invocation/"
)

// ServeHTTP routes a request of the runtime or an extension. It serves
// connections that Serve accepted and no others. A request that cannot be
// answered any more is aborted with http.ErrAbortHandler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from, ok := r.Context().Value(connKey{}).(*accepted)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	from.Begin()
	defer from.End()
	if s.api != nil && !ours(r.URL.Path) {
		s.api.ServeHTTP(w, r)
		return
	}
	if !s.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.handlers.Done()
	session := from.session
	if rest, ok := strings.CutPrefix(r.URL.Path, invocationPrefix); ok {
		session.serveInvocation(w, r, rest)
		return
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, extensionPrefix); ok {
		session.serveExtension(w, r, rest, s.about)
		return
	}
	switch r.URL.Path {
	case "/2022-07-01/telemetry":
		session.serveSubscription(w, r, TelemetryAPI, s.subscriptions)
	case "/2020-08-15/logs":
		session.serveSubscription(w, r, LogsAPI, s.subscriptions)
	case metadata.Path:
		s.metadata.ServeHTTP(w, r)
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
