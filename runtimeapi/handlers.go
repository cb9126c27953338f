package runtimeapi

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/hearthd/hearth/runtimeapi/longpoll"
)

// invocations is what a runtime asks of a session.
type invocations interface {
	serveNext(w http.ResponseWriter, r *http.Request)
	// beginAnswer claims a call for one answer, in which the runtime's state is
	// to. The caller must end with endAnswer.
	beginAnswer(id string, to State) (*Call, error)
	endAnswer(c *Call, r Response)
}

// serveInvocation routes what is below /runtime/invocation/.
func (s *Session) serveInvocation(w http.ResponseWriter, r *http.Request, rest string) {
	serveInvocation(s, w, r, rest)
}

func serveInvocation(s invocations, w http.ResponseWriter, r *http.Request, rest string) {
	if rest == "next" {
		if allow(w, r, http.MethodGet) {
			s.serveNext(w, r)
		}
		return
	}
	id, verb, _ := strings.Cut(rest, "/")
	switch verb {
	case "response":
		if allow(w, r, http.MethodPost) {
			serveResponse(s, w, r, id)
		}
	case "error":
		if allow(w, r, http.MethodPost) {
			serveError(s, w, r, id)
		}
	default:
		writeNotFound(w)
	}
}

// serveNext is the long poll.
func (s *Session) serveNext(w http.ResponseWriter, r *http.Request) {
	longpoll.Begin(r)
	call, err := s.poll()
	if err != nil {
		writeError(w, http.StatusForbidden, "InvalidStateTransition", err.Error())
		return
	}
	if call == nil {
		var ok bool
		if w, call, ok = longpoll.Await(w, r, s.queue, s.ended, s.deliver); !ok {
			// The client is gone, or the environment is being reset and the
			// process killed: there is nobody to answer.
			panic(http.ErrAbortHandler)
		}
		call.deliver()
	}
	writeEvent(w, call)
}

// writeEvent answers a poll. Empty headers are left out, as on AWS. Keys are
// in canonical form so that they can be set without another pass over them.
func writeEvent(w http.ResponseWriter, c *Call) {
	inv, h := c.inv, w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(inv.Payload))}
	h["Lambda-Runtime-Aws-Request-Id"] = []string{inv.RequestID}
	h["Lambda-Runtime-Invocation-Id"] = c.id[:]
	h["Lambda-Runtime-Deadline-Ms"] = []string{strconv.FormatInt(c.deadline.UnixMilli(), 10)}
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

// serveResponse is POST .../response.
func serveResponse(s invocations, w http.ResponseWriter, r *http.Request, id string) {
	call, err := s.beginAnswer(id, Responding)
	if err != nil {
		refuse(w, r, err)
		return
	}
	resp, err := readAnswer(r, call)
	s.endAnswer(call, resp)
	finishAnswer(w, r, err)
}

// errWrongMode is an answer in a mode that there is not; invalidMode, the platform's
// verdict on it.
var errWrongMode = errors.New("Invalid function response mode") //nolint:staticcheck // AWS's own text, sent to the runtime

const invalidMode = "Runtime.InvalidResponseModeHeader"

// readAnswer reads the answer to an event in its mode, or passes it on as it
// comes. The response is valid with an error too: it then is the platform's
// verdict.
func readAnswer(r *http.Request, call *Call) (Response, error) {
	mode := r.Header.Get("Lambda-Runtime-Function-Response-Mode")
	switch {
	case mode != "" && !strings.EqualFold(mode, "streaming"):
		return Response{Refused: true, ErrorType: invalidMode}, errWrongMode
	case call.inv.Stream != nil && (mode != "" || r.ContentLength < 0):
		// Go's runtime client leaves the mode out, and always sends chunks.
		return forward(r, call.inv.Stream)
	case mode != "":
		return readStreamed(r)
	default:
		return readResponse(r)
	}
}

// finishAnswer answers an answer; err is what was wrong with it.
func finishAnswer(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case err == nil:
		writeAccepted(w)
	case errors.Is(err, errWrongMode):
		drain(r)
		writeError(w, http.StatusBadRequest, "InvalidFunctionResponseMode", err.Error())
	default:
		drain(r)
		writeBodyError(w, err)
	}
}

// serveError is POST .../error.
func serveError(s invocations, w http.ResponseWriter, r *http.Request, id string) {
	call, err := s.beginAnswer(id, RespondingError)
	if err != nil {
		refuse(w, r, err)
		return
	}
	resp, err := readErrorResponse(r)
	s.endAnswer(call, resp)
	finishError(w, r, err)
}

// serveInitError is POST /runtime/init/error.
func (s *Session) serveInitError(w http.ResponseWriter, r *http.Request) {
	if err := s.beginInitError(); err != nil {
		refuse(w, r, err)
		return
	}
	resp, err := readErrorResponse(r)
	s.failInit(resp)
	finishError(w, r, err)
}

// finishError answers a report of an error; err is what was wrong with its body.
func finishError(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		drain(r)
		writeBodyError(w, err)
		return
	}
	writeAccepted(w)
}
