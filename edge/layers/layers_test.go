package layers_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/archive"
	"github.com/hearthd/hearth/edge/layers"
	"github.com/hearthd/hearth/edge/scope"
)

const account = "000000000000"

// memory is everything that a service needs.
type memory struct {
	versions map[string]*hearth.LayerVersion // by ARN
	last     map[hearth.LayerName]int64
	held     map[string]int // by digest
	foreign  map[string]string
	deleting func() // called by HoldCode, once
}

func (m *memory) Publish(_ context.Context, v *hearth.LayerVersion) error {
	m.last[v.Layer]++
	v.Version = m.last[v.Layer]
	m.versions[v.ARN()] = v
	return nil
}

func (m *memory) Get(_ context.Context, name hearth.LayerName, version int64) (*hearth.LayerVersion, error) {
	if v := m.versions[name.VersionARN(version)]; v != nil {
		return v, nil
	}
	return nil, hearth.ErrNotFound
}

func (m *memory) Delete(_ context.Context, name hearth.LayerName, version int64) error {
	if m.versions[name.VersionARN(version)] == nil {
		return hearth.ErrNotFound
	}
	delete(m.versions, name.VersionARN(version))
	return nil
}

// Latest and Versions have no pages.
func (m *memory) Latest(_ context.Context, account, region string, q hearth.LayerQuery) (page []*hearth.LayerVersion, next string, err error) {
	newest := map[string]*hearth.LayerVersion{}
	for _, v := range m.versions {
		name := v.Layer.Layer
		if v.Layer.Account == account && v.Layer.Region == region && q.Matches(v) && (newest[name] == nil || newest[name].Version < v.Version) {
			newest[name] = v
		}
	}
	for _, v := range newest {
		page = append(page, v)
	}
	slices.SortFunc(page, func(a, b *hearth.LayerVersion) int { return strings.Compare(a.ARN(), b.ARN()) })
	return page, fmt.Sprint("limit", q.Limit), nil
}

func (m *memory) Versions(_ context.Context, name hearth.LayerName, q hearth.LayerQuery) (page []*hearth.LayerVersion, next string, err error) {
	for _, v := range m.versions {
		if v.Layer == name && q.Matches(v) {
			page = append(page, v)
		}
	}
	slices.SortFunc(page, func(a, b *hearth.LayerVersion) int { return cmp.Compare(b.Version, a.Version) })
	return page, q.Marker, nil
}

func (m *memory) HoldCode(digest string) (release func()) {
	m.held[digest]++
	if m.deleting != nil {
		m.deleting()
	}
	return func() { m.held[digest]-- }
}

func (m *memory) Take(_ context.Context, src archive.Source) (hearth.Code, func(), error) {
	if src.Zip == nil {
		return hearth.Code{}, nil, hearth.Errorf(hearth.ErrInvalid, "Please provide a source for function code.")
	}
	return m.TakeFrom(context.Background(), io.NewSectionReader(src.Zip, 0, src.Zip.Size()))
}

func (m *memory) TakeFrom(_ context.Context, r io.Reader) (hearth.Code, func(), error) {
	content, err := io.ReadAll(r)
	digest := "digest of " + string(content)
	m.held[digest]++
	return hearth.Code{Digest: digest, SHA256: "sha", Size: int64(len(content)), Unzipped: 100}, func() { m.held[digest]-- }, err
}

func (m *memory) Link(_ *http.Request, digest string) string { return "http://link/" + digest }

func (m *memory) Open(_ context.Context, arn string) (io.ReadCloser, error) {
	content, ok := m.foreign[arn]
	if !ok {
		return nil, hearth.ErrNotFound
	}
	return io.NopCloser(strings.NewReader(content)), nil
}

// fixture is a service behind a router.
type fixture struct {
	*testing.T
	memory  *memory
	service *layers.Service
	router  *api.Router
}

func serve(t *testing.T, change func(*layers.Options)) *fixture {
	m := &memory{
		versions: map[string]*hearth.LayerVersion{}, last: map[hearth.LayerName]int64{}, held: map[string]int{}, foreign: map[string]string{},
	}
	opts := layers.Options{
		Versions: m, Lists: m, Intake: m, Holder: m, Links: m, Foreign: m, Scope: scope.Defaults{Account: account, Region: "us-east-1"},
	}
	if change != nil {
		change(&opts)
	}
	f := &fixture{T: t, memory: m, service: layers.New(opts), router: api.NewRouter(api.Options{})}
	f.service.Register(f.router)
	return f
}

