package api

import (
	"context"
	"net/http"
)

// Op is one operation of the Lambda API with the types of its input and
// output. The values are generated; nothing else makes them.
type Op[In, Out any] struct {
	spec
	bind   func(*request, *In)
	check  func(*In, *checker)
	also   func(*In) error
	encode func(*response, *Out)
}

// StreamOp is an operation that answers with an event stream, which its
// handler writes.
type StreamOp[In any] struct {
	spec
	bind  func(*request, *In)
	check func(*In, *checker)
}

// spec is what routing and reading the body need to know of an operation.
type spec struct {
	name   string
	method string
	path   string // pattern with {Labels}
	query  string // "key=value" that tells the operation from another at the same path
	status int
	body   bodyKind
	// archive is the path of the member with a code archive, such as Code.ZipFile;
	// empty unless body is bodyCode.
	archive string
}

// bodyKind says what the request's body holds, and so how large it may be.
type bodyKind uint8

const (
	bodyNone    bodyKind = iota // not read
	bodyJSON                    // members, or one member, as JSON; bounded like a payload
	bodyCode                    // members as JSON with a code archive in them
	bodyPayload                 // one member, as it is
)

// Name returns the operation's name, e.g. "CreateFunction".
func (s spec) Name() string { return s.name }

// Method returns the HTTP method.
func (s spec) Method() string { return s.method }

// Path returns the pattern of the path, with labels in braces.
func (s spec) Path() string { return s.path }

// Status returns the HTTP status of success.
func (s spec) Status() int { return s.status }

// Empty is the output of operations that return nothing. Their handlers may
// return nil.
type Empty struct{}

// Handle makes fn serve an operation. Every input that reaches fn satisfies
// the model's constraints. fn owns the input, payload included, and gives the
// output away. A later Handle of the same operation replaces fn. Handle must
// not be called while the router serves.
func Handle[In, Out any](r *Router, op Op[In, Out], fn func(context.Context, *In) (*Out, error)) {
	r.handlers[op.name] = func(ctx context.Context, w *response, req *request) error {
		in := new(In)
		if op.bind(req, in); req.err != nil {
			return req.err
		}
		if err := validate(in, op.check); err != nil {
			return err
		}
		if op.also != nil {
			if err := op.also(in); err != nil {
				return err
			}
		}
		out, err := fn(ctx, in)
		if err != nil {
			return err
		}
		if out == nil {
			out = new(Out)
		}
		op.encode(w, out)
		return nil
	}
}

// HandleStream makes fn serve an operation with a streamed answer. fn writes
// status, headers and events to w itself. An error that it returns before it
// wrote anything is answered like any other; after that it is only logged,
// since the status is gone, and fn has to end the stream in its own terms.
// http.NewResponseController(w) flushes.
func HandleStream[In any](r *Router, op StreamOp[In], fn func(context.Context, *In, http.ResponseWriter) error) {
	r.handlers[op.name] = func(ctx context.Context, w *response, req *request) error {
		in := new(In)
		if op.bind(req, in); req.err != nil {
			return req.err
		}
		if err := validate(in, op.check); err != nil {
			return err
		}
		return fn(ctx, in, w)
	}
}

func validate[In any](in *In, check func(*In, *checker)) error {
	if check == nil {
		return nil
	}
	var c checker
	check(in, &c)
	return c.err()
}
