package policy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/policy"
	"github.com/hearthd/hearth/edge/policy/document"
	"github.com/hearthd/hearth/edge/scope"
)

var (
	name = hearth.Name{Account: "111122223333", Region: "us-east-1", Function: "f"}
	at   = scope.Defaults{Account: name.Account, Region: name.Region}
)

// memory is a policy.Store.
type memory[K comparable] struct {
	mu         sync.Mutex
	kept       map[K]policy.Policy
	unreadable error // of any
}

func (m *memory[K]) Find(key K) (*policy.Policy, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p, ok := m.kept[key]; ok {
		return &p, m.unreadable
	}
	return nil, m.unreadable
}

func (m *memory[K]) Get(_ context.Context, key K) (*policy.Policy, error) {
	if p, err := m.Find(key); p != nil || err != nil {
		return p, err
	}
	return nil, hearth.ErrNotFound
}

func (m *memory[K]) Modify(_ context.Context, key K, change func(*policy.Policy, bool) error) (*policy.Policy, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, exists := m.kept[key]
	if err := change(&p, exists); err != nil {
		return nil, err
	}
	m.kept[key] = p
	return &p, nil
}

func (m *memory[K]) Delete(_ context.Context, key K, check func(*policy.Policy) error) (*policy.Policy, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, exists := m.kept[key]
	if !exists {
		return nil, hearth.ErrNotFound
	}
	if check != nil {
		if err := check(&p); err != nil {
			return nil, err
		}
	}
	delete(m.kept, key)
	return &p, nil
}

// catalog is policy.Functions with one function and one alias, "live".
type catalog struct {
	mu       sync.Mutex
	fn       hearth.Function
	alias    hearth.Alias
	revision uint64
	refuse   int // how many changes find that somebody else was ahead
}

func (c *catalog) Get(_ context.Context, n hearth.Name, version string) (*hearth.Function, uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n != name || version != hearth.Latest {
		return nil, 0, hearth.ErrNotFound
	}
	fn := c.fn
	return &fn, c.revision, nil
}

func (c *catalog) Modify(ctx context.Context, n hearth.Name, version string, change func(*hearth.Function) error) (*hearth.Function, error) {
	for {
		fn, revision, err := c.Get(ctx, n, version)
		if err != nil {
			return nil, err
		}
		if err := change(fn); err != nil {
			return nil, err
		}
		if c.stored(fn, revision) {
			return fn, nil
		}
	}
}

// stored is false when the function was changed since it was at the revision.
func (c *catalog) stored(fn *hearth.Function, revision uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse > 0 {
		c.refuse--
		c.revision++
		c.fn.RevisionID = "somebody else's"
	}
	if revision != c.revision {
		return false
	}
	c.fn = *fn
	c.revision++
	return true
}

func (c *catalog) GetAlias(_ context.Context, n hearth.Name, alias string) (*hearth.Alias, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n != name || alias != "live" {
		return nil, hearth.ErrNotFound
	}
	a := c.alias
	return &a, nil
}

func (c *catalog) UpdateAlias(_ context.Context, _ hearth.Name, _ string, change func(*hearth.Alias) error) (*hearth.Alias, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.alias
	if err := change(&a); err != nil {
		return nil, err
	}
	c.alias = a
	return &a, nil
}

type noLayers struct{}

func (noLayers) Get(context.Context, hearth.LayerName, int64) (*hearth.LayerVersion, error) {
	return nil, hearth.ErrNotFound
}

// fixture is a service with its stores behind a router.
type fixture struct {
	*policy.Service

	catalog  *catalog
	policies *memory[policy.Function]
	router   *api.Router
}

func newFixture() *fixture {
	f := &fixture{
		catalog:  &catalog{fn: hearth.Function{Name: name, Version: hearth.Latest, RevisionID: "first"}, alias: hearth.Alias{RevisionID: "first"}},
		policies: &memory[policy.Function]{kept: map[policy.Function]policy.Policy{}},
		router:   api.NewRouter(api.Options{}),
	}
	f.Service = policy.New(policy.Options{
		Functions: f.catalog, Layers: noLayers{}, FunctionPolicies: f.policies,
		LayerPolicies: &memory[policy.LayerVersion]{kept: map[policy.LayerVersion]policy.Policy{}}, Scope: at,
	})
	f.Register(f.router)
	return f
}

