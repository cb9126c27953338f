package control_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/archive"
	"github.com/hearthd/hearth/edge/control"
	"github.com/hearthd/hearth/edge/edgetest"
	"github.com/hearthd/hearth/edge/links"
	"github.com/hearthd/hearth/edge/resource"
	"github.com/hearthd/hearth/edge/scope"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// fixture is a service on functions in memory, in a bubble of its own: its clock
// begins at 2000-01-01 and moves only when everything waits.
type fixture struct {
	*testing.T
	memory   *edgetest.Memory
	host     *host
	layers   layerResolver
	links    *links.Links
	service  *control.Service
	mux      *http.ServeMux
	log      bytes.Buffer // of the service
	detached edgetest.Detached

	transcript edgetest.Transcript
}

// serve runs a test against a service.
func serve(t *testing.T, test func(f *fixture)) {
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{T: t, memory: edgetest.NewMemory(), host: &host{}, layers: layerResolver{}}
		f.open()
		defer func() { f.service.Close() }()
		test(f)
	})
}

// open starts a service, as the start of a daemon does.
func (f *fixture) open() {
	defaults := scope.Defaults{Account: "000000000000", Region: "us-east-1"}
	f.links = links.New(f.memory, nil)
	f.service = control.New(f.Context(), control.Options{
		Functions: f.memory, Host: f.host, Layers: f.layers, Links: f.links, Attached: &f.detached,
		Intake: archive.New(archive.Options{Store: f.memory, Checker: f.host, Objects: f.memory, Dir: f.TempDir()}),
		Scope:  defaults, Logger: slog.New(slog.NewTextHandler(&f.log, nil)),
	})
	router := api.NewRouter(api.Options{})
	f.service.Register(router)
	resource.New(resource.Options{Aliases: f.memory, Functions: f.memory, Attached: &f.detached, Scope: defaults}).Register(router)
	f.mux = http.NewServeMux()
	f.mux.Handle("GET "+links.Path, f.links)
	f.mux.Handle("/", router)
}

// do sends a request and notes both sides of it in the transcript. headers are
// "Name: value".
func (f *fixture) do(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	f.Helper()
	return f.transcript.Do(f, f.mux, method, path, body, headers...)
}

// golden compares the transcript with a file of testdata.
func (f *fixture) golden(name string) {
	f.Helper()
	f.transcript.Golden(f, name, *update)
}

// settle lets everything that goes on beside the requests come to rest.
func (f *fixture) settle() { synctest.Wait() }

// host is what can run; nil functions agree to everything.
type host struct {
	checkRuntime func(runtime string) (missing, err error)
	checkArchive func(archive []byte) error
	prepare      func(ctx context.Context, fn *hearth.Function) error
}

func (h *host) CheckRuntime(_ context.Context, runtime string) (missing, err error) {
	if h.checkRuntime == nil {
		return nil, nil
	}
	return h.checkRuntime(runtime)
}

func (h *host) CheckArchive(_ context.Context, archive io.ReaderAt, size int64) (int64, error) {
	if h.checkArchive == nil {
		return size, nil
	}
	data, err := io.ReadAll(io.NewSectionReader(archive, 0, size))
	if err != nil {
		return 0, err
	}
	return size, h.checkArchive(data)
}

func (h *host) Prepare(ctx context.Context, fn *hearth.Function) error {
	if h.prepare == nil {
		return nil
	}
	return h.prepare(ctx, fn)
}

// hold makes preparations wait until its result is called.
func (h *host) hold() (release func()) {
	gate := make(chan struct{})
	h.prepare = func(ctx context.Context, _ *hearth.Function) error {
		select {
		case <-gate:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return func() { close(gate) }
}

// layerResolver has layers by their ARN.
type layerResolver map[string]hearth.Layer

func (r layerResolver) Resolve(_ context.Context, _ hearth.Name, arns []string) (layers []hearth.Layer, release func(), err error) {
	for _, arn := range arns {
		layer, ok := r[arn]
		if !ok {
			return nil, nil, hearth.Errorf(hearth.ErrInvalid, "Layer version %s does not exist.", arn)
		}
		layers = append(layers, layer)
	}
	return layers, func() {}, nil
}

const (
	functions = "/2015-03-31/functions"
	role      = `"Role":"arn:aws:iam::123456789012:role/r"`
)

// zipped is a code archive as it is sent.
func zipped(content string) string {
	return `"` + base64.StdEncoding.EncodeToString([]byte(content)) + `"`
}

// createBody is a request for a function, with further members.
func createBody(name, members string) string {
	return `{"FunctionName":"` + name + `","Runtime":"python3.13","Handler":"app.handler",` + role + `,"Code":{"ZipFile":` + zipped("code of "+name) + `}` + members + `}`
}

// create makes a function and waits until it is Active. It is in the
// transcript only when it fails.
func (f *fixture) create(name, members string) {
	f.Helper()
	if w := f.do("POST", functions, createBody(name, members)); w.Code != http.StatusCreated {
		f.Fatalf("create %s: %s", name, w.Body)
	}
	f.settle()
	f.transcript.Reset()
}

// stored reads a function from the store.
func (f *fixture) stored(name string) *hearth.Function {
	f.Helper()
	fn, _, err := f.memory.Get(f.Context(), hearth.Name{Account: "000000000000", Region: "us-east-1", Function: name}, "")
	if err != nil {
		f.Fatal(err)
	}
	return fn
}

// refused expects an error answer.
func (f *fixture) refused(w *httptest.ResponseRecorder, status int, code, message string) {
	f.Helper()
	edgetest.Refused(f, w, status, code, message)
}
