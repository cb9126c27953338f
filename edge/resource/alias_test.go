package resource_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/edge/edgetest"
)

const aliasPath = functions + "/f/aliases"

func TestTranscript_Aliases(t *testing.T) {
	f := serve(t)
	f.do("POST", aliasPath, `{"Name":"a1_1","FunctionVersion":"1","Description":"custom-alias","RoutingConfig":{"AdditionalVersionWeights":{"2":0.2}}}`)
	f.do("GET", aliasPath+"/a1_1", "")
	f.do("POST", aliasPath, `{"Name":"a1_2","FunctionVersion":"1"}`)
	f.do("POST", aliasPath, `{"Name":"a2","FunctionVersion":"2","RoutingConfig":{}}`)
	f.do("POST", aliasPath, `{"Name":"latest","FunctionVersion":"$LATEST","RoutingConfig":{"AdditionalVersionWeights":{}}}`)
	f.do("GET", aliasPath, "")
	f.do("GET", aliasPath+"?FunctionVersion=2", "")
	w := f.do("GET", aliasPath+"?MaxItems=2", "")
	f.do("GET", aliasPath+"?MaxItems=2&Marker="+nextMarker(t, w), "")
	f.do("PUT", aliasPath+"/a1_1", `{"RoutingConfig":{"AdditionalVersionWeights":{}}}`)
	f.do("PUT", aliasPath+"/a1_2", `{"FunctionVersion":"2","Description":"moved"}`)
	f.do("GET", aliasPath+"?FunctionVersion=2", "")
	f.do("DELETE", aliasPath+"/a1_1", "")
	f.do("DELETE", aliasPath+"/a1_1", "") // the same answer
	f.do("GET", aliasPath+"/a1_1", "")
	f.transcript.Golden(t, "aliases", *update)
}

// Every row of messages.tsv about aliases, with what it is an answer to.
func TestTranscript_AliasesRefused(t *testing.T) {
	f := serve(t)
	routed := func(version, weights string) string {
		return `{"Name":"custom","FunctionVersion":"` + version + `","RoutingConfig":{"AdditionalVersionWeights":{` + weights + `}}}`
	}
	f.do("POST", aliasPath, routed("1", `"1":0.8,"2":0.2`))
	f.do("POST", aliasPath, routed("1", `"2":2`))
	f.do("POST", aliasPath, routed("1", `"2":-1`))
	f.do("POST", aliasPath, routed("1", `"1":0.5`))
	f.do("POST", aliasPath, routed("10", `"2":0.5`))
	f.do("POST", aliasPath, routed("1", `"10":0.5`))
	f.do("POST", aliasPath, routed("$LATEST", `"1":0.5`))
	f.do("POST", aliasPath, routed("1", `"$LATEST":0.5`))
	f.do("POST", functions+"/f-unknown/aliases", routed("1", `"2":0.5`))
	f.do("POST", aliasPath, routed("1", `"2":0.5`))
	f.do("POST", aliasPath, routed("1", `"2":0.5`)) // exists
	f.do("POST", aliasPath, `{"Name":"2024","FunctionVersion":"1"}`)
	f.do("POST", aliasPath, `{"Name":"x"}`)
	f.do("POST", functions+"/f:1/aliases", `{"Name":"x","FunctionVersion":"1"}`)
	f.do("GET", aliasPath+"/non-existent", "")
	f.do("PUT", aliasPath+"/non-existent", `{"Description":"d"}`)
	f.do("PUT", aliasPath+"/custom", `{"Description":"d","RevisionId":"stale"}`)
	f.do("PUT", aliasPath+"/custom", `{"FunctionVersion":"2"}`)
	f.do("PUT", aliasPath+"/custom", `{"FunctionVersion":"$LATEST"}`)
	f.do("PUT", aliasPath+"/custom", `{"FunctionVersion":"10"}`)
	f.do("GET", aliasPath+"/custom", "") // as it was created
	f.do("GET", functions+"/doesnotexist/aliases", "")
	f.do("GET", functions+"/doesnotexist/aliases/noalias", "")
	f.do("DELETE", functions+"/doesnotexist/aliases/noalias", "")
	f.transcript.Golden(t, "aliases-refused", *update)
}

func TestAlias_CreatingOneLeavesTheFunctionsRevision(t *testing.T) {
	f := serve(t)
	f.do("POST", aliasPath, `{"Name":"live","FunctionVersion":"1"}`)
	for _, fn := range f.memory.All() {
		if fn.RevisionID != "r" {
			t.Errorf("version %s is at revision id %s", fn.Version, fn.RevisionID)
		}
	}
}

func TestAlias_UpdateWithItsRevision(t *testing.T) {
	f := serve(t)
	f.do("POST", aliasPath, `{"Name":"live","FunctionVersion":"1"}`)
	alias, err := f.memory.GetAlias(t.Context(), nameOf("f"), "live")
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"FunctionVersion":"2","RevisionId":%q}`, alias.RevisionID)
	if w := f.do("PUT", aliasPath+"/live", body); w.Code != 200 || !strings.Contains(w.Body.String(), `"FunctionVersion":"2"`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	edgetest.Refused(t, f.do("PUT", aliasPath+"/live", body), 412, "PreconditionFailedException", "Call the GetFunction/GetAlias API")
}

func TestAlias_TakesAlongWhatIsAttached(t *testing.T) {
	f := serve(t)
	f.do("POST", aliasPath, `{"Name":"live","FunctionVersion":"1"}`)
	f.do("DELETE", aliasPath+"/live", "")
	if diff := cmp.Diff([]string{"f:alias live"}, f.detached.Names()); diff != "" {
		t.Errorf("detached (-want +got):\n%s", diff)
	}
}

func TestAlias_OfAFunctionOfAVersion_IsRefused(t *testing.T) {
	f := serve(t)
	const version = functions + "/f:1/aliases"
	for _, r := range []request{
		{"GET", version, ""}, {"GET", version + "/live", ""}, {"PUT", version + "/live", `{}`}, {"DELETE", version + "/live", ""},
	} {
		f.refused(r[0], r[1], r[2], 400, "InvalidParameterValueException", "This operation is permitted on Lambda functions only.")
	}
}

func TestAlias_RoutedToTwoMore_IsRefused(t *testing.T) {
	f := serve(t)
	f.refused("POST", aliasPath, `{"Name":"live","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"2":0.5,"3":0.1}}}`,
		400, "InvalidParameterValueException", "Number of items in AdditionalVersionWeights cannot be greater than 1")
}
