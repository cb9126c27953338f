package control_test

import (
	"fmt"
	"strings"
	"testing"
)

// versioned makes a function with versions 1 and 2.
func (f *fixture) versioned(name string) {
	f.Helper()
	f.create(name, `,"Publish":true,"Environment":{"Variables":{"testenv":"staging"}}`)
	f.do("PUT", functions+"/"+name+"/configuration", `{"Environment":{"Variables":{"testenv":"prod"}}}`)
	f.settle()
	if w := f.do("POST", functions+"/"+name+"/versions", "{}"); w.Code != 201 {
		f.Fatalf("publish: %s", w.Body)
	}
	f.transcript.Reset()
}

func TestTranscript_Aliases(t *testing.T) {
	serve(t, func(f *fixture) {
		f.versioned("f")
		const path = functions + "/f/aliases"
		f.do("POST", path, `{"Name":"a1_1","FunctionVersion":"1","Description":"custom-alias","RoutingConfig":{"AdditionalVersionWeights":{"2":0.2}}}`)
		f.do("GET", path+"/a1_1", "")
		f.do("GET", functions+"/f?Qualifier=a1_1", "")
		f.do("GET", functions+"/arn:aws:lambda:us-east-1:000000000000:function:f:a1_1/configuration", "")
		f.do("GET", functions+"/f:aliasdoesnotexist", "")
		f.do("GET", functions+"/f?Qualifier=valid-with-$-but-doesnotexist", "")
		f.do("GET", functions+"/f?Qualifier=1221", "")
		f.do("GET", functions+"/f?Qualifier=invalid-qualifier-with-%3F-char", "")
		f.do("GET", functions+"/f:a1_1?Qualifier=1", "")
		f.do("POST", path, `{"Name":"a1_2","FunctionVersion":"1"}`)
		f.do("POST", path, `{"Name":"a2","FunctionVersion":"2","RoutingConfig":{}}`)
		f.do("POST", path, `{"Name":"latest","FunctionVersion":"$LATEST","RoutingConfig":{"AdditionalVersionWeights":{}}}`)
		f.do("GET", path, "")
		f.do("GET", path+"?FunctionVersion=2", "")
		w := f.do("GET", path+"?MaxItems=2", "")
		f.do("GET", path+"?MaxItems=2&Marker="+nextMarker(w), "")
		f.do("PUT", path+"/a1_1", `{"RoutingConfig":{"AdditionalVersionWeights":{}}}`)
		f.do("PUT", path+"/a1_2", `{"FunctionVersion":"2","Description":"moved"}`)
		f.do("GET", path+"?FunctionVersion=2", "")
		f.do("GET", functions+"/f:a1_2/configuration", "")
		f.do("DELETE", path+"/a1_1", "")
		f.do("DELETE", path+"/a1_1", "") // the same answer
		f.do("GET", path+"/a1_1", "")
		f.golden("aliases")
	})
}

// Every row of messages.tsv about aliases, with what it is an answer to.
func TestTranscript_AliasesRefused(t *testing.T) {
	serve(t, func(f *fixture) {
		f.versioned("f")
		const path = functions + "/f/aliases"
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
		f.golden("aliases-refused")
	})
}

func TestAlias_CreatingOneLeavesTheFunctionsRevision(t *testing.T) {
	serve(t, func(f *fixture) {
		f.versioned("f")
		before := f.stored("f").RevisionID
		f.do("POST", functions+"/f/aliases", `{"Name":"live","FunctionVersion":"1"}`)
		if after := f.stored("f").RevisionID; after != before {
			f.Errorf("revision id %s, then %s", before, after)
		}
	})
}

func TestAlias_UpdateWithItsRevision(t *testing.T) {
	serve(t, func(f *fixture) {
		f.versioned("f")
		f.do("POST", functions+"/f/aliases", `{"Name":"live","FunctionVersion":"1"}`)
		alias, err := f.memory.GetAlias(f.Context(), f.stored("f").Name, "live")
		if err != nil {
			f.Fatal(err)
		}
		body := fmt.Sprintf(`{"FunctionVersion":"2","RevisionId":%q}`, alias.RevisionID)
		if w := f.do("PUT", functions+"/f/aliases/live", body); w.Code != 200 || !strings.Contains(w.Body.String(), `"FunctionVersion":"2"`) {
			f.Errorf("got %d %s", w.Code, w.Body)
		}
		f.refused(f.do("PUT", functions+"/f/aliases/live", body), 412, "PreconditionFailedException", "Call the GetFunction/GetAlias API")
	})
}
