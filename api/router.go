package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/hearthd/hearth"
)

// Limits of request bodies in bytes, as AWS has them.
const (
	MaxPayload = 6 << 20  // payloads, and members without a code archive in them
	MaxEvent   = 1 << 20  // payloads of asynchronous invocations
	MaxRequest = 70167211 // members with a code archive
)

// Options are what a Router needs; the zero value works.
type Options struct {
	// Logger gets the errors that callers see as ServiceException, in full.
	// Nil: they are dropped.
	Logger *slog.Logger
	// MaxPayload, MaxEvent and MaxRequest replace the limits of request bodies.
	// 0: AWS's.
	MaxPayload, MaxEvent, MaxRequest int64
	// Authorizer is asked about every call. Nil: all may call.
	Authorizer Authorizer
	// Dir is for code archives of requests in progress; empty: the system's.
	Dir string
}

// Authorizer decides who may call what. Errors are answered like those of
// handlers.
type Authorizer interface {
	// Begin is asked about every request, known operation or not, before its
	// body is read, so that strangers cannot make the server hold bodies.
	Begin(call *Call) error
	// Authorize is asked before the input is parsed. The body must not be kept.
	// The context that it returns is the handler's.
	Authorize(ctx context.Context, call *Call, body Body) (context.Context, error)
}

// Body is the body of a request to an Authorizer.
type Body struct {
	// Data is what was sent, and what the input is parsed from. In place of a code
	// archive it has an empty string.
	Data []byte
	// SHA256 is the hash, in hex, of all that was sent.
	SHA256 string
}

// HashBody returns the hash of a body as Body has it.
func HashBody(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Router serves the Lambda API: it finds the operation of a request, reads and
// validates its input, runs the handler and writes the answer. It answers
// every request by itself; in front of it stands only what concerns all
// operations alike, such as authentication.
type Router struct {
	root     *node
	handlers map[string]func(context.Context, *response, *request) error // by operation
	options  Options                                                     // complete
}

// NewRouter returns a router that knows every operation of the model and
// answers 501 to all of them, until Handle gives them handlers.
func NewRouter(o Options) *Router {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Router{
		root:     newTree(specs()),
		handlers: map[string]func(context.Context, *response, *request) error{},
		options: Options{
			Logger:     o.Logger,
			MaxPayload: cmp.Or(o.MaxPayload, MaxPayload),
			MaxEvent:   cmp.Or(o.MaxEvent, MaxEvent),
			MaxRequest: cmp.Or(o.MaxRequest, MaxRequest),
			Authorizer: o.Authorizer,
			Dir:        o.Dir,
		},
	}
}

// Operations returns the names of all operations that the router knows, sorted.
func (r *Router) Operations() []string {
	var names []string
	for _, s := range specs() {
		names = append(names, s.name)
	}
	slices.Sort(names)
	return names
}

// Paths returns the patterns of all paths that the router knows, with labels in
// braces; several operations may have the same.
func (r *Router) Paths() []string {
	var paths []string
	for _, s := range specs() {
		paths = append(paths, s.path)
	}
	return paths
}

// Handled says whether an operation has a handler.
func (r *Router) Handled(operation string) bool { return r.handlers[operation] != nil }

// Operation returns the name of the operation that a request is for, empty
// when it is for none. It looks at method, path and query only.
func (r *Router) Operation(hr *http.Request) string {
	op, err := r.find(&request{http: hr})
	if err != nil {
		return ""
	}
	return op.name
}

// ServeHTTP answers one request.
func (r *Router) ServeHTTP(rw http.ResponseWriter, hr *http.Request) {
	call := &Call{RequestID: RequestID(hr.Context()), HTTP: hr, Response: rw.Header()}
	call.Response["X-Amzn-Requestid"] = []string{call.RequestID}
	w := &response{ResponseWriter: rw}
	err := r.serve(w, hr, call)
	if err == nil {
		err = w.err
	}
	if err == nil {
		return
	}
	r.logError(hr, call, err)
	if !w.wrote {
		drain(hr)
		WriteError(w, call.RequestID, err)
	}
}

func (r *Router) serve(w *response, hr *http.Request, call *Call) error {
	req := &request{http: hr}
	defer req.close()
	authorizer := r.options.Authorizer
	if authorizer != nil {
		if err := authorizer.Begin(call); err != nil {
			return err
		}
	}
	op, err := r.find(req)
	if err != nil {
		return err
	}
	call.Operation = op.name
	handler := r.handlers[op.name]
	if handler == nil {
		return hearth.Errorf(hearth.ErrNotImplemented, "The operation %s is part of the Lambda API, but this version of hearth does not implement it.", op.name)
	}
	var hash string
	if op.body != bodyNone || authorizer != nil { // a signature covers the body in any case
		if hash, err = r.readBody(op, req); err != nil {
			return err
		}
	}
	w.code = op.status
	ctx := context.WithValue(hr.Context(), callKey{}, call)
	if authorizer != nil {
		call.path = &labelled{op.path, req.labels[:]}
		if ctx, err = authorizer.Authorize(ctx, call, Body{req.data, hash}); err != nil {
			return err
		}
	}
	return handler(ctx, w, req)
}

// readBody reads the body of a request, and hashes it if there is an Authorizer.
func (r *Router) readBody(op *spec, req *request) (hash string, err error) {
	limit, event := r.limit(op, req.http.Header)
	hashed, size := r.options.Authorizer != nil, int64(0)
	if op.body == bodyCode {
		req.upload, hash, err = readUpload(req.http, limit, op.archive, r.options.Dir, hashed)
		req.data = req.upload.rest.Bytes()
	} else if req.data, size, err = readBody(req.http, limit); hashed {
		hash = HashBody(req.data)
	}
	switch {
	case errors.Is(err, errBodyTooLarge):
		return "", tooLarge(op, event, size, limit)
	case err != nil:
		return "", bodyError(err)
	}
	return hash, nil
}

// limit returns how large a body may be, and whether it is the payload of an
// asynchronous invocation.
func (r *Router) limit(op *spec, h http.Header) (limit int64, event bool) {
	switch {
	case op.body == bodyCode:
		return r.options.MaxRequest, false
	case op.name == InvokeAsync.name, op.name == Invoke.name && h.Get("X-Amz-Invocation-Type") == InvocationTypeEvent:
		return r.options.MaxEvent, true
	default:
		return r.options.MaxPayload, false
	}
}

// tooLarge is AWS's answer to a body beyond its limit: events are told apart
// from all other bodies. For AWS, Invoke is InvokeFunction here.
func tooLarge(op *spec, event bool, size, limit int64) error {
	if event {
		return hearth.Errorf(hearth.ErrTooLarge, "%d byte payload is too large for the Event invocation type (limit %d bytes)", size, limit)
	}
	name := op.name
	if name == Invoke.name {
		name = "InvokeFunction"
	}
	return hearth.Errorf(hearth.ErrTooLarge, "Request must be smaller than %d bytes for the %s operation", limit, name)
}

// bodyError tells a client that broke off from a fault of ours.
func bodyError(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return hearth.Errorf(hearth.ErrInvalidContent, "The rest of the request body does not come.")
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return hearth.Errorf(hearth.ErrInvalidContent, "The request body is shorter than its Content-Length.")
	}
	return err
}

