package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	layerARN     = "arn:aws:lambda:us-east-1:000000000000:layer:deps"
	listLayers   = "GET /2018-10-31/layers"
	versionsPath = "/2018-10-31/layers/deps/versions"
)

func layerDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "note.txt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLayers_Table(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers[listLayers] = success(`{"Layers":[{"LayerName":"deps","LayerArn":"` + layerARN + `","LatestMatchingVersion":
		{"LayerVersionArn":"` + layerARN + `:3","Version":3,"CreatedDate":"today","CompatibleRuntimes":["python3.13","python3.12"]}}],"NextMarker":null}`)
	want := "NAME  VERSION  RUNTIMES               CREATED  ARN\n" +
		"deps  3        python3.13,python3.12  today    " + layerARN + ":3\n"
	if got := hearthAt(t, d, "layers"); got != (outcome{exitOK, want, ""}) {
		t.Errorf("outcome = %+v, want\n%s", got, want)
	}
}

func TestLayers_None(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers[listLayers] = success(`{"Layers":[]}`)
	if got, want := hearthAt(t, d, "layers", "list"), (outcome{exitOK, "", "no layers yet; publish one with: hearth layers publish NAME DIR\n"}); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
	if got, want := hearthAt(t, d, "layers", "--json"), (outcome{exitOK, "[]\n", ""}); got != want {
		t.Errorf("--json: outcome = %+v, want %+v", got, want)
	}
}

func TestLayersVersions_AllPages(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers["GET "+versionsPath] = func(w http.ResponseWriter, r *http.Request) {
		page := `{"LayerVersions":[{"LayerVersionArn":"a:2","Version":2}],"NextMarker":"m"}`
		if r.URL.Query().Get("Marker") == "m" {
			page = `{"LayerVersions":[{"LayerVersionArn":"a:1","Version":1}]}`
		}
		_, _ = w.Write([]byte(page))
	}
	got := hearthAt(t, d, "layers", "versions", "deps")
	want := "VERSION  RUNTIMES  CREATED  ARN\n2        -                  a:2\n1        -                  a:1\n"
	if got != (outcome{exitOK, want, ""}) {
		t.Errorf("outcome = %+v, want\n%s", got, want)
	}
}

func TestLayersPublish_SendsTheArchive(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers["POST "+versionsPath] = success(`{"LayerVersionArn":"` + layerARN + `:4","Version":4}`)
	got := hearthAt(t, d, "layers", "publish", "deps", layerDir(t), "--runtime", "python3.13", "--description", "mine")
	if want := (outcome{exitOK, layerARN + ":4\n", ""}); got != want {
		t.Fatalf("outcome = %+v, want %+v", got, want)
	}
	var sent struct {
		Description        string
		CompatibleRuntimes []string
		Content            struct{ ZipFile []byte }
	}
	_, body, _ := strings.Cut(d.seen()[0], "/versions ")
	if err := json.Unmarshal([]byte(body), &sent); err != nil {
		t.Fatal(err)
	}
	if sent.Description != "mine" || !cmp.Equal(sent.CompatibleRuntimes, []string{"python3.13"}) || !strings.Contains(string(sent.Content.ZipFile), "note.txt") {
		t.Errorf("sent %s", body)
	}
}

func TestLayersDelete(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers["DELETE "+versionsPath+"/4"] = success("")
	if got, want := hearthAt(t, d, "layers", "delete", "deps", "4"), (outcome{}); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
	if got := hearthAt(t, d, "layers", "delete", "deps", "newest"); got.code != exitUsage || !strings.Contains(got.stderr, "hearth layers versions deps") {
		t.Errorf("outcome = %+v, want code %d and where the numbers are", got, exitUsage)
	}
}

func TestDeploy_Layers(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers["GET /2015-03-31/functions/f/configuration"] = success(`{"FunctionName":"f","State":"Active"}`)
	d.answers["PUT /2015-03-31/functions/f/configuration"] = success(`{}`)
	d.answers["PUT /2015-03-31/functions/f/code"] = success(`{}`)
	if got := hearthAt(t, d, "deploy", layerDir(t), "--name", "f", "--layer", layerARN+":2", "--layer", layerARN+":1"); got.code != exitOK {
		t.Fatalf("outcome = %+v", got)
	}
	want := `PUT /2015-03-31/functions/f/configuration {"Layers":["` + layerARN + `:2","` + layerARN + `:1"]}`
	if got := d.seen()[1]; got != want {
		t.Errorf("call = %s, want %s", got, want)
	}
}

func TestLayers_Completion(t *testing.T) {
	d := newFakeDaemon(t)
	d.answers[listLayers] = success(`{"Layers":[{"LayerName":"deps","LatestMatchingVersion":{"LayerVersionArn":"` + layerARN + `:3"}}]}`)
	for _, test := range []struct {
		want string
		args []string
	}{
		{"deps\n:4\n", []string{"layers", "versions", ""}},
		{"deps\n:4\n", []string{"layers", "publish", ""}},
		{":0\n", []string{"layers", "publish", "deps", ""}},
		{"deps\n:4\n", []string{"layers", "delete", ""}},
		{layerARN + ":3\n:4\n", []string{"deploy", "--layer", ""}},
	} {
		if got := hearthAt(t, d, append([]string{"__complete"}, test.args...)...); got.stdout != test.want {
			t.Errorf("%q completes to %q, want %q", test.args, got.stdout, test.want)
		}
	}
}