func (f *fixture) do(method, path, body string) (status int, answer string) {
	w := httptest.NewRecorder()
	f.router.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

// add adds a permission to invoke, for an account.
func (f *fixture) add(sid, query, more string) (status int, answer string) {
	return f.do("POST", "/2015-03-31/functions/f/policy"+query,
		`{"StatementId":"`+sid+`","Action":"lambda:InvokeFunction","Principal":"444455556666"`+more+`}`)
}

func invoked(resource string) document.Request {
	return document.Request{
		Principal: document.Principal{Account: "444455556666", ARN: "arn:aws:iam::444455556666:user/u"},
		Action:    "lambda:InvokeFunction", Resource: resource,
	}
}

func TestDecide_EachQualifierHasItsOwnPolicy(t *testing.T) {
	f := newFixture()
	if status, answer := f.add("s", "", ""); status != http.StatusCreated {
		t.Fatal(status, answer)
	}
	for qualifier, want := range map[string]document.Decision{
		"": document.Allowed, "$LATEST": document.Allowed, "live": document.Silent, "1": document.Silent,
	} {
		if got := f.Decide(invoked(name.ARN(qualifier))); got != want {
			t.Errorf("%q: %d, want %d", qualifier, got, want)
		}
	}
	if status, answer := f.add("s", "?Qualifier=live", ""); status != http.StatusCreated {
		t.Fatal(status, answer)
	}
	if got := f.Decide(invoked(name.ARN("live"))); got != document.Allowed {
		t.Errorf("live: %d", got)
	}
}

func TestDecide_PolicyThatCannotBeRead_IsDenied(t *testing.T) {
	f := newFixture()
	f.add("s", "", "")
	f.policies.unreadable = errors.New("of a newer version")
	if got := f.Decide(invoked(name.ARN(""))); got != document.Denied {
		t.Errorf("decision %d", got)
	}
	if status, answer := f.do("DELETE", "/2026-07-09/resource-policy/"+name.ARN(""), ""); status != http.StatusNoContent {
		t.Errorf("its deletion: %d %s", status, answer)
	}
	f.policies.unreadable = nil
	if got := f.Decide(invoked(name.ARN(""))); got != document.Silent {
		t.Errorf("decision %d once it is deleted", got)
	}
}

func TestDecide_WhatHasNoPolicy(t *testing.T) {
	f := newFixture()
	f.add("s", "", "")
	for _, resource := range []string{
		"", "*", ":::::::", "arn:aws:lambda:us-east-1:111122223333:function", "arn:aws:lambda:us-east-1:111122223333:function:g",
		"arn:aws:lambda:us-east-2:111122223333:function:f", "arn:aws:lambda:us-east-1:111122223333:function:f:1:2",
		"arn:aws:lambda:us-east-1:111122223333:layer:f:x", "arn:aws:s3:us-east-1:111122223333:function:f",
	} {
		if got := f.Decide(invoked(resource)); got != document.Silent {
			t.Errorf("%q: %d", resource, got)
		}
	}
}

func TestAddPermission_OthersChangeTheFunctionMeanwhile(t *testing.T) {
	f := newFixture()
	f.catalog.refuse = 3
	if status, answer := f.add("s", "", ""); status != http.StatusCreated {
		t.Errorf("%d %s", status, answer)
	}
}

func TestAddPermission_RevisionGoneMeanwhile_ChangesNothing(t *testing.T) {
	f := newFixture()
	f.catalog.refuse = 1
	if status, answer := f.add("s", "", `,"RevisionId":"first"`); status != http.StatusPreconditionFailed {
		t.Errorf("%d %s", status, answer)
	}
	if len(f.policies.kept) != 0 {
		t.Errorf("kept: %+v", f.policies.kept)
	}
}

func TestAddPermission_ManyAtOneRevision_OneIsAdded(t *testing.T) {
	for _, query := range []string{"", "?Qualifier=live"} {
		f := newFixture()
		var added atomic.Int32
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				switch status, answer := f.add(fmt.Sprintf("s%d", i), query, `,"RevisionId":"first"`); status {
				case http.StatusCreated:
					added.Add(1)
				case http.StatusPreconditionFailed:
				default:
					t.Errorf("%d %s", status, answer)
				}
			})
		}
		all.Wait()
		if n := added.Load(); n != 1 {
			t.Errorf("%q: %d permissions were added", query, n)
		}
	}
}

