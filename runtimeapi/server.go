package runtimeapi

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"github.com/hearthd/hearth"
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
	http *http.Server
	done chan struct{} // closed when the accept loop has returned

	mu      sync.RWMutex
	session *Session
}

// Serve starts serving on l, which it does not close on its own: the sandbox
// owns the listener. Until the first Begin every request is refused. Close
// must be called.
func Serve(l net.Listener) *Server {
	s := &Server{done: make(chan struct{}), session: newSession()}
	s.session.end()
	s.http = &http.Server{
		Handler:        s,
		MaxHeaderBytes: MaxHeaderBytes,
		// What a function does to its own connection is not the daemon's news.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	// Owned by Close.
	go func() {
		defer close(s.done)
		_ = s.http.Serve(netutil.LimitListener(l, MaxConnections))
	}()
	return s
}

// Begin ends the session in progress, if any, and begins a new one for a
// runtime process that is about to be started.
func (s *Server) Begin() *Session {
	next := newSession()
	s.mu.Lock()
	old := s.session
	s.session = next
	s.mu.Unlock()
	old.end()
	return next
}

// Close ends the session and closes the listener and every connection.
func (s *Server) Close() error {
	s.mu.RLock()
	s.session.end()
	s.mu.RUnlock()
	err := s.http.Close()
	<-s.done
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

const (
	versionPrefix    = "/2018-06-01/"
	invocationPrefix = versionPrefix + "runtime/invocation/"
)

// ServeHTTP routes a request of the runtime.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if rest, ok := strings.CutPrefix(r.URL.Path, invocationPrefix); ok {
		s.serveInvocation(w, r, rest)
		return
	}
	switch r.URL.Path {
	case versionPrefix + "ping":
		if allow(w, r, http.MethodGet) {
			_, _ = io.WriteString(w, "pong")
		}
	case versionPrefix + "runtime/init/error":
		if allow(w, r, http.MethodPost) {
			s.initError(w, r)
		}
	default:
		writeNotFound(w)
	}
}

func (s *Server) serveInvocation(w http.ResponseWriter, r *http.Request, rest string) {
	if rest == "next" {
		if allow(w, r, http.MethodGet) {
			s.next(w, r)
		}
		return
	}
	id, verb, _ := strings.Cut(rest, "/")
	switch verb {
	case "response":
		if allow(w, r, http.MethodPost) {
			s.response(w, r, id)
		}
	case "error":
		if allow(w, r, http.MethodPost) {
			s.invocationError(w, r, id)
		}
	default:
		writeNotFound(w)
	}
}

// next is the long poll.
func (s *Server) next(w http.ResponseWriter, r *http.Request) {
	session := s.current()
	call, err := session.poll()
	if err != nil {
		writeError(w, http.StatusForbidden, "InvalidStateTransition", err.Error())
		return
	}
	if call == nil {
		if call = session.await(r.Context()); call == nil {
			// The client is gone, or the environment is being reset and the
			// process killed: there is nobody to answer.
			panic(http.ErrAbortHandler)
		}
	}
	writeEvent(w, call)
}

// await blocks until there is an event for this poll. It returns nil when the
// client or the session is gone.
func (s *Session) await(ctx context.Context) *Call {
	select {
	case c := <-s.queue:
		if s.deliver(c) {
			return c
		}
	case <-ctx.Done():
	case <-s.ended:
	}
	return nil
}

// writeEvent answers a poll. Empty headers are left out, as on AWS. Keys are
// in canonical form so that they can be set without another pass over them.
func writeEvent(w http.ResponseWriter, c *Call) {
	inv, h := c.inv, w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(inv.Payload))}
	h["Lambda-Runtime-Aws-Request-Id"] = []string{inv.RequestID}
	h["Lambda-Runtime-Deadline-Ms"] = []string{strconv.FormatInt(time.Now().Add(c.timeout).UnixMilli(), 10)}
	h["Lambda-Runtime-Invoked-Function-Arn"] = []string{inv.InvokedARN}
	setIf(h, "Lambda-Runtime-Trace-Id", inv.TraceID)
	setIf(h, "Lambda-Runtime-Client-Context", inv.ClientContext)
	setIf(h, "Lambda-Runtime-Cognito-Identity", inv.CognitoIdentity)
	setIf(h, "Lambda-Runtime-Aws-Tenant-Id", inv.TenantID)
	_, _ = w.Write(inv.Payload)
}

func setIf(h http.Header, canonicalKey, value string) {
	if value != "" {
		h[canonicalKey] = []string{value}
	}
}

// response is POST .../response.
func (s *Server) response(w http.ResponseWriter, r *http.Request, id string) {
	session := s.current()
	call, err := session.beginResponse(id, Responding)
	if err != nil {
		refuse(w, r, err)
		return
	}
	if mode := r.Header.Get("Lambda-Runtime-Function-Response-Mode"); mode != "" && !strings.EqualFold(mode, "streaming") {
		session.respond(call, Response{Refused: true, ErrorType: "Runtime.InvalidResponseModeHeader"})
		drain(r)
		writeError(w, http.StatusBadRequest, "InvalidFunctionResponseMode", "Invalid function response mode: "+mode)
		return
	}
	body, err := readBody(r, hearth.MaxPayload)
	switch {
	case errors.Is(err, errTooLarge):
		session.respond(call, Response{Refused: true, ErrorType: "Function.ResponseSizeTooLarge"})
		drain(r)
		writeError(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			"Exceeded maximum allowed payload size ("+strconv.Itoa(hearth.MaxPayload)+" bytes).")
	case err != nil:
		session.respond(call, Response{Refused: true, ErrorType: "Runtime.TruncatedResponse"})
		writeError(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
	default:
		session.respond(call, Response{Payload: body, ContentType: r.Header.Get("Content-Type")})
		writeAccepted(w)
	}
}

// invocationError is POST .../error.
func (s *Server) invocationError(w http.ResponseWriter, r *http.Request, id string) {
	session := s.current()
	call, err := session.beginResponse(id, RespondingError)
	if err != nil {
		refuse(w, r, err)
		return
	}
	resp, err := readErrorResponse(r)
	session.respond(call, resp)
	if err != nil {
		drain(r)
		writeBodyError(w, err)
		return
	}
	writeAccepted(w)
}

func (s *Server) initError(w http.ResponseWriter, r *http.Request) {
	resp, err := readErrorResponse(r)
	if ferr := s.current().failInit(resp); ferr != nil {
		refuse(w, r, ferr)
		return
	}
	if err != nil {
		drain(r)
		writeBodyError(w, err)
		return
	}
	writeAccepted(w)
}
