package host

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// programs puts shell scripts by their names into a directory that is on PATH before
// the tools of the system.
func programs(t *testing.T, scripts map[string]string) (bin string) {
	t.Helper()
	bin = t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	return bin
}

// told is what an installation said.
type told struct{ progress, result bytes.Buffer }

func (o *told) output() Output { return Output{Progress: &o.progress, Result: &o.result} }

// alone gives the test a home of its own, for SDKs, clients and temporary files.
func alone(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_DATA_HOME", "")
	t.Setenv("HEARTH_SDK_DIR", "")
	t.Setenv("HEARTH_JAVA_CLIENT", "")
	t.Setenv("TMPDIR", t.TempDir())
	t.Cleanup(func() {
		left, err := os.ReadDir(os.Getenv("TMPDIR"))
		if err != nil || len(left) > 0 {
			t.Errorf("left in the temporary directory: %v (%v)", left, err)
		}
	})
	return home
}

// npm is one that installs a client and writes down what it was asked for.
const npm = `while [ "$1" != -- ]; do [ "$1" = --prefix ] && dir=$2; shift; done
mkdir -p "$dir/node_modules/@aws-sdk/client-s3" && echo "$*" > "$dir/asked"
`

func TestInstallNodeSDK_IsWhereFunctionsGetIt(t *testing.T) {
	home := alone(t)
	programs(t, map[string]string{"npm": npm})
	var o told
	if err := InstallNodeSDK(t.Context(), o.output(), []string{"@aws-sdk/client-athena"}); err != nil {
		t.Fatal(err)
	}
	installed, err := filepath.EvalSymlinks(filepath.Join(home, ".local", "share", "hearth", "sdk", "nodejs"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(installed+"\n", o.result.String()); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	asked, err := os.ReadFile(filepath.Join(installed, "asked"))
	if err != nil || !strings.Contains(string(asked), "@aws-sdk/client-athena") {
		t.Errorf("npm was asked for %s (%v)", asked, err)
	}
	if !strings.Contains(o.progress.String(), "Node.js runtimes have @aws-sdk") {
		t.Errorf("progress: %s", o.progress.String())
	}
}

func TestInstallNodeSDK_NpmFails(t *testing.T) {
	alone(t)
	programs(t, map[string]string{"npm": "echo no network; exit 1\n"})
	var o told
	err := InstallNodeSDK(t.Context(), o.output(), nil)
	if err == nil || o.result.Len() > 0 || !strings.Contains(o.progress.String(), "no network") {
		t.Errorf("%v, result %q, progress %q", err, o.result.String(), o.progress.String())
	}
}

func TestInstallNodeSDK_NoNamesOfPackages(t *testing.T) {
	alone(t)
	for _, name := range []string{"", "--global"} {
		if err := InstallNodeSDK(t.Context(), new(told).output(), []string{name}); !errors.Is(err, ErrPackageName) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestInstall_NoHome(t *testing.T) {
	alone(t)
	t.Setenv("HOME", "")
	for name, install := range map[string]func(context.Context, Output) error{
		"python": InstallPythonSDK,
		"node":   func(ctx context.Context, o Output) error { return InstallNodeSDK(ctx, o, nil) },
		"java":   InstallJavaClient,
	} {
		if err := install(t.Context(), new(told).output()); !errors.Is(err, ErrNoHome) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// python answers the probe as one of a version that serves a runtime, and has a pip
// that does what is given with the directory $target.
func python(bin, version, pip string) string {
	return `case "$1 $2" in
"-m pip")
	shift 2
	[ "$1" = --version ] && exit 0
	while [ $# -gt 0 ]; do [ "$1" = --target ] && target=$2; shift; done
	` + pip + `
	;;
*) echo '{"version":"` + version + `","executable":"` + bin + `/python3.14","prefix":"` + bin + `","basePrefix":"` + bin + `"}' ;;
esac
`
}

// withPython puts a Python 3.14 with a pip first on PATH, and returns where. Other
// Pythons of the host get nothing: their pip does not start, and knows no index.
func withPython(t *testing.T, pip string) (bin string) {
	t.Helper()
	t.Setenv("PYTHONHOME", "/nonexistent")
	t.Setenv("PIP_NO_INDEX", "1")
	t.Setenv("PIP_FIND_LINKS", "")
	bin = programs(t, nil)
	script := "#!/bin/sh\n" + python(bin, "3.14.1", pip)
	if err := os.WriteFile(filepath.Join(bin, "python3.14"), []byte(script), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	return bin
}

func TestInstallPythonSDK_IsWhereFunctionsGetIt(t *testing.T) {
	home := alone(t)
	withPython(t, `mkdir -p "$target/boto3" "$target/boto3-1.2.3.dist-info"`)
	var o told
	err := InstallPythonSDK(t.Context(), o.output())
	installed, linkErr := filepath.EvalSymlinks(filepath.Join(home, ".local", "share", "hearth", "sdk", "python3.14"))
	if linkErr != nil {
		t.Fatalf("%v; %v: %s", linkErr, err, o.progress.String())
	}
	if diff := cmp.Diff(installed+"\n", o.result.String()); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if !strings.Contains(o.progress.String(), "python3.14 has boto3 1.2.3") {
		t.Errorf("progress: %s", o.progress.String())
	}
}

func TestInstallPythonSDK_PipFails(t *testing.T) {
	alone(t)
	withPython(t, "echo no network; exit 1")
	var o told
	if err := InstallPythonSDK(t.Context(), o.output()); err == nil || !strings.Contains(err.Error(), "python3.14") || o.result.Len() > 0 {
		t.Errorf("%v, result %q", err, o.result.String())
	}
}

func TestInstallPythonSDK_ContextEnds(t *testing.T) {
	alone(t)
	withPython(t, "exit 1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := InstallPythonSDK(ctx, new(told).output()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// mvn copies one archive to where it was told to.
const mvn = `for arg; do case "$arg" in -DoutputDirectory=*) out=${arg#*=} ;; esac; done
grep -q aws-lambda-java-runtime-interface-client pom.xml && mkdir -p "$out" && echo jar > "$out/client.jar"
`

func TestInstallJavaClient_TakesThePlaceOfTheOldOne(t *testing.T) {
	dir := filepath.Join(alone(t), ".local", "share", "hearth", "java")
	programs(t, map[string]string{"mvn": mvn})
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "old.jar"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var o told
	if err := InstallJavaClient(t.Context(), o.output()); err != nil {
		t.Fatalf("%v: %s", err, o.progress.String())
	}
	if diff := cmp.Diff(dir+"\n", o.result.String()); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"client.jar"}, names(t, dir)); diff != "" {
		t.Errorf("installed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"java"}, names(t, filepath.Dir(dir))); diff != "" {
		t.Errorf("beside it (-want +got):\n%s", diff)
	}
}

// names are those of the files in a directory.
func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestInstallJavaClient_MavenFails_KeepsTheOldOne(t *testing.T) {
	dir := filepath.Join(alone(t), "client")
	t.Setenv("HEARTH_JAVA_CLIENT", dir)
	programs(t, map[string]string{"mvn": "echo no network; exit 1\n"})
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var o told
	if err := InstallJavaClient(t.Context(), o.output()); err == nil || !strings.Contains(o.progress.String(), "no network") {
		t.Errorf("%v: %s", err, o.progress.String())
	}
	if diff := cmp.Diff([]string{"client"}, names(t, filepath.Dir(dir))); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

func TestInstallJavaClient_NoMaven_SaysWhatToInstall(t *testing.T) {
	alone(t)
	t.Setenv("PATH", t.TempDir())
	if err := InstallJavaClient(t.Context(), new(told).output()); err == nil || !strings.Contains(err.Error(), "apt-get install maven") {
		t.Errorf("%v", err)
	}
}
