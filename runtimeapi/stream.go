package runtimeapi

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"

	"github.com/hearthd/hearth"
)

// streamedType is the content type of a streamed answer to a caller that gets
// it as a whole, whatever the runtime called it.
const streamedType = "application/octet-stream"

// forward passes a body on as it comes. The response is valid even when the
// body was not. A caller that is slow makes the runtime wait; what releases it,
// also when the runtime is gone, is that the stream is closed or discarded.
func forward(r *http.Request, to *hearth.Stream) (Response, error) {
	to.Begin(r.Header.Get("Content-Type"))
	n, err := io.Copy(to, r.Body)
	resp, err := finishStream(r, err)
	resp.Streamed = n
	return resp, err
}

// readStreamed reads a streamed answer for a caller that wants it as a whole.
// When the runtime failed on the way, the caller gets what it said of that.
func readStreamed(r *http.Request) (Response, error) {
	body, err := readBody(r, hearth.MaxPayload)
	if errors.Is(err, errTooLarge) {
		return refusedBody(err), err
	}
	resp, err := finishStream(r, err)
	if err == nil && !resp.Failed {
		resp.Payload, resp.ContentType = body, streamedType
	}
	return resp, err
}

// finishStream looks at how the body of a streamed answer, which was read with
// readErr, ended: by itself, with an error of the function in its trailers, or
// too early.
func finishStream(r *http.Request, readErr error) (Response, error) {
	switch {
	case readErr == nil:
	case readErr.Error() == longTrailer:
		// All of the body is there, and then an error that net/http does not
		// let us read. It closes the connection by itself.
		return Response{Failed: true, ErrorType: functionUnknown, Payload: []byte(unreadError)}, nil
	default:
		return refusedBody(readErr), readErr
	}
	errorType := r.Trailer.Get(errorTypeHeader)
	body := r.Trailer.Get("Lambda-Runtime-Function-Error-Body")
	if errorType == "" && body == "" {
		return Response{}, nil
	}
	payload, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		payload = []byte(body)
	}
	return Response{Failed: true, ErrorType: cleanErrorType(errorType), Payload: payload}, nil
}

// longTrailer is what net/http says of trailers beyond 4 KB. It has no name for
// the error.
const longTrailer = "http: suspiciously long trailer after chunked body"

const functionUnknown = "Function.Unknown"

// unreadError stands for an error body that was too long for a trailer.
const unreadError = `{"errorType":"` + functionUnknown + `","errorMessage":"The function failed while it streamed its response."}`
