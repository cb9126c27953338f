package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// response is what the generated encoding writes to. It is the handler's
// http.ResponseWriter too, where the handler writes the answer itself, and
// remembers whether something was written.
type response struct {
	http.ResponseWriter
	code  int // status of success
	wrote bool
	err   error // of encoding or writing, for the log
}

func (w *response) WriteHeader(code int) {
	if code >= 200 { // 1xx may be followed by an answer
		w.wrote = true
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *response) Write(p []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// header sets a header to an optional member; name is in canonical form.
func (w *response) header(name string, v *string) {
	if v != nil {
		w.Header()[name] = []string{*v}
	}
}

// status replaces the status by an output's own, if it has one.
func (w *response) status(code *int) {
	if code != nil && *code >= 200 && *code <= 599 {
		w.code = *code
	}
}

// payload answers with a body as it is. AWS calls every payload JSON; a
// handler that knows better has set the header.
func (w *response) payload(body []byte) {
	h := w.Header()
	if len(body) > 0 && h["Content-Type"] == nil {
		h["Content-Type"] = []string{"application/json"}
	}
	w.finish(body)
}

// empty answers without a body.
func (w *response) empty() { w.finish(nil) }

func (w *response) finish(body []byte) {
	if w.code != http.StatusNoContent {
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(w.code)
	if len(body) > 0 && w.code != http.StatusNoContent {
		if _, err := w.Write(body); err != nil {
			w.err = fmt.Errorf("write the answer: %w", err)
		}
	}
}

// encodeJSON answers with an output as a JSON object.
func encodeJSON[Out any](w *response, out *Out) {
	if w.code == http.StatusNoContent {
		w.empty()
		return
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // AWS does not
	if err := enc.Encode(out); err != nil {
		w.err = fmt.Errorf("encode %T: %w", out, err)
		return
	}
	w.Header()["Content-Type"] = []string{"application/json"}
	w.finish(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// encodeEmpty answers for an operation without an output.
func encodeEmpty(w *response, _ *Empty) { w.empty() }
