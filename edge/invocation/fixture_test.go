package invocation_test

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/invocation"
	"github.com/hearthd/hearth/edge/scope"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// fixture is a service in a bubble of its own: its clock begins at 2000-01-01
// and moves only when everything waits.
type fixture struct {
	*testing.T
	invoker *invoker
	queue   *eventQueue
	router  *api.Router

	transcript bytes.Buffer
	ids        map[string]string // of the transcript
}

// serve runs a test against a service.
func serve(t *testing.T, test func(f *fixture)) {
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{T: t, invoker: &invoker{}, queue: &eventQueue{}, ids: map[string]string{}}
		f.open(false)
		test(f)
	})
}

func (f *fixture) open(shapeStreams bool) {
	f.router = api.NewRouter(api.Options{})
	invocation.New(invocation.Options{
		Invoker: f.invoker, Queue: f.queue, Scope: scope.Defaults{Account: "000000000000", Region: "us-east-1"}, ShapeStreams: shapeStreams,
	}).Register(f.router)
}

// do sends a request and notes both sides of it in the transcript. headers are
// "Name: value".
func (f *fixture) do(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	f.Helper()
	r := httptest.NewRequestWithContext(f.Context(), method, path, strings.NewReader(body))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	f.router.ServeHTTP(w, r)
	t := &f.transcript
	fmt.Fprintf(t, "> %s %s\n", method, path)
	for _, h := range headers {
		fmt.Fprintf(t, "> %s\n", h)
	}
	if body != "" {
		fmt.Fprintf(t, "> %s\n", shorten(body))
	}
	fmt.Fprintf(t, "< %d\n", w.Code)
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range w.Header() {
			if !yield(name) {
				return
			}
		}
	}) {
		if value := w.Header().Get(name); name != "Content-Length" { // of ids and links it says nothing
			fmt.Fprintf(t, "< %s: %s\n", name, value)
		} else if value != fmt.Sprint(w.Body.Len()) {
			f.Errorf("%s %s: Content-Length is %s for %d bytes", method, path, value, w.Body.Len())
		}
	}
	fmt.Fprintf(t, "< %s\n\n", shorten(w.Body.String()))
	return w
}

func shorten(s string) string {
	if len(s) > 4000 {
		return s[:200] + fmt.Sprintf("... %d bytes", len(s))
	}
	return s
}

// golden compares the transcript with a file of testdata. Ids become numbers
// in the order of their appearance: the same id, the same number.
func (f *fixture) golden(name string) {
	f.Helper()
	random := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|Signature=[0-9a-f]{64}`)
	got := random.ReplaceAllStringFunc(f.transcript.String(), func(id string) string {
		if strings.HasPrefix(id, "Signature=") {
			return "Signature=..."
		}
		if f.ids[id] == "" {
			f.ids[id] = fmt.Sprintf("<id %d>", len(f.ids)+1)
		}
		return f.ids[id]
	})
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			f.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		f.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// invoker has functions, and answers with what invoke says.
type invoker struct {
	functions []string
	invoke    func(name hearth.Name, qualifier string, inv *hearth.Invocation) (hearth.Result, error)
}

func (i *invoker) Resolve(_ context.Context, name hearth.Name, qualifier string) (*hearth.Function, error) {
	if !slices.Contains(i.functions, name.Function) {
		return nil, hearth.Errorf(hearth.ErrNotFound, "Function not found: %s", name.ARN(cmp.Or(qualifier, hearth.Latest)))
	}
	return &hearth.Function{Name: name, Version: hearth.Latest}, nil
}

func (i *invoker) Invoke(_ context.Context, name hearth.Name, qualifier string, inv *hearth.Invocation) (hearth.Result, error) {
	if inv.TraceID == "" {
		inv.TraceID = "Root=1-made-here"
	}
	return i.invoke(name, qualifier, inv)
}

const functions = "/2015-03-31/functions"

// create makes a function.
func (f *fixture) create(name string) { f.invoker.functions = append(f.invoker.functions, name) }

// refused expects an error answer.
func (f *fixture) refused(w *httptest.ResponseRecorder, status int, code, message string) {
	f.Helper()
	if w.Code != status || w.Header().Get("X-Amzn-Errortype") != code || !strings.Contains(w.Body.String(), message) {
		f.Errorf("got %d %s %s; want %d %s with %q", w.Code, w.Header().Get("X-Amzn-Errortype"), shorten(w.Body.String()), status, code, message)
	}
}
