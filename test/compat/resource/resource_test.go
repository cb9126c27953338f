// Package resource_test drives the operations on the smaller resources
// (event invoke configs, URLs, code signing, runtime management, recursion) and
// on event source mappings through the AWS SDK: each is created, read back,
// listed, changed and deleted, against the services as the daemon wires them,
// with the store in memory and a clock that stands still.
package resource_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/mapping"
	"github.com/hearthd/hearth/edge/resource"
	"github.com/hearthd/hearth/edge/scope"
	"github.com/hearthd/hearth/store/catalog"
	"github.com/hearthd/hearth/store/mem"
	"github.com/hearthd/hearth/store/records"
)

const (
	account = "000000000000"
	region  = "us-east-1"
	lambdas = "arn:aws:lambda:us-east-1:000000000000:"
	arnF    = lambdas + "function:f"
)

// fixture is the services on a store in memory, with the functions f and g; f
// has a version 1 and an alias live.
type fixture struct {
	*testing.T
	*lambda.Client
	kv       *mem.KV
	records  *records.Set
	signing  *resource.CodeSigning
	mappings *mapping.Service
	router   *api.Router
}

// serve runs a test against the services, in a bubble.
func serve(t *testing.T, test func(f *fixture)) {
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{T: t, kv: mem.NewKV()}
		t.Cleanup(func() { _ = f.kv.Close() })
		f.open()
		f.Client = lambda.New(lambda.Options{
			Region: region, BaseEndpoint: aws.String("http://hearth.test"), HTTPClient: f, Retryer: aws.NopRetryer{},
			Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
		})
		test(f)
	})
}

// open makes the services, as the start of a daemon does.
func (f *fixture) open() {
	f.Helper()
	functions, err := catalog.Open(f.Context(), catalog.Options{KV: f.kv, Blobs: mem.NewBlobs()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(functions.Close)
	if _, _, err := functions.Get(f.Context(), nameOf("f"), ""); err != nil {
		f.populate(functions)
	}
	set := records.New(f.kv, nil, nil)
	defaults := scope.Defaults{Account: account, Region: region}
	configs := records.NewByFunction[hearth.EventInvokeConfig](set, "event-config")
	endpoints := records.NewByFunction[hearth.FunctionURL](set, "url")
	managed := records.NewByFunction[hearth.RuntimeManagement](set, "runtime-management")
	recursions := records.NewByFunction[hearth.Recursion](set, "recursion")
	bindings := records.NewByFunction[hearth.CodeSigningBinding](set, "signing-binding")
	signers := records.NewByID[hearth.CodeSigningConfig](set, "signing-config")
	sources := records.NewByID[hearth.EventSourceMapping](set, "mapping")
	if err := set.Open(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(set.Close)
	f.records, f.router = set, api.NewRouter(api.Options{})
	f.mappings = mapping.New(mapping.Options{Mappings: sources, Functions: functions, Scope: defaults})
	f.mappings.Register(f.router)
	resources := resource.New(resource.Options{
		Stores: resource.Stores{
			EventInvokeConfigs: configs, URLs: endpoints, Runtimes: managed, Recursions: recursions,
			CodeSigningConfigs: signers, CodeSigningBindings: bindings,
		},
		Functions: functions, Tagged: []resource.Tagged{f.mappings.Tagged()}, Scope: defaults, Listen: "127.0.0.1:4566",
	})
	resources.Register(f.router)
	f.signing = resources.Signing()
}

func nameOf(function string) hearth.Name {
	return hearth.Name{Account: account, Region: region, Function: function}
}

func (f *fixture) populate(functions *catalog.Catalog) {
	f.Helper()
	must := func(err error) {
		f.Helper()
		if err != nil {
			f.Fatal(err)
		}
	}
	_, err := functions.Create(f.Context(), &hearth.Function{Name: nameOf("g"), Version: hearth.Latest})
	must(err)
	latest := &hearth.Function{Name: nameOf("f"), Version: hearth.Latest}
	revision, err := functions.Create(f.Context(), latest)
	must(err)
	version := *latest
	version.Version = "1"
	latest.LastPublished = 1
	_, err = functions.Publish(f.Context(), &version, latest, revision)
	must(err)
	must(functions.CreateAlias(f.Context(), &hearth.Alias{Function: nameOf("f"), Name: "live", Version: "1"}))
}

// Do makes a fixture the HTTP client of an SDK.
func (f *fixture) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	served := r.Clone(r.Context())
	served.RequestURI = r.URL.RequestURI()
	if served.Body == nil {
		served.Body = http.NoBody
	}
	f.router.ServeHTTP(w, served)
	res := w.Result()
	res.Request = r
	return res, nil
}

// pass lets time go by on the clock of the bubble.
func (f *fixture) pass(d time.Duration) { <-time.After(d) }

// ok returns out, or ends the test.
func ok[T any](f *fixture) func(out T, err error) T {
	return func(out T, err error) T {
		f.Helper()
		if err != nil {
			f.Fatal(err)
		}
		return out
	}
}

// refused checks that a call ended with an error code and message; an empty
// message is any.
func (f *fixture) refused(err error, code, message string) {
	f.Helper()
	e, is := errors.AsType[smithy.APIError](err)
	if !is || e.ErrorCode() != code || message != "" && e.ErrorMessage() != message {
		f.Errorf("got  %v\nwant %s: %s", err, code, message)
	}
}
