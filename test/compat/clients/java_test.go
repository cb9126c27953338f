package clients_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthd/hearth/test/compat/fetch"
)

func TestJava(t *testing.T) {
	t.Parallel()
	_, noJava := fetch.Visible("java")
	toolchains.Require(t, noJava, fetch.Installed("javac", "jar", "mvn"))
	built := buildJava(t)
	pkg := fetch.Assemble(t, built, "testdata/java")
	fn := contract(t, client{
		pkg: pkg, handler: "app.App", entrypoint: []string{"java", "-cp", "classes:lib/*", "com.amazonaws.services.lambda.runtime.api.client.AWSLambda"},
		refusal: `\{"errorMessage":"no such thing","errorType":"app\.App\$Refusal","stackTrace":\["app\.App\.handleRequest\(App\.java:\d+\)".*\]\}`,
	})
	// Such an error leaves a JVM that cannot be relied on: the client ends it.
	t.Run("ReportsStackOverflow", func(t *testing.T) {
		endsProcess(t, fn, `{"do":"overflow"}`,
			`\{"errorMessage":"java\.lang\.StackOverflowError","errorType":"java\.lang\.StackOverflowError","stackTrace":\[("app\.App\.overflow.*",?)+\]\}`)
	})
	t.Run("LogsToItsLogger", func(t *testing.T) {
		if res := fn.invoke(t, `{"do":"log"}`); strings.Count(res.Log, "to the logger\n") != 1 {
			t.Errorf("the log is %q, want one line from the logger", res.Log)
		}
	})
	t.Run("LogsJSON", func(t *testing.T) {
		fn := sandboxed.deploy(t, pkg, "app.App", timeoutSeconds)
		line := map[string]any{"level": "UNDEFINED", "AWSRequestId": "ID"}
		logsJSON(t, fn, types.ApplicationLogLevelInfo, map[string]map[string]any{"to the logger": line})
	})
	t.Run("HandsOverStreams", func(t *testing.T) {
		fn := sandboxed.deploy(t, pkg, "app.Streams", timeoutSeconds)
		if got, want := fn.succeed(t, `"tea"`), `"TEA" of `+fn.name; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("TakesSeveral", func(t *testing.T) { takesSeveral(t, pkg, "app.App") })
	t.Run("TakesEventsWithType", func(t *testing.T) {
		got := sandboxed.deploy(t, pkg, "app.Orders::twice", timeoutSeconds).succeed(t, `{"item":"tea","count":2}`)
		if want := `{"item":"tea","count":4}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("ReportsMissingClass", func(t *testing.T) {
		failsInit(t, pkg, "app.Missing::handle",
			`\{"errorMessage":"Class not found: app\.Missing","errorType":"java\.lang\.ClassNotFoundException".*\}`)
	})
	t.Run("ReportsInitError", func(t *testing.T) {
		failsInit(t, pkg, "app.Broken",
			`\{"errorMessage":"Error loading class app\.Broken","errorType":"java\.lang\.ExceptionInInitializerError"\}`)
	})
}

// buildJava compiles the function and its layer, and fetches the client. In the
// directory are classes, lib with the client, and layer.
func buildJava(t *testing.T) string {
	t.Helper()
	// The pinned version of the client is in pom.xml.
	key := append(fetch.Sources(t, "java"), fetch.Run(t, ".", nil, "javac", "--version"))
	return fetch.Cached(t, "java", key, func(dir string) {
		fetch.Run(t, "testdata/java", nil, "mvn", "--batch-mode", "--quiet", "dependency:copy-dependencies",
			"-DincludeScope=runtime", "-DoutputDirectory="+filepath.Join(dir, "lib"))
		classes, err := filepath.Glob("testdata/java/src/app/*.java")
		if err != nil {
			t.Fatal(err)
		}
		fetch.Run(t, ".", nil, append([]string{"javac", "--release", "11", "-cp", filepath.Join(dir, "lib", "*"),
			"-d", filepath.Join(dir, "classes")}, classes...)...)
		lib, layered := filepath.Join(dir, "layer", "java", "lib"), filepath.Join(dir, "layered")
		if err := os.MkdirAll(lib, 0o755); err != nil {
			t.Fatal(err)
		}
		fetch.Run(t, ".", nil, "javac", "--release", "11", "-d", layered, "testdata/java/layer/layered/Greeting.java")
		fetch.Run(t, ".", nil, "jar", "--create", "--file", filepath.Join(lib, "greeting.jar"), "-C", layered, ".")
	})
}
