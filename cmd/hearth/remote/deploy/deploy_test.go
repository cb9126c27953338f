package deploy_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/api/client"
	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote/deploy"
	"github.com/hearthd/hearth/cmd/hearth/remote/remotetest"
)

func TestDeploy_NewFunction(t *testing.T) {
	d := remotetest.NewDaemon(t)
	created := false
	d.Answers["GET /2015-03-31/functions/f/configuration"] = func(w http.ResponseWriter, r *http.Request) {
		if !created {
			remotetest.Failure(404, "ResourceNotFoundException", "Function not found")(w, r)
			return
		}
		remotetest.Success(`{"FunctionName":"f","Runtime":"python3.13","State":"Active"}`)(w, r)
	}
	d.Answers["POST /2015-03-31/functions"] = func(w http.ResponseWriter, _ *http.Request) {
		created = true
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{}`)
	}
	archive := filepath.Join(t.TempDir(), "f.zip")
	if err := os.WriteFile(archive, []byte("zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := d.Run(t, deploy.NewCommand, "deploy", archive, "--runtime", "python3.13", "--handler", "a.b", "--timeout", "9", "--env", "K=v=w")
	if want := (remotetest.Outcome{Stdout: "created f (python3.13, 3 bytes)\n"}); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
	want := []string{
		"GET /2015-03-31/functions/f/configuration",
		`POST /2015-03-31/functions {"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/hearth","Runtime":"python3.13","Handler":"a.b","Timeout":9,"Environment":{"Variables":{"K":"v=w"}},"Code":{"ZipFile":"emlw"}}`,
		"GET /2015-03-31/functions/f/configuration",
	}
	if diff := cmp.Diff(want, d.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// With --auth, a function's role must be of the caller's account.
func TestDeploy_NewFunctionOfAnotherAccount_HasARoleOfIt(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers["GET /2015-03-31/functions/f/configuration"] = remotetest.Failure(404, "ResourceNotFoundException",
		"Function not found: arn:aws:lambda:us-east-1:111122223333:function:f")
	d.Answers["POST /2015-03-31/functions"] = remotetest.Failure(409, "ResourceConflictException", "enough")
	archive := filepath.Join(t.TempDir(), "f.zip")
	if err := os.WriteFile(archive, []byte("zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.Run(t, deploy.NewCommand, "deploy", archive, "--runtime", "python3.13", "--handler", "a.b")
	if calls := d.Calls(); len(calls) != 2 || !strings.Contains(calls[1], `"Role":"arn:aws:iam::111122223333:role/hearth"`) {
		t.Errorf("calls: %q", calls)
	}
}

func TestDeploy_BootstrapThatCannotBeExecuted_IsSaid(t *testing.T) {
	const warning = "hearth: warning: bootstrap is not executable, and the function will not start: chmod +x bootstrap, and deploy it again\n"
	for _, test := range []struct {
		runtime string
		mode    os.FileMode
		want    string
	}{{"provided.al2023", 0o644, warning}, {"provided.al2023", 0o755, ""}, {"python3.13", 0o644, ""}} {
		d := remotetest.NewDaemon(t)
		d.Answers["GET /2015-03-31/functions/f/configuration"] = remotetest.Success(
			`{"FunctionName":"f","Runtime":"` + test.runtime + `","State":"Active","LastUpdateStatus":"Successful"}`)
		d.Answers["PUT /2015-03-31/functions/f/configuration"] = remotetest.Success(`{}`)
		d.Answers["PUT /2015-03-31/functions/f/code"] = remotetest.Success(`{}`)
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "bootstrap"), []byte("#!/bin/sh\n"), test.mode); err != nil {
			t.Fatal(err)
		}
		got := d.Run(t, deploy.NewCommand, "deploy", dir, "--name", "f")
		if got.Code != exit.OK || got.Stderr != test.want {
			t.Errorf("%s, mode %s: exit code %d, %q", test.runtime, test.mode, got.Code, got.Stderr)
		}
	}
}

func TestDeploy_WarningOfTheDaemon_IsShownOnce(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers["GET /2015-03-31/functions/f/configuration"] = remotetest.Success(`{"FunctionName":"f","Runtime":"ruby3.4","State":"Active","LastUpdateStatus":"Successful"}`)
	d.Answers["PUT /2015-03-31/functions/f/configuration"] = remotetest.Success(`{}`, "X-Hearth-Warning: install ruby")
	d.Answers["PUT /2015-03-31/functions/f/code"] = remotetest.Success(`{}`, "X-Hearth-Warning: install ruby")
	archive := filepath.Join(t.TempDir(), "f.zip")
	if err := os.WriteFile(archive, []byte("zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := d.Run(t, deploy.NewCommand, "deploy", archive, "--runtime", "ruby3.4")
	want := remotetest.Outcome{Stdout: "updated f (ruby3.4, 3 bytes)\n", Stderr: "hearth: warning: install ruby\n"}
	if got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
}

// deployDir writes a function's directory with a function.json.
func deployDir(t *testing.T, description string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"function.json": description, "app.py": "def handler(e, c): pass\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDeploy_ExistingFunction(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers["GET /2015-03-31/functions/g/configuration"] = remotetest.Success(`{"FunctionName":"g","State":"Active","LastUpdateStatus":"Successful"}`)
	d.Answers["PUT /2015-03-31/functions/g/configuration"] = remotetest.Success(`{}`)
	d.Answers["PUT /2015-03-31/functions/g/code"] = remotetest.Success(`{}`)
	dir := deployDir(t, `{"FunctionName":"f","Runtime":"python3.11","Handler":"app.handler","MemorySize":256}`)
	got := d.Run(t, deploy.NewCommand, "deploy", dir, "--name", "g", "--runtime", "python3.13", "--json")
	var configuration client.Configuration
	if err := json.Unmarshal([]byte(got.Stdout), &configuration); err != nil || configuration.FunctionName != "g" {
		t.Errorf("stdout is not the configuration of g (%v): %+v", err, got)
	}
	calls := d.Calls()
	if len(calls) != 5 {
		t.Fatalf("%d calls, want 5: %q", len(calls), calls)
	}
	if want := `PUT /2015-03-31/functions/g/configuration {"Runtime":"python3.13","Handler":"app.handler","MemorySize":256}`; calls[1] != want {
		t.Errorf("call = %s, want %s", calls[1], want)
	}
	if !strings.HasPrefix(calls[3], `PUT /2015-03-31/functions/g/code {"ZipFile":"UEsD`) {
		t.Errorf("call = %s, want new code, a ZIP archive", calls[3])
	}
}

func TestDeploy_Undescribed(t *testing.T) {
	d := remotetest.NewDaemon(t)
	got := d.Run(t, deploy.NewCommand, "deploy", deployDir(t, `{"FunctionName":"f"}`))
	if got.Code != exit.Usage || !strings.Contains(got.Stderr, "function.json, or with --runtime and --handler") {
		t.Errorf("outcome = %+v, want a usage error that says how to describe the function", got)
	}
}

func TestDeploy_BadDescription(t *testing.T) {
	got := remotetest.NewDaemon(t).Run(t, deploy.NewCommand, "deploy", deployDir(t, `{"Memory":1}`))
	if got.Code != exit.Usage || !strings.Contains(got.Stderr, `unknown field "Memory"`) {
		t.Errorf("outcome = %+v, want a usage error that names the member", got)
	}
}

func TestDeploy_Layers(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers["GET /2015-03-31/functions/f/configuration"] = remotetest.Success(`{"FunctionName":"f","State":"Active"}`)
	d.Answers["PUT /2015-03-31/functions/f/configuration"] = remotetest.Success(`{}`)
	d.Answers["PUT /2015-03-31/functions/f/code"] = remotetest.Success(`{}`)
	if got := d.Run(t, deploy.NewCommand, "deploy", layerDir(t), "--name", "f", "--layer", layerARN+":2", "--layer", layerARN+":1"); got.Code != exit.OK {
		t.Fatalf("outcome = %+v", got)
	}
	want := `PUT /2015-03-31/functions/f/configuration {"Layers":["` + layerARN + `:2","` + layerARN + `:1"]}`
	if got := d.Calls()[1]; got != want {
		t.Errorf("call = %s, want %s", got, want)
	}
}
