package clients_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestJava(t *testing.T) {
	t.Parallel()
	_, noJava := visible("java")
	toolchains.require(t, noJava, installed("javac", "mvn"))
	built := buildJava(t)
	pkg := assemble(t, built, "testdata/java")
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

// buildJava compiles the function and fetches the client.
func buildJava(t *testing.T) string {
	t.Helper()
	// The pinned version of the client is in pom.xml.
	key := append(sources(t, "java"), mustRun(t, ".", nil, "javac", "--version"))
	return cached(t, "java", key, func(dir string) {
		mustRun(t, "testdata/java", nil, "mvn", "--batch-mode", "--quiet", "dependency:copy-dependencies",
			"-DincludeScope=runtime", "-DoutputDirectory="+filepath.Join(dir, "lib"))
		classes, err := filepath.Glob("testdata/java/src/app/*.java")
		if err != nil {
			t.Fatal(err)
		}
		mustRun(t, ".", nil, append([]string{"javac", "--release", "11", "-cp", filepath.Join(dir, "lib", "*"),
			"-d", filepath.Join(dir, "classes")}, classes...)...)
	})
}

// The client comes from where `hearth runtimes install java` puts it, and the
// package holds the function's classes alone.
func TestJava_ManagedRuntimes(t *testing.T) {
	t.Parallel()
	toolchains.require(t, installed("java", "javac", "mvn"))
	built := buildJava(t)
	if _, err := os.Stat(os.Getenv("HEARTH_JAVA_CLIENT")); err != nil {
		mustRun(t, ".", nil, hearthBinary, "runtimes", "install", "java")
	}
	served := 0
	for _, runtime := range []struct{ name, version string }{{"java11", "11"}, {"java17", "17"}, {"java21", "21"}, {"java25", "25"}} {
		t.Run(runtime.name, func(t *testing.T) {
			pkg := assemble(t, filepath.Join(built, "classes"))
			fn, err := sandboxed.tryDeploy(t, pkg, "app.App", runtime.name, timeoutSeconds)
			if err != nil {
				// No JDK of another version stands in for a missing one.
				if want := "needs a Java " + runtime.version + " virtual machine"; !strings.Contains(err.Error(), want) {
					t.Errorf("deploy: %v, want an error with %q", err, want)
				}
				return
			}
			served++
			returnsValue(t, fn)
			tellsContext(t, fn)
			staysWarm(t, fn)
			reportsError(t, fn, failEvent, `\{"errorMessage":"no such thing","errorType":"app\.App\$Refusal","stackTrace":\[.*\]\}`)
			takesLargestPayload(t, fn)
			logsInItsPlace(t, fn)
			if res := fn.invoke(t, `{"do":"log"}`); strings.Count(res.Log, "to the logger\n") != 1 {
				t.Errorf("the log is %q, want one line from the logger", res.Log)
			}
		})
	}
	if served == 0 {
		t.Error("this machine has a JDK, and hearth served no Java runtime")
	}
}
