package invocation_test

import (
	"cmp"
	"context"
	"flag"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/edgetest"
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

	transcript edgetest.Transcript
}

// serve runs a test against a service.
func serve(t *testing.T, test func(f *fixture)) {
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{T: t, invoker: &invoker{}, queue: &eventQueue{}}
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
	return f.transcript.Do(f, f.router, method, path, body, headers...)
}

// golden compares the transcript with a file of testdata.
func (f *fixture) golden(name string) {
	f.Helper()
	f.transcript.Golden(f, name, *update)
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
	edgetest.Refused(f, w, status, code, message)
}