const root = "/2018-10-31/layers"

func (f *fixture) do(method, path, body string) *httptest.ResponseRecorder {
	f.Helper()
	w := httptest.NewRecorder()
	f.router.ServeHTTP(w, httptest.NewRequestWithContext(f.Context(), method, root+path, strings.NewReader(body)))
	return w
}

// publish publishes a version of a layer with the content abc.
func (f *fixture) publish(name, members string) {
	f.Helper()
	if w := f.do("POST", "/"+name+"/versions", `{"Content":{"ZipFile":"YWJj"}`+members+`}`); w.Code != 201 {
		f.Fatalf("publish %s: %d %s", name, w.Code, w.Body)
	}
}

// answers expects a body, with any date.
func (f *fixture) answers(w *httptest.ResponseRecorder, status int, want string) {
	f.Helper()
	var got, wanted any
	if err := json.Unmarshal([]byte(undated(w.Body.String())), &got); err != nil {
		f.Fatalf("%v: %s", err, w.Body)
	}
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		f.Fatalf("%v: %s", err, want)
	}
	if diff := gocmp.Diff(wanted, got); diff != "" || w.Code != status {
		f.Errorf("%d, want %d (-want +got):\n%s", w.Code, status, diff)
	}
}

// undated cuts the values of CreatedDate out.
func undated(body string) string {
	const member = `"CreatedDate":"`
	out, rest, found := strings.Cut(body, member)
	for found {
		_, after, _ := strings.Cut(rest, `"`)
		var before string
		before, rest, found = strings.Cut(after, member)
		out += member + `"` + before
	}
	return out
}

func (f *fixture) refused(w *httptest.ResponseRecorder, status int, code, message string) {
	f.Helper()
	if w.Code != status || w.Header().Get("X-Amzn-Errortype") != code || !strings.Contains(w.Body.String(), message) {
		f.Errorf("got %d %s %s; want %d %s with %q", w.Code, w.Header().Get("X-Amzn-Errortype"), w.Body, status, code, message)
	}
}

const complete = `{"Content":{"Location":"http://link/digest of abc","CodeSha256":"sha","CodeSize":3},
	"LayerArn":"arn:aws:lambda:us-east-1:000000000000:layer:deps","LayerVersionArn":"arn:aws:lambda:us-east-1:000000000000:layer:deps:1",
	"Description":"d","CreatedDate":"","Version":1,"CompatibleRuntimes":["python3.13"],"CompatibleArchitectures":["arm64"],"LicenseInfo":"MIT"}`

const completeInput = `,"Description":"d","LicenseInfo":"MIT","CompatibleRuntimes":["python3.13"],"CompatibleArchitectures":["arm64"]`

func TestPublish_AnswersTheVersion(t *testing.T) {
	f := serve(t, nil)
	f.answers(f.do("POST", "/deps/versions", `{"Content":{"ZipFile":"YWJj"}`+completeInput+`}`), 201, complete)
	if n := f.memory.held["digest of abc"]; n != 0 {
		t.Errorf("the content is held %d times", n)
	}
}

func TestPublish_ByARN_AndOfLittle(t *testing.T) {
	f := serve(t, nil)
	w := f.do("POST", "/arn:aws:lambda:us-east-1:000000000000:layer:deps/versions", `{"Content":{"ZipFile":"YWJj"}}`)
	f.answers(w, 201, `{"Content":{"Location":"http://link/digest of abc","CodeSha256":"sha","CodeSize":3},
		"LayerArn":"arn:aws:lambda:us-east-1:000000000000:layer:deps","LayerVersionArn":"arn:aws:lambda:us-east-1:000000000000:layer:deps:1",
		"Description":"","CreatedDate":"","Version":1}`)
}

func TestPublish_WithoutContent(t *testing.T) {
	f := serve(t, nil)
	f.refused(f.do("POST", "/deps/versions", `{"Content":{}}`), 400, "InvalidParameterValueException", "Please provide a source")
}

func TestGet_ByNumberAndByARN(t *testing.T) {
	f := serve(t, nil)
	f.publish("deps", completeInput)
	for _, path := range []string{
		"/deps/versions/1", "/arn:aws:lambda:us-east-1:000000000000:layer:deps/versions/1",
		"?find=LayerVersion&Arn=arn:aws:lambda:us-east-1:000000000000:layer:deps:1",
	} {
		f.answers(f.do("GET", path, ""), 200, complete)
	}
}

