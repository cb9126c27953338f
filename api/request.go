package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/hearthd/hearth"
)

// maxLabels is the largest number of labels that a path of the model has.
const maxLabels = 3

// request is what the generated binding reads from. The first thing that is
// wrong stays in err, so that the binding needs no checks of its own.
type request struct {
	http   *http.Request
	labels [maxLabels]string
	values url.Values // of the query; nil when there is none
	data   []byte     // the whole body; of an upload all but the archive
	upload *upload    // nil: no code archive can be in the body
	err    error
}

func (r *request) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// label returns the i-th label of the path.
func (r *request) label(i int) *string { return &r.labels[i] }

func (r *request) labelInt64(i int) *int64 {
	return parseQuery(r, r.labels[i], func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) })
}

// header returns a header; name is in canonical form. An empty header is an
// absent one.
func (r *request) header(name string) *string {
	if v := r.http.Header[name]; len(v) > 0 && v[0] != "" {
		return &v[0]
	}
	return nil
}

func (r *request) query(name string) *string {
	if v := r.values[name]; len(v) > 0 {
		return &v[0]
	}
	return nil
}

func (r *request) queryList(name string) []string { return r.values[name] }

func (r *request) queryInt(name string) *int {
	v := r.query(name)
	if v == nil {
		return nil
	}
	return parseQuery(r, *v, strconv.Atoi)
}

func (r *request) queryBool(name string) *bool {
	v := r.query(name)
	if v == nil {
		return nil
	}
	return parseQuery(r, *v, strconv.ParseBool)
}

func (r *request) queryTime(name string) Time {
	v := r.query(name)
	if v == nil {
		return Time{}
	}
	return Value(parseQuery(r, *v, parseTime))
}

func parseQuery[T any](r *request, s string, parse func(string) (T, error)) *T {
	v, err := parse(s)
	if err != nil {
		r.fail(hearth.Errorf(hearth.ErrSerialization, "%s", mismatchText("string", reflect.TypeOf(v))))
		return nil
	}
	return &v
}

// payload returns the body as it is, and nil when there is none.
func (r *request) payload() []byte {
	if len(r.data) == 0 {
		return nil
	}
	return r.data
}

// json decodes the body into v. An empty body leaves v as it is.
func (r *request) json(v any) {
	if len(r.data) == 0 {
		return
	}
	defer r.corrupt()
	if err := json.Unmarshal(r.data, v); err != nil {
		r.fail(jsonError(r.data, err))
	}
	r.data = nil // what was decoded does not refer to it: let it go before the handler runs
}

// corrupt fails when an archive is not base64, after all else that is wrong.
func (r *request) corrupt() {
	if r.upload != nil && r.upload.corrupt != nil {
		r.fail(jsonError(nil, r.upload.corrupt))
	}
}

// archive gives a member the archive that was in its place in the body.
func (r *request) archive(member **Archive) {
	if r.upload != nil && r.upload.archive != nil && *member != nil {
		*member = r.upload.archive
	}
}

// close lets go of what was kept for the request.
func (r *request) close() {
	if r.upload != nil {
		r.upload.archive.close()
	}
}

// jsonError says in AWS's terms what is wrong with a body.
func jsonError(data []byte, err error) error {
	var own *hearth.Error
	if errors.As(err, &own) {
		return own // of a member that decodes itself
	}
	var mismatch *json.UnmarshalTypeError
	if !errors.As(err, &mismatch) {
		return hearth.Errorf(hearth.ErrInvalidContent, "Could not parse request body into json: %s", err)
	}
	token, _, _ := strings.Cut(mismatch.Value, " ")
	if token == "bool" {
		token = "false"
		if end := min(int(mismatch.Offset), len(data)); bytes.HasSuffix(data[:max(end, 0)], []byte("true")) {
			token = "true"
		}
	}
	return hearth.Errorf(hearth.ErrSerialization, "%s", mismatchText(token, mismatch.Type))
}

// mismatchText is AWS's text for a JSON token where a member wants another
// type. The texts are recorded from the service, with their grammar.
func mismatchText(token string, want reflect.Type) string {
	switch {
	case token == "object":
		return "Start of structure or map found where not expected."
	case token == "array":
		return "Start of list found where not expected"
	case want.Kind() == reflect.Slice:
		return "Expected list or null"
	}
	return strings.ToUpper(token) + "_VALUE can not be converted to " + typeName(want)
}

// firstChunk bounds what a client makes us allocate by announcing a size; more
// follows only as bytes arrive.
const firstChunk = 8 << 20

// readBody reads a body of at most limit bytes into one buffer, exactly sized
// when the client announced a size. Beyond the limit it returns errBodyTooLarge
// and the size as far as it is known.
func readBody(r *http.Request, limit int64) (data []byte, size int64, err error) {
	switch {
	case r.Body == nil || r.ContentLength == 0:
		return nil, 0, nil
	case r.ContentLength > limit:
		return nil, r.ContentLength, errBodyTooLarge
	case r.ContentLength > 0:
		data, err = readSized(r.Body, r.ContentLength)
	default:
		data, err = io.ReadAll(io.LimitReader(r.Body, limit+1))
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read the body: %w", err)
	}
	if size = int64(len(data)); size > limit {
		return nil, size + drain(r), errBodyTooLarge
	}
	return data, size, nil
}

func readSized(r io.Reader, size int64) ([]byte, error) {
	data := make([]byte, 0, min(size, firstChunk))
	for int64(len(data)) < size {
		if len(data) == cap(data) {
			grown := make([]byte, len(data), min(2*int64(cap(data)), size))
			copy(grown, data)
			data = grown
		}
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case err == io.EOF && int64(len(data)) < size:
			return nil, io.ErrUnexpectedEOF
		case err != nil && err != io.EOF:
			return nil, err
		}
	}
	return data, nil
}

// maxDrain and maxDrainTime bound how much of a refused body is read, and for
// how long: whoever sends it may have no credentials.
const (
	maxDrain     = 64 << 20
	maxDrainTime = 30 * time.Second
)

// drain reads on when a request was refused before its body was read: most
// clients look for an answer only after they have sent everything. It returns
// how much there was.
func drain(r *http.Request) int64 {
	if r.Body == nil || r.Header.Get("Expect") != "" { // such a client waits for our answer
		return 0
	}
	n, _ := io.CopyN(io.Discard, &hurried{r.Body, time.Now().Add(maxDrainTime)}, maxDrain) // a client that is gone needs no answer
	return n
}

// hurried ends, between two reads, at a time.
type hurried struct {
	io.Reader
	end time.Time
}

func (h *hurried) Read(p []byte) (int, error) {
	if time.Now().After(h.end) {
		return 0, os.ErrDeadlineExceeded
	}
	return h.Reader.Read(p)
}

var errBodyTooLarge = errors.New("body exceeds its limit")
