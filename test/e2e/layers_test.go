package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fromLayers says what its layers hold.
const fromLayers = `import os
import shared

def handler(event, context):
    return [shared.FROM, sorted(os.listdir("/opt/python")), open("/opt/note.txt").read()]
`

// layerOf is a layer with a module called shared and one of its own.
func layerOf(from string) files {
	return files{"python/shared.py": "FROM = '" + from + "'\n", "python/" + from + ".py": "", "note.txt": from}
}

func TestAWSCLI_Layers(t *testing.T) {
	local := t.TempDir()
	for name, content := range layerOf("local") {
		path := filepath.Join(local, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := startDaemon(t, "--layer-map", "arn:aws:lambda:*:111122223333:layer:foreign:*="+local)
	aws := newAWSCLI(t, d)
	archive := layerOf("one").zip(t)
	aws.file("one.zip", archive)
	aws.file("two.zip", layerOf("two").zip(t))
	aws.file("code.zip", files{"app.py": fromLayers}.zip(t))

	one := aws.run("publish-layer-version", "--layer-name", "deps", "--zip-file", "fileb://one.zip", "--compatible-runtimes", newest(t, "python"))
	two := aws.run("publish-layer-version", "--layer-name", "more", "--zip-file", "fileb://two.zip")
	const foreign = "arn:aws:lambda:us-east-1:111122223333:layer:foreign:12"
	aws.run("create-function", "--function-name", "f", "--runtime", newest(t, "python"), "--handler", "app.handler", "--role", testRole,
		"--zip-file", "fileb://code.zip", "--layers", fmt.Sprint(one["LayerVersionArn"]), foreign, fmt.Sprint(two["LayerVersionArn"]))
	want := `["two", ["local.py", "one.py", "shared.py", "two.py"], "two"]`
	if body, _ := aws.invoke("f", "{}"); body != want {
		t.Errorf("with three layers: %s, want %s", body, want)
	}

	aws.run("delete-layer-version", "--layer-name", "deps", "--version-number", "1")
	aws.run("update-function-configuration", "--function-name", "f", "--timeout", "7")
	if body, _ := aws.invoke("f", "{}"); body != want {
		t.Errorf("after a layer was deleted: %s, want %s", body, want)
	}
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	d.startFor(t)
	if body, _ := aws.invoke("f", "{}"); body != want {
		t.Errorf("after a restart: %s, want %s", body, want)
	}

	again := aws.run("publish-layer-version", "--layer-name", "deps", "--zip-file", "fileb://one.zip")
	if again["Version"] != 2.0 {
		t.Errorf("the next version is %v, want 2", again["Version"])
	}
	location := aws.run("get-layer-version", "--layer-name", "deps", "--version-number", "2", "--query", "{url: Content.Location}")["url"]
	got := download(t, fmt.Sprint(location))
	if diff := cmp.Diff(string(archive), got); diff != "" {
		t.Error("the download is not what was published")
	}
}

func download(t *testing.T, link string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(ctxFor(t), http.MethodGet, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", link, resp.Status, err)
	}
	return string(body)
}

func TestAWSCLI_CodeFromAnS3Endpoint(t *testing.T) {
	code := files{"app.py": "def handler(event, context):\n    return 'from s3'\n"}.zip(t)
	var asked []string
	s3 := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.RequestURI())
		if r.URL.Path != "/bucket/dir/code.zip" {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>")
			return
		}
		if _, err := w.Write(code); err != nil {
			t.Error(err)
		}
	}))
	defer s3.Close()
	aws := newAWSCLI(t, startDaemon(t, "--s3-endpoint", s3.URL))
	aws.run("create-function", "--function-name", "f", "--runtime", newest(t, "python"), "--handler", "app.handler", "--role", testRole,
		"--code", "S3Bucket=bucket,S3Key=dir/code.zip,S3ObjectVersion=v1")
	if body, _ := aws.invoke("f", "{}"); body != `"from s3"` {
		t.Errorf("got %s", body)
	}
	out, err := aws.try("update-function-code", "--function-name", "f", "--s3-bucket", "bucket", "--s3-key", "missing")
	if err == nil || !strings.Contains(out, "S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.") {
		t.Errorf("a missing key: %v, %s", err, out)
	}
	if diff := cmp.Diff([]string{"GET /bucket/dir/code.zip?versionId=v1", "GET /bucket/missing"}, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}