func TestGet_WhatIsNotThere(t *testing.T) {
	f := serve(t, nil)
	f.publish("deps", "")
	for _, path := range []string{
		"/deps/versions/2", "/missing/versions/1", "/arn:aws:lambda:eu-west-1:000000000000:layer:deps/versions/1",
		"?find=LayerVersion&Arn=arn:aws:lambda:us-east-1:000000000000:layer:deps:2",
		"?find=LayerVersion&Arn=arn:aws:lambda:eu-west-1:000000000000:layer:deps:1",
	} {
		f.refused(f.do("GET", path, ""), 404, "ResourceNotFoundException", "The resource you requested does not exist.")
	}
	for _, path := range []string{"/deps/versions/0", "/deps/versions/-1", "?find=LayerVersion&Arn=arn:aws:lambda:us-east-1:000000000000:layer:deps:0"} {
		f.refused(f.do("GET", path, ""), 400, "InvalidParameterValueException", "Layer Version Cannot be less than 1")
	}
}

func TestDelete_ManyTimes(t *testing.T) {
	f := serve(t, nil)
	f.publish("deps", "")
	for range 2 {
		if w := f.do("DELETE", "/deps/versions/1", ""); w.Code != 204 || w.Body.Len() > 0 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	f.refused(f.do("DELETE", "/deps/versions/0", ""), 400, "InvalidParameterValueException", "Layer Version Cannot be less than 1")
	f.refused(f.do("GET", "/deps/versions/1", ""), 404, "ResourceNotFoundException", "")
}

func TestListLayers_NewestOfEach(t *testing.T) {
	f := serve(t, nil)
	f.publish("a", `,"CompatibleRuntimes":["python3.13"]`)
	f.publish("a", `,"LicenseInfo":"MIT"`)
	f.publish("b", "")
	f.answers(f.do("GET", "", ""), 200, `{"NextMarker":"limit50","Layers":[
		{"LayerName":"a","LayerArn":"arn:aws:lambda:us-east-1:000000000000:layer:a","LatestMatchingVersion":{
			"LayerVersionArn":"arn:aws:lambda:us-east-1:000000000000:layer:a:2","Version":2,"CreatedDate":"","LicenseInfo":"MIT"}},
		{"LayerName":"b","LayerArn":"arn:aws:lambda:us-east-1:000000000000:layer:b","LatestMatchingVersion":{
			"LayerVersionArn":"arn:aws:lambda:us-east-1:000000000000:layer:b:1","Version":1,"CreatedDate":""}}]}`)
	f.answers(f.do("GET", "?CompatibleRuntime=python3.13&MaxItems=3", ""), 200, `{"NextMarker":"limit3","Layers":[
		{"LayerName":"a","LayerArn":"arn:aws:lambda:us-east-1:000000000000:layer:a","LatestMatchingVersion":{
			"LayerVersionArn":"arn:aws:lambda:us-east-1:000000000000:layer:a:1","Version":1,"CreatedDate":"","CompatibleRuntimes":["python3.13"]}}]}`)
}

func TestListVersions_OfALayerThatDoesNotExist_IsEmpty(t *testing.T) {
	f := serve(t, nil)
	f.answers(f.do("GET", "/missing/versions", ""), 200, `{"LayerVersions":[]}`)
}

func TestListVersions_NewestFirst(t *testing.T) {
	f := serve(t, nil)
	f.publish("a", `,"CompatibleArchitectures":["arm64"]`)
	f.publish("a", "")
	f.answers(f.do("GET", "/a/versions?Marker=m", ""), 200, `{"NextMarker":"m","LayerVersions":[
		{"LayerVersionArn":"arn:aws:lambda:us-east-1:000000000000:layer:a:2","Version":2,"CreatedDate":""},
		{"LayerVersionArn":"arn:aws:lambda:us-east-1:000000000000:layer:a:1","Version":1,"CreatedDate":"","CompatibleArchitectures":["arm64"]}]}`)
	f.answers(f.do("GET", "/a/versions?CompatibleArchitecture=arm64", ""), 200, `{"LayerVersions":[
		{"LayerVersionArn":"arn:aws:lambda:us-east-1:000000000000:layer:a:1","Version":1,"CreatedDate":"","CompatibleArchitectures":["arm64"]}]}`)
}
