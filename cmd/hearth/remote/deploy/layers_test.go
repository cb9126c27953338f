package deploy_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote/deploy"
	"github.com/hearthd/hearth/cmd/hearth/remote/remotetest"
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
	d := remotetest.NewDaemon(t)
	d.Answers[listLayers] = remotetest.Success(`{"Layers":[{"LayerName":"deps","LayerArn":"` + layerARN + `","LatestMatchingVersion":
		{"LayerVersionArn":"` + layerARN + `:3","Version":3,"CreatedDate":"today","CompatibleRuntimes":["python3.13","python3.12"]}}],"NextMarker":null}`)
	want := "NAME  VERSION  RUNTIMES               CREATED  ARN\n" +
		"deps  3        python3.13,python3.12  today    " + layerARN + ":3\n"
	if got := d.Run(t, deploy.NewLayersCommand, "layers"); got != (remotetest.Outcome{Stdout: want}) {
		t.Errorf("outcome = %+v, want\n%s", got, want)
	}
}

func TestLayers_None(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers[listLayers] = remotetest.Success(`{"Layers":[]}`)
	if got, want := d.Run(t, deploy.NewLayersCommand, "layers", "list"), (remotetest.Outcome{Stderr: "no layers yet; publish one with: hearth layers publish NAME DIR\n"}); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
	if got, want := d.Run(t, deploy.NewLayersCommand, "layers", "--json"), (remotetest.Outcome{Stdout: "[]\n"}); got != want {
		t.Errorf("--json: outcome = %+v, want %+v", got, want)
	}
}

func TestLayersVersions_AllPages(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers["GET "+versionsPath] = func(w http.ResponseWriter, r *http.Request) {
		page := `{"LayerVersions":[{"LayerVersionArn":"a:2","Version":2}],"NextMarker":"m"}`
		if r.URL.Query().Get("Marker") == "m" {
			page = `{"LayerVersions":[{"LayerVersionArn":"a:1","Version":1}]}`
		}
		_, _ = w.Write([]byte(page))
	}
	got := d.Run(t, deploy.NewLayersCommand, "layers", "versions", "deps")
	want := "VERSION  RUNTIMES  CREATED  ARN\n2        -                  a:2\n1        -                  a:1\n"
	if got != (remotetest.Outcome{Stdout: want}) {
		t.Errorf("outcome = %+v, want\n%s", got, want)
	}
}

func TestLayersPublish_SendsTheArchive(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers["POST "+versionsPath] = remotetest.Success(`{"LayerVersionArn":"` + layerARN + `:4","Version":4}`)
	got := d.Run(t, deploy.NewLayersCommand, "layers", "publish", "deps", layerDir(t), "--runtime", "python3.13", "--description", "mine")
	if want := (remotetest.Outcome{Stdout: layerARN + ":4\n"}); got != want {
		t.Fatalf("outcome = %+v, want %+v", got, want)
	}
	var sent struct {
		Description        string
		CompatibleRuntimes []string
		Content            struct{ ZipFile []byte }
	}
	_, body, _ := strings.Cut(d.Calls()[0], "/versions ")
	if err := json.Unmarshal([]byte(body), &sent); err != nil {
		t.Fatal(err)
	}
	if sent.Description != "mine" || !cmp.Equal(sent.CompatibleRuntimes, []string{"python3.13"}) || !strings.Contains(string(sent.Content.ZipFile), "note.txt") {
		t.Errorf("sent %s", body)
	}
}

func TestLayersDelete(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers["DELETE "+versionsPath+"/4"] = remotetest.Success("")
	if got, want := d.Run(t, deploy.NewLayersCommand, "layers", "delete", "deps", "4"), (remotetest.Outcome{}); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
	if got := d.Run(t, deploy.NewLayersCommand, "layers", "delete", "deps", "newest"); got.Code != exit.Usage || !strings.Contains(got.Stderr, "hearth layers versions deps") {
		t.Errorf("outcome = %+v, want code %d and where the numbers are", got, exit.Usage)
	}
}

func TestLayers_Completion(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers[listLayers] = remotetest.Success(`{"Layers":[{"LayerName":"deps","LatestMatchingVersion":{"LayerVersionArn":"` + layerARN + `:3"}}]}`)
	for _, test := range []struct {
		want string
		verb remotetest.Command
		args []string
	}{
		{"deps\n:4\n", deploy.NewLayersCommand, []string{"layers", "versions", ""}},
		{"deps\n:4\n", deploy.NewLayersCommand, []string{"layers", "publish", ""}},
		{":0\n", deploy.NewLayersCommand, []string{"layers", "publish", "deps", ""}},
		{"deps\n:4\n", deploy.NewLayersCommand, []string{"layers", "delete", ""}},
		{layerARN + ":3\n:4\n", deploy.NewCommand, []string{"deploy", "--layer", ""}},
	} {
		if got := d.Run(t, test.verb, append([]string{"__complete"}, test.args...)...); got.Stdout != test.want {
			t.Errorf("%q completes to %q, want %q", test.args, got.Stdout, test.want)
		}
	}
}
