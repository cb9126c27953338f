package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
)

func TestTranscript_Publish(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", `,"Tags":{"team":"t"}`)
		f.do("POST", functions+"/f/versions", `{"Description":"the first"}`)
		f.do("GET", functions+"/f", "")
		f.do("GET", functions+"/f?Qualifier=1", "")
		f.do("GET", functions+"/f:1/configuration", "")
		f.do("POST", functions+"/f/versions", `{"Description":"no change"}`) // answers with version 1
		f.do("PUT", functions+"/f/configuration", `{"Description":"a change"}`)
		f.settle()
		f.do("POST", functions+"/f/versions", "{}")
		f.do("GET", functions+"/f/versions", "")
		f.do("GET", functions+"/f?Qualifier=1", "")
		f.do("GET", functions+"/f?Qualifier=3", "")
		f.golden("publish")
	})
}

func TestTranscript_PublishRefused(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", "")
		f.do("POST", functions+"/f/versions", `{"CodeSha256":"somenonexistentsha256"}`)
		f.do("POST", functions+"/f/versions", `{"RevisionId":"stale"}`)
		f.do("POST", functions+"/f:1/versions", "{}")
		f.do("POST", functions+"/doesnotexist/versions", "{}")
		release := f.host.hold()
		f.do("PUT", functions+"/f/configuration", `{"Timeout":5}`)
		f.do("POST", functions+"/f/versions", "{}") // InProgress
		f.do("POST", functions, createBody("g", ""))
		f.do("POST", functions+"/g/versions", "{}") // Pending
		release()
		f.settle()
		latest := f.stored("f")
		f.do("POST", functions+"/f/versions", `{"CodeSha256":"`+latest.Code.SHA256+`","RevisionId":"`+latest.RevisionID+`"}`)
		f.do("GET", functions+"/doesnotexist/versions", "")
		f.golden("publish-refused")
	})
}

func TestTranscript_CreatePublished(t *testing.T) {
	serve(t, func(f *fixture) {
		release := f.host.hold()
		f.do("POST", functions, createBody("f", `,"Publish":true,"Description":"d"`))
		f.do("GET", functions+"/f", "")
		f.do("GET", functions+"/f:1", "")
		release()
		f.settle()
		f.do("GET", functions+"/f:1", "")
		f.do("POST", functions+"/f/versions", "{}") // answers with version 1
		f.do("POST", functions, createBody("f", `,"Publish":true`))
		f.golden("create-published")
	})
}

func TestTranscript_UpdateCodePublished(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", "")
		release := f.host.hold()
		f.do("PUT", functions+"/f/code", `{"ZipFile":`+zipped("new code")+`,"Publish":true}`)
		f.do("GET", functions+"/f?Qualifier=1", "")
		f.do("GET", functions+"/f?Qualifier=$LATEST", "")
		release()
		f.settle()
		f.do("GET", functions+"/f?Qualifier=1", "")
		f.do("PUT", functions+"/f/code", `{"ZipFile":`+zipped("new code")+`,"Publish":true}`) // answers with version 1
		f.settle()
		f.do("PUT", functions+"/f/code", `{"ZipFile":`+zipped("dry code")+`,"Publish":true,"DryRun":true}`)
		f.do("GET", functions+"/f/versions", "")
		f.golden("update-code-published")
	})
}

func TestTranscript_ListAllVersions(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("a", "")
		f.do("POST", functions+"/a/versions", "{}")
		f.create("b", "")
		w := f.do("GET", functions+"?FunctionVersion=ALL&MaxItems=2", "")
		f.do("GET", functions+"?FunctionVersion=ALL&MaxItems=2&Marker="+nextMarker(w), "")
		w = f.do("GET", functions+"/a/versions?MaxItems=1", "")
		f.do("GET", functions+"/a/versions?MaxItems=1&Marker="+nextMarker(w), "")
		f.do("GET", functions+"/a/versions?Marker=%25%25", "")
		f.golden("list-versions")
	})
}

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

