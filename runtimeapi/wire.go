package runtimeapi

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/hearthd/hearth"
)

var errTooLarge = errors.New("body exceeds the payload limit")

// errorTypeHeader is a header of /error, and a trailer of streamed answers.
const errorTypeHeader = "Lambda-Runtime-Function-Error-Type"

// readBody reads a whole body of at most limit bytes. The error is errTooLarge,
// or what became of the connection before the body had ended.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	if r.ContentLength >= 0 {
		body := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = errTooLarge
	}
	return body, err
}

// readResponse reads an answer that is sent as a whole. The response is valid
// even when the body was not: it then carries the platform's verdict.
func readResponse(r *http.Request) (Response, error) {
	body, err := readBody(r, hearth.MaxPayload)
	if err != nil {
		return refusedBody(err), err
	}
	return Response{Payload: body, ContentType: r.Header.Get("Content-Type")}, nil
}

// drain reads on, within bounds, so that the client gets to read our answer.
func drain(r *http.Request) {
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxDrain))
}

// refusedBody is the platform's verdict on an answer that readBody failed on.
func refusedBody(err error) Response {
	if errors.Is(err, errTooLarge) {
		return Response{Refused: true, ErrorType: "Function.ResponseSizeTooLarge"}
	}
	return Response{Refused: true, ErrorType: "Runtime.TruncatedResponse"}
}

const causeContentType = "application/vnd.aws.lambda.error.cause+json"

// readErrorResponse reads what a runtime says of a failure. The response is
// valid even when the body was not: it then carries the platform's verdict.
func readErrorResponse(r *http.Request) (Response, error) {
	resp := Response{
		Failed:      true,
		ContentType: r.Header.Get("Content-Type"),
		ErrorType:   cleanErrorType(r.Header.Get(errorTypeHeader)),
	}
	body, err := readBody(r, hearth.MaxPayload)
	if err != nil {
		return refusedBody(err), err
	}
	if strings.EqualFold(resp.ContentType, causeContentType) {
		body = stripCause(body)
	}
	resp.Payload = body
	return resp, nil
}

// stripCause removes the X-Ray cause from an error body: it is meant for
// traces, not for the caller. A body that is not such an object stays as it is.
func stripCause(body []byte) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || fields["errorCause"] == nil {
		return body
	}
	delete(fields, "errorCause")
	if stripped, err := json.Marshal(fields); err == nil {
		return stripped
	}
	return body
}

// cleanErrorType keeps an error type that has the form AWS accepts:
// (Runtime|Function)\.[A-Z][a-zA-Z]+.
func cleanErrorType(v string) string {
	kind, name, _ := strings.Cut(v, ".")
	unknown := "Runtime.Unknown"
	if kind == "Function" {
		unknown = "Function.Unknown"
	}
	if (kind != "Runtime" && kind != "Function") || len(name) < 2 || name[0] < 'A' || name[0] > 'Z' {
		return unknown
	}
	for i := range len(name) {
		if c := name[i] | 0x20; c < 'a' || c > 'z' {
			return unknown
		}
	}
	return v
}

// allow answers 405 to any other method.
func allow(w http.ResponseWriter, r *http.Request, method string) bool {
	if r.Method == method {
		return true
	}
	w.Header().Set("Allow", method)
	w.WriteHeader(http.StatusMethodNotAllowed)
	return false
}

const acceptedBody = "{\"status\":\"OK\"}\n"

func writeAccepted(w http.ResponseWriter) {
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(acceptedBody))}
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, acceptedBody)
}

// refuse answers a request that the state, the id or the time does not allow. Its body
// is read first, within bounds, so that the client sees the answer.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	drain(r)
	switch {
	case errors.Is(err, errWrongID):
		writeError(w, http.StatusBadRequest, "InvalidRequestID", err.Error())
	case errors.Is(err, errLate):
		writeError(w, http.StatusGone, "InvokeTimeout", err.Error())
	default:
		writeError(w, http.StatusForbidden, "InvalidStateTransition", err.Error())
	}
}

func writeBodyError(w http.ResponseWriter, err error) {
	if errors.Is(err, errTooLarge) {
		writeError(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			"Exceeded maximum allowed payload size ("+strconv.Itoa(hearth.MaxPayload)+" bytes).")
		return
	}
	writeError(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
}

func writeNotFound(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(w, "404 page not found\n")
}

func writeError(w http.ResponseWriter, status int, errorType, message string) {
	body, err := json.Marshal(struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}{message, errorType})
	if err != nil {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