// A function gets a new revision when a version of it is published, for one.
func TestGetPolicy_FunctionHasANewRevision_PolicyKeepsItsOwn(t *testing.T) {
	f := newFixture()
	f.add("s", "", "")
	revision := func() string {
		var got struct{ RevisionId string }
		_, answer := f.do("GET", "/2015-03-31/functions/f/policy", "")
		if err := json.Unmarshal([]byte(answer), &got); err != nil || got.RevisionId == "" {
			t.Fatalf("%s: %v", answer, err)
		}
		return got.RevisionId
	}
	before := revision()
	if _, err := f.catalog.Modify(t.Context(), name, hearth.Latest, func(fn *hearth.Function) error {
		fn.RevisionID = "published"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := revision(); got != before {
		t.Errorf("the policy is at %s, and was at %s", got, before)
	}
	for i, revision := range []string{"published", "", "published"} {
		if revision == "" {
			revision = f.policies.kept[policy.Function{Name: name}].RevisionID
		}
		want := map[bool]int{true: http.StatusCreated, false: http.StatusPreconditionFailed}[i < 2]
		if status, answer := f.add(fmt.Sprint("at", i), "", `,"RevisionId":"`+revision+`"`); status != want {
			t.Errorf("change %d: %d %s, want %d", i, status, answer, want)
		}
	}
}

func TestAddPermission_ManyAtThePolicysRevision_OneIsAdded(t *testing.T) {
	f := newFixture()
	f.add("s", "", "")
	revision := f.policies.kept[policy.Function{Name: name}].RevisionID
	if _, err := f.catalog.Modify(t.Context(), name, hearth.Latest, func(fn *hearth.Function) error {
		fn.RevisionID = "published"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var added atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if status, _ := f.add(fmt.Sprintf("s%d", i), "", `,"RevisionId":"`+revision+`"`); status == http.StatusCreated {
				added.Add(1)
			}
		})
	}
	all.Wait()
	if n := added.Load(); n != 1 {
		t.Errorf("%d permissions were added", n)
	}
}

func TestAddPermission_ManyAtOnce_AllAreKept(t *testing.T) {
	f := newFixture()
	var all sync.WaitGroup
	for i := range 5 { // fewer than the attempts of one
		all.Go(func() {
			if status, answer := f.add(fmt.Sprintf("s%d", i), "", ""); status != http.StatusCreated {
				t.Errorf("%d %s", status, answer)
			}
		})
	}
	all.Wait()
	p, _ := f.policies.Find(policy.Function{Name: name})
	if p == nil || len(p.Document.Statements) != 5 {
		t.Errorf("kept: %+v", p)
	}
}

func TestRemovePermission_LastStatement_LeavesNoRecord(t *testing.T) {
	f := newFixture()
	f.add("s", "", "")
	if status, answer := f.do("DELETE", "/2015-03-31/functions/f/policy/s", ""); status != http.StatusNoContent {
		t.Errorf("%d %s", status, answer)
	}
	if len(f.policies.kept) != 0 {
		t.Errorf("kept: %+v", f.policies.kept)
	}
}

func TestAddPermission_PolicyThatGrowsTooLong(t *testing.T) {
	f := newFixture()
	for i := range 200 {
		status, answer := f.add(fmt.Sprintf("%0100d", i), "", "")
		if status == http.StatusCreated {
			continue
		}
		if status != http.StatusBadRequest || !strings.Contains(answer, ") is bigger than the limit (20480).") {
			t.Errorf("%d %s", status, answer)
		}
		if p, _ := f.policies.Find(policy.Function{Name: name}); len(p.Document.String()) > policy.MaxSize {
			t.Errorf("%d bytes are kept", len(p.Document.String()))
		}
		return
	}
	t.Error("there is no limit")
}

// What is stored is written here and described in store/schema, which cannot know
// the type: its golden file holds both together.
func TestPolicy_StoredForm_IsThatOfTheStore(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("..", "..", "store", "schema", "testdata", "golden", "policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	var record struct{ Value policy.Policy }
	if err := json.Unmarshal(golden, &record); err != nil {
		t.Fatal(err)
	}
	if p := record.Value; p.Document.Version == "" || p.Document.ID == "" || len(p.Document.Statements) != 1 || p.RevisionID == "" {
		t.Errorf("read as %+v", p)
	}
	again, err := json.Marshal(record.Value)
	if want := strings.TrimSuffix(strings.TrimPrefix(string(golden), `{"Schema":1,"Value":`), "}"); err != nil || string(again) != want {
		t.Errorf("written as %s, want %s, error %v", again, want, err)
	}
}
