package aliases_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/aliases"
	"github.com/hearthd/hearth/edge/edgetest"
	"github.com/hearthd/hearth/edge/scope"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// fixture is a service on the function f in memory, which has versions 1 and 2.
type fixture struct {
	*testing.T
	memory     *edgetest.Memory
	detached   edgetest.Detached
	router     *api.Router
	transcript edgetest.Transcript
}

func serve(t *testing.T) *fixture {
	f := &fixture{T: t, memory: edgetest.NewMemory(), router: api.NewRouter(api.Options{})}
	latest := &hearth.Function{Name: hearth.Name{Account: "000000000000", Region: "us-east-1", Function: "f"}, Version: hearth.Latest, RevisionID: "r"}
	revision, err := f.memory.Create(t.Context(), latest)
	for _, version := range []string{"1", "2"} {
		if err == nil {
			published := *latest
			published.Version = version
			revision, err = f.memory.Publish(t.Context(), &published, latest, revision)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	aliases.New(aliases.Options{
		Aliases: f.memory, Functions: f.memory, Attached: &f.detached,
		Scope: scope.Defaults{Account: "000000000000", Region: "us-east-1"},
	}).Register(f.router)
	return f
}

const (
	functions = "/2015-03-31/functions"
	path      = functions + "/f/aliases"
)

func (f *fixture) do(method, path, body string) *httptest.ResponseRecorder {
	f.Helper()
	return f.transcript.Do(f, f.router, method, path, body)
}

func nextMarker(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var list struct{ NextMarker string }
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	return list.NextMarker
}

func TestTranscript_Aliases(t *testing.T) {
	f := serve(t)
	f.do("POST", path, `{"Name":"a1_1","FunctionVersion":"1","Description":"custom-alias","RoutingConfig":{"AdditionalVersionWeights":{"2":0.2}}}`)
	f.do("GET", path+"/a1_1", "")
	f.do("POST", path, `{"Name":"a1_2","FunctionVersion":"1"}`)
	f.do("POST", path, `{"Name":"a2","FunctionVersion":"2","RoutingConfig":{}}`)
	f.do("POST", path, `{"Name":"latest","FunctionVersion":"$LATEST","RoutingConfig":{"AdditionalVersionWeights":{}}}`)
	f.do("GET", path, "")
	f.do("GET", path+"?FunctionVersion=2", "")
	w := f.do("GET", path+"?MaxItems=2", "")
	f.do("GET", path+"?MaxItems=2&Marker="+nextMarker(t, w), "")
	f.do("PUT", path+"/a1_1", `{"RoutingConfig":{"AdditionalVersionWeights":{}}}`)
	f.do("PUT", path+"/a1_2", `{"FunctionVersion":"2","Description":"moved"}`)
	f.do("GET", path+"?FunctionVersion=2", "")
	f.do("DELETE", path+"/a1_1", "")
	f.do("DELETE", path+"/a1_1", "") // the same answer
	f.do("GET", path+"/a1_1", "")
	f.transcript.Golden(t, "aliases", *update)
}

// Every row of messages.tsv about aliases, with what it is an answer to.
func TestTranscript_AliasesRefused(t *testing.T) {
	f := serve(t)
	routed := func(version, weights string) string {
		return `{"Name":"custom","FunctionVersion":"` + version + `","RoutingConfig":{"AdditionalVersionWeights":{` + weights + `}}}`
	}
	f.do("POST", path, routed("1", `"1":0.8,"2":0.2`))
	f.do("POST", path, routed("1", `"2":2`))
	f.do("POST", path, routed("1", `"2":-1`))
	f.do("POST", path, routed("1", `"1":0.5`))
	f.do("POST", path, routed("10", `"2":0.5`))
	f.do("POST", path, routed("1", `"10":0.5`))
	f.do("POST", path, routed("$LATEST", `"1":0.5`))
	f.do("POST", path, routed("1", `"$LATEST":0.5`))
	f.do("POST", functions+"/f-unknown/aliases", routed("1", `"2":0.5`))
	f.do("POST", path, routed("1", `"2":0.5`))
	f.do("POST", path, routed("1", `"2":0.5`)) // exists
	f.do("POST", path, `{"Name":"2024","FunctionVersion":"1"}`)
	f.do("POST", path, `{"Name":"x"}`)
	f.do("POST", functions+"/f:1/aliases", `{"Name":"x","FunctionVersion":"1"}`)
	f.do("GET", path+"/non-existent", "")
	f.do("PUT", path+"/non-existent", `{"Description":"d"}`)
	f.do("PUT", path+"/custom", `{"Description":"d","RevisionId":"stale"}`)
	f.do("PUT", path+"/custom", `{"FunctionVersion":"2"}`)
	f.do("PUT", path+"/custom", `{"FunctionVersion":"$LATEST"}`)
	f.do("PUT", path+"/custom", `{"FunctionVersion":"10"}`)
	f.do("GET", path+"/custom", "") // as it was created
	f.do("GET", functions+"/doesnotexist/aliases", "")
	f.do("GET", functions+"/doesnotexist/aliases/noalias", "")
	f.do("DELETE", functions+"/doesnotexist/aliases/noalias", "")
	f.transcript.Golden(t, "aliases-refused", *update)
}

func TestAlias_CreatingOneLeavesTheFunctionsRevision(t *testing.T) {
	f := serve(t)
	f.do("POST", path, `{"Name":"live","FunctionVersion":"1"}`)
	for _, fn := range f.memory.All() {
		if fn.RevisionID != "r" {
			t.Errorf("version %s is at revision id %s", fn.Version, fn.RevisionID)
		}
	}
}

func TestAlias_UpdateWithItsRevision(t *testing.T) {
	f := serve(t)
	f.do("POST", path, `{"Name":"live","FunctionVersion":"1"}`)
	alias, err := f.memory.GetAlias(t.Context(), hearth.Name{Account: "000000000000", Region: "us-east-1", Function: "f"}, "live")
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"FunctionVersion":"2","RevisionId":%q}`, alias.RevisionID)
	if w := f.do("PUT", path+"/live", body); w.Code != 200 || !strings.Contains(w.Body.String(), `"FunctionVersion":"2"`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	edgetest.Refused(t, f.do("PUT", path+"/live", body), 412, "PreconditionFailedException", "Call the GetFunction/GetAlias API")
}

func TestAlias_TakesAlongWhatIsAttached(t *testing.T) {
	f := serve(t)
	f.do("POST", path, `{"Name":"live","FunctionVersion":"1"}`)
	f.do("DELETE", path+"/live", "")
	if diff := cmp.Diff([]string{"f:alias live"}, f.detached.Names()); diff != "" {
		t.Errorf("detached (-want +got):\n%s", diff)
	}
}
