package clients_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/test/compat/fetch"
)

// Libraries that other people made for Lambda come in a layer, to functions of
// managed runtimes.

func TestLibraries_Python(t *testing.T) {
	t.Parallel()
	python, noPython := fetch.Visible("python3")
	pip, noPip := fetch.Pip(t)
	toolchains.Require(t, noPython, noPip)
	version := fetch.Run(t, ".", nil, python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
	key := append(fetch.Sources(t, "python-libraries"), version)
	layer := fetch.Cached(t, "python-libraries", key, func(dir string) {
		fetch.Run(t, "testdata/python-libraries", nil, append(pip, "install", "--quiet", "--disable-pip-version-check", "--target", filepath.Join(dir, "python"),
			"--python-version", version, "--only-binary", ":all:", "--requirement", "requirements.txt")...)
	})
	fn := withLibraries(t, "testdata/python-libraries", "python"+version, layer)
	t.Run("Powertools", func(t *testing.T) { powertools(t, fn.serving(t, "app.powertools"), "## powertools") })
	t.Run("PowertoolsValidation", func(t *testing.T) {
		if got := fn.succeed(t, `{"item":3}`); got != `{"refused": true}` {
			t.Errorf("an event against the schema is answered %s", got)
		}
	})
	t.Run("PowertoolsBatch", func(t *testing.T) {
		got := fn.serving(t, "app.batch").succeed(t, `{"Records":[{"messageId":"a","body":"work"},{"messageId":"b","body":""}]}`)
		if want := `{"batchItemFailures": [{"itemIdentifier": "b"}]}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("Mangum", func(t *testing.T) { servesHTTP(t, fn.serving(t, "app.asgi")) })
	t.Run("ServerlessWSGI", func(t *testing.T) { servesHTTP(t, fn.serving(t, "app.wsgi")) })
}

func TestLibraries_Node(t *testing.T) {
	t.Parallel()
	node, noNode := fetch.Visible("node")
	toolchains.Require(t, noNode, fetch.Installed("npm"))
	version := fetch.Run(t, ".", nil, node, "--version")
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	layer := fetch.Cached(t, "node-libraries", append(fetch.Sources(t, "node-libraries"), major), func(dir string) {
		prefix := filepath.Join(dir, "nodejs")
		if err := os.CopyFS(prefix, os.DirFS("testdata/node-libraries")); err != nil {
			t.Fatal(err)
		}
		// Archives of layers have no symbolic links here.
		fetch.Run(t, prefix, nil, "npm", "install", "--no-bin-links", "--no-audit", "--no-fund", "--loglevel=error")
	})
	fn := withLibraries(t, "testdata/node-libraries", "nodejs"+major+".x", layer)
	t.Run("Powertools", func(t *testing.T) { powertools(t, fn.serving(t, "powertools.handler"), "## powertools.handler") })
	t.Run("Middy", func(t *testing.T) {
		servesHTTP(t, fn.serving(t, "middleware.handler"))
		got := decode[struct{ StatusCode int }](t, fn.succeed(t, strings.Replace(httpRequest, `{\"n\":1}`, `{`, 1)))
		if got.StatusCode != http.StatusUnsupportedMediaType {
			t.Errorf("a body that is no JSON: status %d", got.StatusCode)
		}
	})
	t.Run("ServerlessExpress", func(t *testing.T) { servesHTTP(t, fn.serving(t, "express.handler")) })
	t.Run("ServerlessHTTP", func(t *testing.T) { servesHTTP(t, fn.serving(t, "http.handler")) })
}

// withLibraries deploys a function that is traced and has dir as its layer.
func withLibraries(t *testing.T, source, runtime, dir string) function {
	t.Helper()
	fn, err := sandboxed.tryDeploy(t, fetch.Assemble(t, source), "none.yet", runtime, timeoutSeconds)
	if err != nil {
		t.Fatal(err)
	}
	layer := sandboxed.publish(t, fn.name, dir)
	fn.configure(t, func(in *lambda.UpdateFunctionConfigurationInput) {
		in.Layers, in.TracingConfig = []string{layer}, &types.TracingConfig{Mode: types.TracingModeActive}
	})
	return fn
}

// serving makes the function one with another handler.
func (f function) serving(t *testing.T, handler string) function {
	t.Helper()
	f.configure(t, func(in *lambda.UpdateFunctionConfigurationInput) { in.Handler = &handler })
	return f
}

// httpRequest is what an HTTP API sends for POST /items/7?q=a%20b.
const httpRequest = `{"version":"2.0","routeKey":"$default","rawPath":"/items/7","rawQueryString":"q=a%20b","queryStringParameters":{"q":"a b"},` +
	`"headers":{"content-type":"application/json","content-length":"7","host":"shop.example"},"body":"{\"n\":1}","isBase64Encoded":false,` +
	`"requestContext":{"apiId":"a","stage":"$default","domainName":"shop.example","requestId":"r","timeEpoch":1,` +
	`"http":{"method":"POST","path":"/items/7","protocol":"HTTP/1.1","sourceIp":"192.0.2.1","userAgent":"test"}}}`

// servesHTTP expects an application that tells what it understood of the request.
func servesHTTP(t *testing.T, fn function) {
	t.Helper()
	got := decode[struct {
		StatusCode int
		Body       string
	}](t, fn.succeed(t, httpRequest))
	if got.StatusCode != http.StatusCreated {
		t.Fatalf("status %d: %s", got.StatusCode, got.Body)
	}
	want := map[string]any{"id": "7", "q": "a b", "body": map[string]any{"n": 1.0}}
	if diff := cmp.Diff(want, decode[map[string]any](t, got.Body)); diff != "" {
		t.Errorf("what the application saw (-want +got):\n%s", diff)
	}
}

// powertools expects of an order what Powertools makes of it: a structured log
// line, metrics in the embedded format, and segments for X-Ray.
func powertools(t *testing.T, fn function, subsegment string) {
	t.Helper()
	res := fn.invoke(t, `{"item":"tea"}`)
	if res.FunctionError != "" {
		t.Fatalf("%s\n%s", res.Payload, res.Log)
	}
	trace := decode[struct{ Trace string }](t, res.Payload).Trace
	root := strings.TrimPrefix(strings.Split(trace, ";")[0], "Root=")

	var line map[string]any
	metrics := map[string]any{}
	for _, entry := range jsonLines(res.Log) {
		if entry["message"] == "ordered" {
			line = entry
		}
		for _, name := range []string{"Orders", "ColdStart"} {
			if value, ok := entry[name]; ok && entry["_aws"] != nil {
				metrics[name] = value
			}
		}
	}
	for name, want := range map[string]any{
		"level": "INFO", "service": "shop", "item": "tea", "cold_start": true, "function_name": fn.name,
		"function_request_id": res.RequestID, "xray_trace_id": root,
	} {
		if line[name] != want {
			t.Errorf("%s of the log line is %v, want %v; the log:\n%s", name, line[name], want, res.Log)
		}
	}
	if first(metrics["Orders"]) != 2.0 || first(metrics["ColdStart"]) != 1.0 {
		t.Errorf("metrics are %v; the log:\n%s", metrics, res.Log)
	}
	fn.d.awaitSegment(t, root, func(s segment) bool { return s.Name == subsegment && s.Annotations["item"] == "tea" })
}

// first is the one of a list: Python's metrics are lists.
func first(value any) any {
	if list, ok := value.([]any); ok && len(list) == 1 {
		return list[0]
	}
	return value
}

// jsonLines are the objects in a log.
func jsonLines(log string) []map[string]any {
	var lines []map[string]any
	for line := range strings.Lines(log) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) == nil {
			lines = append(lines, entry)
		}
	}
	return lines
}

// segment is a part of what X-Ray gets to know.
type segment struct {
	Name        string
	Annotations map[string]any
}

// awaitSegment waits until the daemon has a segment of a trace as wanted.
func (d *daemon) awaitSegment(t *testing.T, traceID string, wanted func(segment) bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience / 3); ; <-tick.C {
		text := d.get(t, "/_hearth/traces?traceId="+url.QueryEscape(traceID))
		var got []segment
		for line := range strings.Lines(text) {
			got = append(got, decode[segment](t, line))
		}
		if slices.ContainsFunc(got, wanted) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("trace %s has no such segment:\n%s", traceID, text)
		}
	}
}

// get is the body that the daemon answers with.
func (d *daemon) get(t *testing.T, path string) string {
	t.Helper()
	resp, err := http.Get(d.address + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v: %s", path, resp.StatusCode, err, body)
	}
	return string(body)
}