func TestTranscript_Qualifiers(t *testing.T) {
	serve(t, func(f *fixture) {
		f.versioned("f")
		f.do("POST", functions+"/f/aliases", `{"Name":"a1_1","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"2":0.2}}}`)
		f.do("GET", functions+"/f?Qualifier=a1_1", "")
		f.do("GET", functions+"/arn:aws:lambda:us-east-1:000000000000:function:f:a1_1/configuration", "")
		f.do("GET", functions+"/f:aliasdoesnotexist", "")
		f.do("GET", functions+"/f?Qualifier=valid-with-$-but-doesnotexist", "")
		f.do("GET", functions+"/f?Qualifier=1221", "")
		f.do("GET", functions+"/f?Qualifier=invalid-qualifier-with-%3F-char", "")
		f.do("GET", functions+"/f:a1_1?Qualifier=1", "")
		f.do("PUT", functions+"/f/aliases/a1_1", `{"FunctionVersion":"2","Description":"moved","RoutingConfig":{"AdditionalVersionWeights":{}}}`)
		f.do("GET", functions+"/f:a1_1/configuration", "")
		f.golden("qualifiers")
	})
}

func TestTranscript_DeleteVersion(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", "")
		f.do("POST", functions+"/f/versions", "{}")
		f.do("POST", functions+"/f/aliases", `{"Name":"live","FunctionVersion":"1"}`)
		f.do("DELETE", functions+"/f?Qualifier=1", "")
		f.do("DELETE", functions+"/f?Qualifier=live", "")
		f.do("DELETE", functions+"/f/aliases/live", "")
		f.do("DELETE", functions+"/f?Qualifier=1", "")
		f.do("GET", functions+"/f?Qualifier=1", "")
		f.do("DELETE", functions+"/f?Qualifier=1", "")
		f.do("POST", functions+"/f/versions", "{}") // version 2: numbers are not used again
		f.golden("delete-version")
	})
}

// publish publishes a version and returns it.
func (f *fixture) publish(body string) (v struct{ Version, RevisionId, State string }) {
	f.Helper()
	return published(f, f.do("POST", functions+"/f/versions", body))
}

func published(f *fixture, w *httptest.ResponseRecorder) (v struct{ Version, RevisionId, State string }) {
	f.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || v.Version == "" {
		f.Fatalf("publish: %d %s", w.Code, w.Body)
	}
	return v
}

func TestPublish_BumpsTheRevisionOfLatestAndNothingElse(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", "")
		before := *f.stored("f")
		f.publish("{}")
		after := *f.stored("f")
		if after.RevisionID == before.RevisionID {
			f.Error("$LATEST has the same revision id")
		}
		before.RevisionID, before.LastPublished = after.RevisionID, 1
		if fmt.Sprint(after) != fmt.Sprint(before) {
			f.Errorf("$LATEST was\n%v\nand is\n%v", before, after)
		}
	})
}

func TestPublish_VersionStaysAsItIs(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", "")
		f.publish("{}")
		before, _, err := f.memory.Get(f.Context(), f.stored("f").Name, "1")
		if err != nil {
			f.Fatal(err)
		}
		f.do("PUT", functions+"/f/code", `{"ZipFile":`+zipped("new code")+`}`)
		f.settle()
		f.do("PUT", functions+"/f/configuration", `{"Timeout":9}`)
		f.settle()
		f.publish("{}")
		after, _, err := f.memory.Get(f.Context(), f.stored("f").Name, "1")
		if err != nil {
			f.Fatal(err)
		}
		if fmt.Sprint(*before) != fmt.Sprint(*after) {
			f.Errorf("version 1 was\n%v\nand is\n%v", *before, *after)
		}
	})
}

func TestPublish_GenerationOfAVersionOutlivesItsPreparation(t *testing.T) {
	serve(t, func(f *fixture) {
		release := f.host.hold()
		f.do("POST", functions, createBody("f", `,"Publish":true`))
		pending, _, err := f.memory.Get(f.Context(), f.stored("f").Name, "1")
		if err != nil {
			f.Fatal(err)
		}
		release()
		f.settle()
		ready, _, err := f.memory.Get(f.Context(), f.stored("f").Name, "1")
		if err != nil {
			f.Fatal(err)
		}
		if pending.State != hearth.StatePending || ready.State != hearth.StateActive || ready.RevisionID == pending.RevisionID {
			f.Errorf("%s %s, then %s %s", pending.State, pending.RevisionID, ready.State, ready.RevisionID)
		}
		if pending.Generation == "" || ready.Generation != pending.Generation {
			f.Errorf("generation %q, then %q", pending.Generation, ready.Generation)
		}
	})
}

