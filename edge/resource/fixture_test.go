package resource_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/edgetest"
	"github.com/hearthd/hearth/edge/resource"
	"github.com/hearthd/hearth/edge/scope"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	functions = "/2015-03-31/functions"
	lambdas   = "arn:aws:lambda:us-east-1:000000000000:"
	functionF = lambdas + "function:f"
)

// fixture is a service on stores in memory, with the functions f and g; f has
// versions 1 and 2.
type fixture struct {
	*testing.T
	memory     *edgetest.Memory
	stores     stores
	detached   edgetest.Detached
	progress   hearth.Provisioning // of everything that is provisioned
	log        bytes.Buffer
	service    *resource.Service
	router     *api.Router
	transcript edgetest.Transcript
}

type stores struct {
	reserved    edgetest.ByFunction[hearth.ReservedConcurrency]
	provisioned edgetest.ByFunction[hearth.ProvisionedConcurrency]
	scaling     edgetest.ByFunction[hearth.ScalingBounds]
	providers   edgetest.ByID[hearth.CapacityProvider]
	events      edgetest.ByFunction[hearth.EventInvokeConfig]
	urls        edgetest.ByFunction[hearth.FunctionURL]
	runtimes    edgetest.ByFunction[hearth.RuntimeManagement]
	recursions  edgetest.ByFunction[hearth.Recursion]
	signing     edgetest.ByID[hearth.CodeSigningConfig]
	bindings    edgetest.ByFunction[hearth.CodeSigningBinding]
}

func nameOf(function string) hearth.Name {
	return hearth.Name{Account: "000000000000", Region: "us-east-1", Function: function}
}

func serve(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{T: t, memory: edgetest.NewMemory()}
	for _, name := range []string{"f", "g"} {
		f.create(&hearth.Function{Name: nameOf(name), Version: hearth.Latest, RevisionID: "r", Generation: "g", State: hearth.StateActive})
	}
	f.publish("f", "1")
	f.publish("f", "2")
	f.open("127.0.0.1:4566")
	return f
}

// open makes the service of a daemon that listens at an address.
func (f *fixture) open(listen string) {
	f.service = resource.New(resource.Options{
		Stores: resource.Stores{
			Reserved: &f.stores.reserved, Provisioned: &f.stores.provisioned, ScalingConfigs: &f.stores.scaling,
			CapacityProviders: &f.stores.providers, EventInvokeConfigs: &f.stores.events, URLs: &f.stores.urls,
			Runtimes: &f.stores.runtimes, Recursions: &f.stores.recursions,
			CodeSigningConfigs: &f.stores.signing, CodeSigningBindings: &f.stores.bindings,
		},
		Functions: f.memory, Aliases: f.memory, Attached: &f.detached, Layers: layers(1 << 40), Progress: progress{f},
		Scope: scope.Defaults{Account: "000000000000", Region: "us-east-1"}, Limit: 1000, Listen: listen,
		Logger: slog.New(slog.NewTextHandler(&f.log, nil)),
	})
	f.router = api.NewRouter(api.Options{})
	f.service.Register(f.router)
}

// layers is the size of all layers of every account.
type layers int64

func (l layers) Bytes(string, string) int64 { return int64(l) }

type progress struct{ f *fixture }

func (p progress) Status(*hearth.ProvisionedConcurrency) hearth.Provisioning { return p.f.progress }

func (f *fixture) create(fn *hearth.Function) {
	f.Helper()
	if _, err := f.memory.Create(f.Context(), fn); err != nil {
		f.Fatal(err)
	}
}

// publish makes a version of a function, as the function is now.
func (f *fixture) publish(name, version string) {
	f.Helper()
	latest, revision, err := f.memory.Get(f.Context(), nameOf(name), "")
	if err != nil {
		f.Fatal(err)
	}
	published := *latest
	published.Version = version
	if _, err := f.memory.Publish(f.Context(), &published, latest, revision); err != nil {
		f.Fatal(err)
	}
}

// alias makes an alias of f.
func (f *fixture) alias(name, version string) {
	f.Helper()
	if err := f.memory.CreateAlias(f.Context(), &hearth.Alias{Function: nameOf("f"), Name: name, Version: version}); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) do(method, path, body string) *httptest.ResponseRecorder {
	f.Helper()
	return f.transcript.Do(f, f.router, method, path, body)
}

// random is what the package makes up, as far as answers show it.
var random = regexp.MustCompile(`csc-[0-9a-f]{17}|[a-z2-7]{32}\.lambda-url`)

// answers sends a request and expects an answer; in the body, made-up ids are
// "<id>".
func (f *fixture) answers(method, path, body string, status int, want string) {
	f.Helper()
	w := f.do(method, path, body)
	got := random.ReplaceAllStringFunc(strings.TrimSpace(w.Body.String()), func(id string) string {
		if strings.HasPrefix(id, "csc-") {
			return "csc-<id>"
		}
		return "<id>.lambda-url"
	})
	if w.Code != status {
		f.Errorf("%s %s: status %d, want %d", method, path, w.Code, status)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		f.Errorf("%s %s (-want +got):\n%s", method, path, diff)
	}
}

// refused sends a request and expects an error.
func (f *fixture) refused(method, path, body string, status int, code, message string) {
	f.Helper()
	edgetest.Refused(f, f.do(method, path, body), status, code, message)
}

// A request is a method, a path and a body.
type request [3]string

// fail has a store fail while requests are sent: each must be answered with 500
// and no detail. store is where the store has its error.
func (f *fixture) fail(store *error, requests ...request) {
	f.Helper()
	*store = errors.New("the disk is on fire")
	defer func() { *store = nil }()
	for _, r := range requests {
		w := f.do(r[0], r[1], r[2])
		if w.Code != 500 || w.Header().Get("X-Amzn-Errortype") != "ServiceException" || strings.Contains(w.Body.String(), "disk") {
			f.Errorf("%s %s: %d %s", r[0], r[1], w.Code, w.Body)
		}
	}
}

// nextMarker reads where the next page of a list begins.
func nextMarker(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var list struct{ NextMarker string }
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	return list.NextMarker
}
