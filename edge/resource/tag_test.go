package resource_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
)

// tagsPath is where the tags of a resource are.
func tagsPath(arn string) string { return "/2017-03-31/tags/" + url.PathEscape(arn) }

// stored reads f from the store.
func (f *fixture) stored() *hearth.Function {
	f.Helper()
	fn, _, err := f.memory.Get(f.Context(), nameOf("f"), "")
	if err != nil {
		f.Fatal(err)
	}
	return fn
}

func TestTags_AddedReplacedAndRemoved(t *testing.T) {
	f := serve(t)
	f.answers("GET", tagsPath(functionF), "", 200, `{"Tags":{}}`)
	f.answers("POST", tagsPath(functionF), `{"Tags":{"a":"1","b":"2"}}`, 204, "")
	f.answers("POST", tagsPath(functionF), `{"Tags":{"b":"3","c":""}}`, 204, "")
	f.answers("GET", tagsPath(functionF), "", 200, `{"Tags":{"a":"1","b":"3","c":""}}`)
	f.answers("DELETE", tagsPath(functionF)+"?tagKeys=a&tagKeys=missing", "", 204, "")
	f.answers("GET", tagsPath(functionF), "", 200, `{"Tags":{"b":"3","c":""}}`)
	f.answers("DELETE", tagsPath(functionF)+"?tagKeys=b&tagKeys=c", "", 204, "")
	if f.stored().Tags != nil {
		t.Errorf("tags %v stay", f.stored().Tags)
	}
}

func TestTags_ChangeTheRevisionAndNothingThatRuns(t *testing.T) {
	f := serve(t)
	f.do("POST", tagsPath(functionF), `{"Tags":{"a":"1"}}`)
	if f.stored().RevisionID == "r" || f.stored().Generation != "g" {
		t.Errorf("revision %s, generation %s", f.stored().RevisionID, f.stored().Generation)
	}
}

func TestTags_FiftyAtMost(t *testing.T) {
	f := serve(t)
	members := make([]string, 50)
	for i := range members {
		members[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	f.answers("POST", tagsPath(functionF), `{"Tags":{`+strings.Join(members, ",")+`}}`, 204, "")
	f.answers("POST", tagsPath(functionF), `{"Tags":{"k0":"w"}}`, 204, "")
	f.answers("POST", tagsPath(functionF), `{"Tags":{"k50":"v"}}`, 400, `{"Type":"User","message":"Number of tags exceeds resource tag limit."}`)
	if len(f.stored().Tags) != 50 || f.stored().Tags["k0"] != "w" {
		t.Errorf("%d tags, k0 is %q", len(f.stored().Tags), f.stored().Tags["k0"])
	}
}

func TestTags_OvertakenByAnUpdate_StartOver(t *testing.T) {
	f := serve(t)
	overtaken := 0
	var overtake func() // by three updates, one after the other
	overtake = func() {
		if _, err := f.memory.Modify(t.Context(), nameOf("f"), "", func(fn *hearth.Function) error {
			fn.Description += "x"
			return nil
		}); err != nil {
			t.Error(err)
		}
		if overtaken++; overtaken < 3 {
			f.memory.Overtake = overtake
		}
	}
	f.memory.Overtake = overtake
	f.answers("POST", tagsPath(functionF), `{"Tags":{"a":"1"}}`, 204, "")
	if diff := cmp.Diff(map[string]string{"a": "1"}, f.stored().Tags); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTags_Mistakes(t *testing.T) {
	f := serve(t)
	const (
		versions = `{"Type":"User","message":"Tags on function aliases and versions are not supported. Please specify a function ARN."}`
		missing  = `{"Message":"Function not found: arn:aws:lambda:us-east-1:000000000000:function:n","Type":"User"}`
		nothing  = `{"Message":"The resource you requested does not exist.","Type":"User"}`
		tag      = `{"Tags":{"a":"1"}}`
	)
	for _, qualifier := range []string{":1", ":live", ":$LATEST"} {
		f.answers("GET", tagsPath(functionF+qualifier), "", 400, versions)
		f.answers("POST", tagsPath(functionF+qualifier), tag, 400, versions)
	}
	other := strings.TrimSuffix(functionF, "f") + "n"
	f.answers("GET", tagsPath(other), "", 404, missing)
	f.answers("POST", tagsPath(other), tag, 404, missing)
	f.answers("DELETE", tagsPath(other)+"?tagKeys=a", "", 404, missing)
	f.answers("GET", tagsPath("arn:aws:lambda:us-east-1:000000000000:layer:l"), "", 404, nothing)
	f.answers("POST", tagsPath(functionF), `{"Tags":{}}`, 400, `{"Type":"User","message":"An error occurred and the request cannot be processed."}`)
}
