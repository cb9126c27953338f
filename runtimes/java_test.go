package runtimes_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimes"
)

// fakeJDK writes what a JDK is found by, and returns its prefix.
func fakeJDK(t *testing.T, version string) string {
	t.Helper()
	prefix := write(t, map[string]string{
		"release":  "IMPLEMENTOR=\"Nobody\"\nJAVA_VERSION=\"" + version + "\"\n",
		"bin/java": "#!/bin/sh\nexit 1\n", // it must not be started to be asked
	})
	if err := os.Chmod(filepath.Join(prefix, "bin", "java"), 0o755); err != nil {
		t.Fatal(err)
	}
	return prefix
}

func javaSet(t *testing.T, client string, prefixes ...string) *runtimes.Set {
	t.Helper()
	var dirs []string
	for _, prefix := range prefixes {
		dirs = append(dirs, filepath.Join(prefix, "bin"))
	}
	set, err := runtimes.New(runtimes.Options{Dir: t.TempDir(), Dirs: dirs, JavaClient: client})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func javaClient(t *testing.T) string {
	t.Helper()
	return write(t, map[string]string{"aws-lambda-java-runtime-interface-client-1.0.0.jar": "x", "core.jar": "y", "README": "z"})
}

func TestPlan_Java_RunsClientOnThatVersion(t *testing.T) {
	old, right := fakeJDK(t, "11.0.2"), fakeJDK(t, "17.0.15")
	set := javaSet(t, javaClient(t), old, right)
	plan, err := set.Plan(t.Context(), &hearth.Function{Runtime: "java17", Handler: "app.App::handle", MemorySize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if plan.LangDir != right || plan.Interpreter.Version != "17.0.15" {
		t.Errorf("planned with %+v", plan.Interpreter)
	}
	jars, err := filepath.Glob(filepath.Join(plan.RuntimeDir, "lib", "*"))
	if err != nil || len(jars) != 2 {
		t.Errorf("the runtime's archives are %q, error %v; want the two", jars, err)
	}
	args := plan.Command(runtimes.Paths{Lang: "/var/lang", Runtime: "/var/runtime", Opt: "/opt"}).Candidates[0]
	for _, want := range []string{"-XX:MaxHeapSize=870400k", "/var/runtime/lib/*"} {
		if !slices.Contains(args, want) {
			t.Errorf("%q is not in %q", want, args)
		}
	}
	last := args[len(args)-2:]
	if diff := cmp.Diff([]string{"com.amazonaws.services.lambda.runtime.api.client.AWSLambda", "app.App::handle"}, last); args[0] != "/var/lang/bin/java" || diff != "" {
		t.Errorf("command %q: %s", args, diff)
	}
}

// javaArguments is the command line of a function of 1,000 MB with these
// JAVA_TOOL_OPTIONS.
func javaArguments(t *testing.T, runtime, version, toolOptions string) []string {
	t.Helper()
	plan, err := javaSet(t, javaClient(t), fakeJDK(t, version)).Plan(t.Context(), &hearth.Function{
		Runtime: runtime, Handler: "a.B", MemorySize: 1000, Environment: map[string]string{"JAVA_TOOL_OPTIONS": toolOptions},
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan.Command(runtimes.Paths{Lang: "/var/lang", Runtime: "/var/runtime", Opt: "/opt"}).Candidates[0]
}

// The JVM prefers its command line to JAVA_TOOL_OPTIONS, and two collectors end
// it.
func TestCommand_JavaToolOptions_TakePlaceOfDefaults(t *testing.T) {
	const heap, collector, compiler = "-XX:MaxHeapSize=870400k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"
	for _, c := range []struct {
		options string
		left    []string // of the defaults
	}{
		{"", []string{heap, collector, compiler}},
		{"-Dother=-Xmx1g -verbose:gc", []string{heap, collector, compiler}},
		{"-XX:+UseParallelGC", []string{heap, compiler}},
		{"-Da=b -XX:+UseZGC", []string{heap, compiler}},
		{"-XX:+TieredCompilation -XX:TieredStopAtLevel=4", []string{heap, collector}},
		{"-XX:-TieredCompilation", []string{heap, collector}},
		{"-Xmx100m", []string{collector, compiler}},
		{"-XX:MaxRAMPercentage=50", []string{collector, compiler}},
	} {
		got := slices.DeleteFunc(javaArguments(t, "java17", "17.0.1", c.options), func(arg string) bool {
			return !slices.Contains([]string{heap, collector, compiler}, arg)
		})
		if diff := cmp.Diff(c.left, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.options, diff)
		}
	}
}

func TestCommand_Java11_CompilesInAllTiers(t *testing.T) {
	if args := javaArguments(t, "java11", "11.0.2", ""); slices.Contains(args, "-XX:TieredStopAtLevel=1") {
		t.Errorf("java11 runs %q", args)
	}
}

func TestCheck_JavaWithoutClient_SaysHowToGetIt(t *testing.T) {
	err := javaSet(t, t.TempDir(), fakeJDK(t, "17.0.1")).Check(t.Context(), "java17")
	if !errors.Is(err, hearth.ErrInvalidRuntime) || !strings.Contains(err.Error(), "hearth runtimes install java") {
		t.Errorf("error %v", err)
	}
}

func TestCheck_JavaOfAnotherVersion_IsNoSubstitute(t *testing.T) {
	err := javaSet(t, javaClient(t), fakeJDK(t, "17.0.1"), fakeJDK(t, "1.8.0_402")).Check(t.Context(), "java21")
	if err == nil || !strings.Contains(err.Error(), "java21 needs a Java 21 virtual machine; this host can serve java17.") {
		t.Errorf("error %v", err)
	}
}

func TestJavaClientDir_FollowsEnvironment(t *testing.T) {
	for _, c := range []struct {
		env  []string
		want string
	}{
		{[]string{"HOME=/h"}, "/h/.local/share/hearth/java"},
		{[]string{"HOME=/h", "XDG_DATA_HOME=/d"}, "/d/hearth/java"},
		{[]string{"HOME=/h", "HEARTH_JAVA_CLIENT=/c"}, "/c"},
		{nil, ""},
	} {
		if got := runtimes.JavaClientDir(c.env); got != c.want {
			t.Errorf("%v: %q, want %q", c.env, got, c.want)
		}
	}
}
