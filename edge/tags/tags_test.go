package tags_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/scope"
	"github.com/hearthd/hearth/edge/tags"
)

// store has the function f alone.
type store struct {
	fn       hearth.Function
	overtake int // how many changes somebody else is ahead of
}

func (s *store) Get(_ context.Context, name hearth.Name, _ string) (*hearth.Function, uint64, error) {
	if name != s.fn.Name {
		return nil, 0, hearth.Errorf(hearth.ErrNotFound, "Function not found: %s", name.ARN(""))
	}
	fn := s.fn
	return &fn, 0, nil
}

func (s *store) Modify(ctx context.Context, name hearth.Name, version string, change func(*hearth.Function) error) (*hearth.Function, error) {
	for {
		fn, _, err := s.Get(ctx, name, version)
		if err != nil {
			return nil, err
		}
		if err := change(fn); err != nil {
			return nil, err
		}
		if s.overtake == 0 {
			s.fn = *fn
			return fn, nil
		}
		s.overtake--
	}
}

func serve(*testing.T) (*store, *api.Router) {
	s := &store{fn: hearth.Function{Name: hearth.Name{Account: "000000000000", Region: "us-east-1", Function: "f"}, RevisionID: "r", Generation: "g"}}
	router := api.NewRouter(api.Options{})
	tags.New(tags.Functions{Store: s, Scope: scope.Defaults{Account: "000000000000", Region: "us-east-1"}}).Register(router)
	return s, router
}

const arn = "arn:aws:lambda:us-east-1:000000000000:function:f"

// do sends a request about a resource; body may be a query.
func do(t *testing.T, r *api.Router, method, resource, body string) *httptest.ResponseRecorder {
	t.Helper()
	query := ""
	if strings.HasPrefix(body, "?") {
		query, body = body, ""
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, "/2017-03-31/tags/"+url.PathEscape(resource)+query, strings.NewReader(body)))
	return w
}

func answers(t *testing.T, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if w.Code != status || strings.TrimSpace(w.Body.String()) != body {
		t.Errorf("got %d %s; want %d %s", w.Code, w.Body, status, body)
	}
}

func TestTags_AddedReplacedAndRemoved(t *testing.T) {
	s, r := serve(t)
	answers(t, do(t, r, "GET", arn, ""), 200, `{"Tags":{}}`)
	answers(t, do(t, r, "POST", arn, `{"Tags":{"a":"1","b":"2"}}`), 204, "")
	answers(t, do(t, r, "POST", arn, `{"Tags":{"b":"3","c":""}}`), 204, "")
	answers(t, do(t, r, "GET", arn, ""), 200, `{"Tags":{"a":"1","b":"3","c":""}}`)
	answers(t, do(t, r, "DELETE", arn, "?tagKeys=a&tagKeys=missing"), 204, "")
	answers(t, do(t, r, "GET", arn, ""), 200, `{"Tags":{"b":"3","c":""}}`)
	answers(t, do(t, r, "DELETE", arn, "?tagKeys=b&tagKeys=c"), 204, "")
	if s.fn.Tags != nil {
		t.Errorf("tags %v stay", s.fn.Tags)
	}
}

func TestTags_ChangeTheRevisionAndNothingThatRuns(t *testing.T) {
	s, r := serve(t)
	do(t, r, "POST", arn, `{"Tags":{"a":"1"}}`)
	if s.fn.RevisionID == "r" || s.fn.Generation != "g" {
		t.Errorf("revision %s, generation %s", s.fn.RevisionID, s.fn.Generation)
	}
}

func TestTags_FiftyAtMost(t *testing.T) {
	s, r := serve(t)
	members := make([]string, 50)
	for i := range members {
		members[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	answers(t, do(t, r, "POST", arn, `{"Tags":{`+strings.Join(members, ",")+`}}`), 204, "")
	answers(t, do(t, r, "POST", arn, `{"Tags":{"k0":"w"}}`), 204, "")
	answers(t, do(t, r, "POST", arn, `{"Tags":{"k50":"v"}}`), 400, `{"Type":"User","message":"Number of tags exceeds resource tag limit."}`)
	if len(s.fn.Tags) != 50 || s.fn.Tags["k0"] != "w" {
		t.Errorf("%d tags, k0 is %q", len(s.fn.Tags), s.fn.Tags["k0"])
	}
}

func TestTags_OvertakenByAnUpdate_StartOver(t *testing.T) {
	s, r := serve(t)
	s.overtake = 3
	answers(t, do(t, r, "POST", arn, `{"Tags":{"a":"1"}}`), 204, "")
	if diff := cmp.Diff(map[string]string{"a": "1"}, s.fn.Tags); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTags_Mistakes(t *testing.T) {
	_, r := serve(t)
	const (
		versions = `{"Type":"User","message":"Tags on function aliases and versions are not supported. Please specify a function ARN."}`
		missing  = `{"Message":"Function not found: arn:aws:lambda:us-east-1:000000000000:function:g","Type":"User"}`
		nothing  = `{"Message":"The resource you requested does not exist.","Type":"User"}`
		tag      = `{"Tags":{"a":"1"}}`
	)
	for _, qualifier := range []string{":1", ":live", ":$LATEST"} {
		answers(t, do(t, r, "GET", arn+qualifier, ""), 400, versions)
		answers(t, do(t, r, "POST", arn+qualifier, tag), 400, versions)
	}
	other := strings.TrimSuffix(arn, "f") + "g"
	answers(t, do(t, r, "GET", other, ""), 404, missing)
	answers(t, do(t, r, "POST", other, tag), 404, missing)
	answers(t, do(t, r, "DELETE", other, "?tagKeys=a"), 404, missing)
	answers(t, do(t, r, "GET", "arn:aws:lambda:us-east-1:000000000000:layer:l", ""), 404, nothing)
	answers(t, do(t, r, "POST", arn, `{"Tags":{}}`), 400, `{"Type":"User","message":"An error occurred and the request cannot be processed."}`)
}