func TestPublish_ChangeThatIsTakenBackIsNone(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", "")
		first := f.publish("{}")
		for _, timeout := range []string{"9", "3"} {
			f.do("PUT", functions+"/f/configuration", `{"Timeout":`+timeout+`}`)
			f.settle()
		}
		if again := f.publish("{}"); again != first {
			f.Errorf("got %v, want %v", again, first)
		}
	})
}

func TestPublish_WhileSomebodyElsePublishes(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", "")
		var theirs struct{ Version, RevisionId, State string }
		f.memory.Overtake = func() { theirs = f.publish("{}") }
		if ours := f.publish("{}"); ours != theirs || ours.Version != "1" {
			f.Errorf("got %v and %v, want the same version", ours, theirs)
		}
	})
}

func TestPublish_WhileSomebodyElseUpdates(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", "")
		f.memory.Overtake = func() {
			f.do("PUT", functions+"/f/configuration", `{"Timeout":9}`)
			f.settle()
		}
		if v := f.publish("{}"); v.State != hearth.StateActive {
			f.Errorf("got %v", v)
		}
		if fn, _, err := f.memory.Get(f.Context(), f.stored("f").Name, "1"); err != nil || fn.Timeout != 9 {
			f.Errorf("version 1: %+v, %v", fn, err)
		}
	})
}

func TestPublish_FunctionWhoseUpdateFailedGivesAVersionThatFails(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", "")
		f.host.prepare = func(context.Context, *hearth.Function) error { return errors.New("disk is full") }
		f.do("PUT", functions+"/f/code", `{"ZipFile":`+zipped("worse")+`}`)
		f.settle()
		if v := f.publish("{}"); v.State != hearth.StatePending {
			f.Errorf("published as %s", v.State)
		}
		f.settle()
		if fn, _, err := f.memory.Get(f.Context(), f.stored("f").Name, "1"); err != nil || fn.State != hearth.StateFailed {
			f.Errorf("version 1: %+v, %v", fn, err)
		}
	})
}

func TestPublish_VersionIsPreparedAfterARestart(t *testing.T) {
	serve(t, func(f *fixture) {
		release := f.host.hold()
		f.do("POST", functions, createBody("f", `,"Publish":true`))
		f.settle()
		f.service.Close()
		release()
		f.open()
		f.service.Resume(f.memory.All())
		f.settle()
		if fn, _, err := f.memory.Get(f.Context(), f.stored("f").Name, "1"); err != nil || fn.State != hearth.StateActive {
			f.Errorf("version 1: %+v, %v", fn, err)
		}
	})
}

func TestDelete_FunctionTakesVersionsAndAliasesAlong(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", `,"Publish":true`)
		f.do("POST", functions+"/f/aliases", `{"Name":"live","FunctionVersion":"1"}`)
		f.do("DELETE", functions+"/f", "")
		f.create("f", "")
		f.refused(f.do("GET", functions+"/f:1", ""), 404, "ResourceNotFoundException", "function:f:1")
		f.refused(f.do("GET", functions+"/f:live", ""), 404, "ResourceNotFoundException", "function:f:live")
		if v := f.publish("{}"); v.Version != "1" {
			f.Errorf("the first version of a new function is %s", v.Version)
		}
	})
}

func TestList_FiftyVersionsAtMost(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", "")
		for i := range 60 {
			f.do("PUT", functions+"/f/configuration", fmt.Sprintf(`{"Timeout":%d}`, i+10))
			f.settle()
			f.publish("{}")
		}
		w := f.do("GET", functions+"/f/versions?MaxItems=10000", "")
		if n := strings.Count(w.Body.String(), `"CodeSha256"`); n != 50 || nextMarker(w) == "" {
			f.Errorf("%d versions, next %q", n, nextMarker(w))
		}
	})
}
