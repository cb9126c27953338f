package thirdparty_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthd/hearth/test/compat/fetch"
)

func TestNode(t *testing.T) {
	t.Parallel()
	node, noNode := fetch.Visible("node")
	toolchains.Require(t, noNode, fetch.Installed("npm"))
	major, _, _ := strings.Cut(strings.TrimPrefix(fetch.Run(t, ".", nil, node, "--version"), "v"), ".")
	n := nodeRuntime{"nodejs" + major + ".x"}
	t.Run("ServerlessExtension", n.serverlessExtension)
	t.Run("Sentry", n.sentry)
	t.Run("Datadog", n.datadog)
}

// nodeRuntime names the runtime of functions.
type nodeRuntime struct{ name string }

// packages is the content of a layer with packages, by name and exact version,
// for functions of the runtime.
func (n nodeRuntime) packages(t *testing.T, specifiers ...string) string {
	t.Helper()
	return fetch.Cached(t, "thirdparty-node", append(specifiers, n.name), func(dir string) {
		prefix := filepath.Join(dir, "nodejs")
		if err := os.Mkdir(prefix, 0o755); err != nil {
			t.Fatal(err)
		}
		// Archives of layers have no symbolic links here.
		fetch.Run(t, prefix, nil, append([]string{"npm", "install", "--prefix", prefix, "--omit=optional", "--no-bin-links", "--no-audit", "--no-fund",
			"--loglevel=error"}, specifiers...)...)
	})
}

// serverlessExtension: Serverless Inc.'s extension for OpenTelemetry, which
// their command line attaches. A wrapper script has Node require a part of it,
// which hands traces to the extension; that subscribes to the Logs API for the
// reports of the platform, under the sandbox's short name, and sends both on.
func (n nodeRuntime) serverlessExtension(t *testing.T) {
	t.Parallel()
	const distribution = "@serverless/aws-lambda-otel-extension-dist"
	packages := n.packages(t, distribution+"@0.1.11")
	archive, err := os.ReadFile(filepath.Join(packages, "nodejs/node_modules", distribution, "extension.zip"))
	if err != nil {
		t.Fatal(err)
	}
	fn := deploy(t, settings{
		runtime: n.name, handler: "app.handler", code: archived(t, "testdata/node"), layers: [][]byte{archive},
		env: map[string]string{
			"AWS_LAMBDA_EXEC_WRAPPER":     "/opt/otel-extension/otel-handler",
			"SLS_OTEL_REPORT_METRICS_URL": "http://127.0.0.1:9999/metrics",
			"SLS_OTEL_REPORT_TRACES_URL":  "http://127.0.0.1:9999/traces",
		},
	})
	for range 2 {
		id := fn.succeed(t, "{}")
		fn.awaitSent(t, "/traces", id, "faas.id", fn.name)
		// Of two requests with metrics one is about the platform's report.
		fn.await(t, "pair of requests with metrics of "+id, func(log string) bool {
			var metrics int
			for _, r := range sent(log) {
				if r.Path == "/metrics" && strings.Contains(r.Body, id) {
					metrics++
				}
			}
			return metrics == 2
		})
	}
	fn.fail(t, `{"fail":true}`, "no such thing")
	fn.awaitSent(t, "/traces", "no such thing")
}

// sentry: Sentry's layer, made as Sentry makes it of its package. Node
// imports the part that wraps the handler from the layer, by NODE_OPTIONS; what
// it reports goes through an extension.
func (n nodeRuntime) sentry(t *testing.T) {
	t.Parallel()
	layer := fetch.Assemble(t, n.packages(t, "@sentry/aws-serverless@10.75.2"))
	parts := filepath.Join(layer, "nodejs/node_modules/@sentry/aws-serverless/build/lambda-extension")
	for name, target := range map[string]string{"sentry-extension": "extensions", "index.mjs": "sentry-extension"} {
		content, err := os.ReadFile(filepath.Join(parts, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(layer, target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(layer, target, name), content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	fn := deploy(t, settings{
		runtime: n.name, handler: "app.handler", code: archived(t, "testdata/node"), layers: [][]byte{archived(t, layer)},
		env: map[string]string{
			"NODE_OPTIONS":              "--import @sentry/aws-serverless/awslambda-auto",
			"SENTRY_DSN":                "http://key@127.0.0.1:9999/42",
			"SENTRY_LAYER_EXTENSION":    "true",
			"SENTRY_TRACES_SAMPLE_RATE": "1.0",
		},
	})
	const envelope = "/api/42/envelope/"
	first := fn.succeed(t, "{}")
	fn.awaitSent(t, envelope, `"type":"transaction"`, first, `"faas.coldstart":true`)
	second := fn.succeed(t, "{}")
	fn.awaitSent(t, envelope, `"type":"transaction"`, second, `"faas.coldstart":false`)
	fn.fail(t, `{"fail":true}`, "no such thing")
	fn.awaitSent(t, envelope, `"type":"event"`, `"value":"no such thing"`)
}

// datadog: Datadog's library, whose handler loads the function's. It writes
// what it knows to the log.
func (n nodeRuntime) datadog(t *testing.T) {
	t.Parallel()
	layer := n.packages(t, "datadog-lambda-js@12.143.0", "dd-trace@6.21.0")
	fn := deploy(t, settings{
		runtime: n.name, handler: "/opt/nodejs/node_modules/datadog-lambda-js/dist/handler.handler", code: archived(t, "testdata/node"),
		layers: [][]byte{archived(t, layer)},
		env:    map[string]string{"DD_LAMBDA_HANDLER": "app.handler", "DD_FLUSH_TO_LOG": "true", "DD_API_KEY": "none"},
	})
	id := fn.succeed(t, "{}")
	fn.awaitLine(t, `"m":"aws.lambda.enhanced.invocations"`, `"functionname:`+fn.name+`"`, `"cold_start:true"`)
	fn.awaitLine(t, `"name":"aws.lambda"`, `"request_id":"`+id+`"`)
	fn.fail(t, `{"fail":true}`, "no such thing")
	fn.awaitLine(t, `"m":"aws.lambda.enhanced.errors"`, `"cold_start:false"`)
}
