// Package edgetest is what the tests of the Lambda API's packages share: a
// Transcript of requests and answers, which is compared with a golden file,
// functions in Memory, and the smaller resources in ByFunction and ByID.
package edgetest

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Transcript has both sides of the requests of a test. The zero one is empty.
type Transcript struct {
	text bytes.Buffer
	ids  map[string]string
}

// Reset forgets what was noted, but for the numbers of ids.
func (tr *Transcript) Reset() { tr.text.Reset() }

// Do sends a request to a handler and notes it and its answer. headers are
// "Name: value".
func (tr *Transcript) Do(t testing.TB, h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Fprintf(&tr.text, "> %s %s\n", method, path)
	for _, h := range headers {
		fmt.Fprintf(&tr.text, "> %s\n", h)
	}
	if body != "" {
		fmt.Fprintf(&tr.text, "> %s\n", shorten(body))
	}
	fmt.Fprintf(&tr.text, "< %d\n", w.Code)
	for _, name := range slices.Sorted(maps.Keys(w.Header())) {
		if value := w.Header().Get(name); name != "Content-Length" { // of ids and links it says nothing
			fmt.Fprintf(&tr.text, "< %s: %s\n", name, value)
		} else if value != fmt.Sprint(w.Body.Len()) {
			t.Errorf("%s %s: Content-Length is %s for %d bytes", method, path, value, w.Body.Len())
		}
	}
	fmt.Fprintf(&tr.text, "< %s\n\n", shorten(w.Body.String()))
	return w
}

func shorten(s string) string {
	if len(s) > 4000 {
		return s[:200] + fmt.Sprintf("... %d bytes", len(s))
	}
	return s
}

// Golden compares the transcript with testdata/<name>.golden, or writes that
// file when it is to be updated. Ids become numbers in the order of their
// appearance: the same id, the same number.
func (tr *Transcript) Golden(t testing.TB, name string, update bool) {
	t.Helper()
	got := tr.numbered()
	path := filepath.Join("testdata", name+".golden")
	if update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// numbered is the transcript without what differs from run to run.
func (tr *Transcript) numbered() string {
	if tr.ids == nil {
		tr.ids = map[string]string{}
	}
	random := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|Signature=[0-9a-f]{64}`)
	return random.ReplaceAllStringFunc(tr.text.String(), func(id string) string {
		if strings.HasPrefix(id, "Signature=") {
			return "Signature=..."
		}
		if tr.ids[id] == "" {
			tr.ids[id] = fmt.Sprintf("<id %d>", len(tr.ids)+1)
		}
		return tr.ids[id]
	})
}

// Refused fails the test unless an answer is an error of a status and a code,
// with a text in its body.
func Refused(t testing.TB, w *httptest.ResponseRecorder, status int, code, message string) {
	t.Helper()
	if w.Code != status || w.Header().Get("X-Amzn-Errortype") != code || !strings.Contains(w.Body.String(), message) {
		t.Errorf("got %d %s %s; want %d %s with %q", w.Code, w.Header().Get("X-Amzn-Errortype"), shorten(w.Body.String()), status, code, message)
	}
}