// HasPath reports whether operations of the API have the path of a request, whatever
// its method.
func (r *Router) HasPath(hr *http.Request) bool {
	return r.root.match(&request{http: hr}, hr.URL) != nil
}

func (r *Router) find(req *request) (*spec, error) {
	u := req.http.URL
	n := r.root.match(req, u)
	if n == nil {
		return nil, hearth.Errorf(hearth.ErrUnknownOperation,
			"%s %s is no operation of the Lambda API, which is what answers here.", req.http.Method, u.Path)
	}
	if u.RawQuery != "" {
		req.values, _ = url.ParseQuery(u.RawQuery) // keeps what it can read, as AWS does
	}
	var allowed []string
	for _, op := range n.ops {
		if op.method != req.http.Method {
			allowed = append(allowed, op.method)
			continue
		}
		if key, want, ok := strings.Cut(op.query, "="); !ok || req.values.Get(key) == want {
			return op, nil
		}
	}
	slices.Sort(allowed)
	return nil, hearth.Errorf(hearth.ErrUnknownOperation,
		"%s %s is no operation of the Lambda API, which is what answers here; the path takes %s.",
		req.http.Method, u.Path, strings.Join(slices.Compact(allowed), ", "))
}

// logError logs what the caller does not get to see: faults in full, and
// nothing of the caller's own mistakes.
func (r *Router) logError(hr *http.Request, call *Call, err error) {
	switch {
	case hr.Context().Err() != nil:
		r.options.Logger.DebugContext(hr.Context(), "caller went away", "request_id", call.RequestID, "operation", call.Operation, "error", err)
	case isFault(err):
		r.options.Logger.ErrorContext(hr.Context(), "request failed", "request_id", call.RequestID, "operation", call.Operation, "error", err)
	}
}
