package runtimes_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	hearth "github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimes"
)

// newSet makes a Set on this host's interpreters.
func newSet(t *testing.T, change func(*runtimes.Options)) *runtimes.Set {
	t.Helper()
	opts := runtimes.Options{Dir: t.TempDir(), Env: os.Environ()}
	if change != nil {
		change(&opts)
	}
	set, err := runtimes.New(opts)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return set
}

// fakeInterpreter writes a program that answers the probe like an interpreter
// of a version, and counts in the returned file how often it ran.
func fakeInterpreter(t *testing.T, dir, name, version string) (runs string) {
	t.Helper()
	prefix := t.TempDir()
	runs = filepath.Join(prefix, "runs")
	script := `#!/bin/sh
echo run >> '` + runs + `'
echo '{"version":"` + version + `","executable":"` + filepath.Join(dir, name) + `","prefix":"` + prefix + `","basePrefix":"` + prefix + `"}'
`
	if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return runs
}

func find(t *testing.T, set *runtimes.Set, name string) (runtimes.Interpreter, error) {
	t.Helper()
	r, ok := runtimes.Lookup(name)
	if !ok {
		t.Fatalf("Lookup(%q): unknown", name)
	}
	return set.Find(t.Context(), r)
}

func TestFind_VersionedNameFirst(t *testing.T) {
	dir := t.TempDir()
	fakeInterpreter(t, dir, "python3", "3.12.9")
	fakeInterpreter(t, dir, "python3.12", "3.12.1")
	set := newSet(t, func(o *runtimes.Options) { o.Dirs = []string{dir} })
	got, err := find(t, set, "python3.12")
	if err != nil {
		t.Fatal(err)
	}
	if got.Version != "3.12.1" {
		t.Errorf("version = %s, want 3.12.1", got.Version)
	}
}

func TestFind_PrefersInterpreterWithSDK(t *testing.T) {
	plain, equipped := t.TempDir(), t.TempDir()
	fakeInterpreter(t, plain, "python3.12", "3.12.9")
	packages := filepath.Join(t.TempDir(), "site-packages")
	if err := os.MkdirAll(filepath.Join(packages, "boto3"), 0o755); err != nil {
		t.Fatal(err)
	}
	script := `#!/bin/sh
echo '{"version":"3.12.1","executable":"` + equipped + `/python3.12","prefix":"` + equipped + `","basePrefix":"` + equipped + `","packages":["` + packages + `"]}'
`
	if err := os.WriteFile(filepath.Join(equipped, "python3.12"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	set := newSet(t, func(o *runtimes.Options) { o.Dirs = []string{plain, equipped} })
	got, err := find(t, set, "python3.12")
	if err != nil {
		t.Fatal(err)
	}
	if got.Version != "3.12.1" {
		t.Errorf("version = %s, want 3.12.1, which has boto3", got.Version)
	}
}

func TestFind_GeneralNameOfRightVersion(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	fakeInterpreter(t, first, "python3", "3.11.2")
	fakeInterpreter(t, second, "python3", "3.13.0")
	set := newSet(t, func(o *runtimes.Options) { o.Dirs = []string{first, second} })
	got, err := find(t, set, "python3.13")
	if err != nil {
		t.Fatal(err)
	}
	if got.Version != "3.13.0" {
		t.Errorf("version = %s, want 3.13.0", got.Version)
	}
}

func TestFind_ShimWithoutVersionIsSkipped(t *testing.T) {
	shims, real := t.TempDir(), t.TempDir()
	shim := filepath.Join(shims, "python3.12")
	if err := os.WriteFile(shim, []byte("#!/bin/sh\necho 'pyenv: python3.12: command not found' >&2\nexit 127\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	fakeInterpreter(t, real, "python3.12", "3.12.4")
	set := newSet(t, func(o *runtimes.Options) { o.Dirs = []string{shims, real} })
	got, err := find(t, set, "python3.12")
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(real, "python3.12"); got.Executable != want {
		t.Errorf("executable = %s, want %s", got.Executable, want)
	}
}

func TestFind_LyingNameIsSkipped(t *testing.T) {
	dir := t.TempDir()
	fakeInterpreter(t, dir, "python3.12", "3.11.0")
	set := newSet(t, func(o *runtimes.Options) { o.Dirs = []string{dir} })
	if got, err := find(t, set, "python3.12"); err == nil {
		t.Errorf("found %+v", got)
	}
}

func TestFind_MissingPythonNamesRemedies(t *testing.T) {
	dir := t.TempDir()
	fakeInterpreter(t, dir, "python3", "3.13.0")
	set := newSet(t, func(o *runtimes.Options) { o.Dirs = []string{dir} })
	_, err := find(t, set, "python3.14")
	if !errors.Is(err, hearth.ErrInvalidRuntime) {
		t.Fatalf("error = %v, want ErrInvalidRuntime", err)
	}
	want := "python3.14 needs a Python 3.14 interpreter; this host can serve python3.13. Install it (apt-get install python3.14, or pyenv install 3.14), or let another version serve it: --runtime-map python3.14=python3.13"
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

func TestFind_MissingNodeNamesRemedies(t *testing.T) {
	set := newSet(t, func(o *runtimes.Options) { o.Dirs = []string{t.TempDir()} })
	_, err := find(t, set, "nodejs24.x")
	if !errors.Is(err, hearth.ErrInvalidRuntime) {
		t.Fatalf("error = %v, want ErrInvalidRuntime", err)
	}
	for _, part := range []string{"this host has none", "nvm install 24", "--runtime-map nodejs24.x=nodejsX.x"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("message %q lacks %q", err, part)
		}
	}
}

func TestFind_RunsInterpreterOnceUntilItChanges(t *testing.T) {
	dir := t.TempDir()
	runs := fakeInterpreter(t, dir, "node", "20.1.0")
	set := newSet(t, func(o *runtimes.Options) { o.Dirs = []string{dir} })
	for range 3 {
		if _, err := find(t, set, "nodejs20.x"); err != nil {
			t.Fatal(err)
		}
	}
	if got := count(t, runs); got != 1 {
		t.Errorf("interpreter ran %d times, want 1", got)
	}
	fakeInterpreter(t, dir, "node", "22.10.10")
	if got, err := find(t, set, "nodejs20.x"); err == nil {
		t.Errorf("found %+v after the interpreter was replaced", got)
	}
}

func TestFind_InstalledLaterIsFound(t *testing.T) {
	dir := t.TempDir()
	set := newSet(t, func(o *runtimes.Options) { o.Dirs = []string{dir} })
	if _, err := find(t, set, "python3.12"); err == nil {
		t.Fatal("found an interpreter in an empty directory")
	}
	fakeInterpreter(t, dir, "python3.12", "3.12.0")
	if _, err := find(t, set, "python3.12"); err != nil {
		t.Errorf("after install: %v", err)
	}
}

func TestFind_CancelledIsNotRemembered(t *testing.T) {
	dir := t.TempDir()
	fakeInterpreter(t, dir, "python3.12", "3.12.0")
	set := newSet(t, func(o *runtimes.Options) { o.Dirs = []string{dir} })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, _ := runtimes.Lookup("python3.12")
	if _, err := set.Find(ctx, r); !errors.Is(err, context.Canceled) {
		t.Fatalf("error = %v, want context.Canceled", err)
	}
	if _, err := set.Find(t.Context(), r); err != nil {
		t.Errorf("second try: %v", err)
	}
}

func TestCheck_RuntimeThatIsNotServed_SaysSo(t *testing.T) {
	set := newSet(t, nil)
	for _, name := range []string{"java21", "ruby3.4", "dotnet10", "python3.15"} {
		if err := set.Accept(name); err != nil {
			t.Errorf("Accept(%s) = %v", name, err)
		}
		if err := set.Check(t.Context(), name); !errors.Is(err, hearth.ErrInvalidRuntime) {
			t.Errorf("Check(%s) = %v, want ErrInvalidRuntime", name, err)
		}
	}
}

func TestAccept_RuntimeThatLambdaDoesNotHave_IsInvalid(t *testing.T) {
	set := newSet(t, nil)
	for _, name := range []string{"go1.x", "cobol"} {
		if err := set.Accept(name); !errors.Is(err, hearth.ErrInvalid) {
			t.Errorf("Accept(%s) = %v, want ErrInvalid", name, err)
		}
	}
}

func TestAccept_RuntimeWithASubstitute_IsAccepted(t *testing.T) {
	set := newSet(t, func(o *runtimes.Options) { o.Substitutes = runtimes.Substitutes{"python3.7": "python3.8"} })
	if err := set.Accept("python3.7"); err != nil {
		t.Error(err)
	}
}

func TestCheck_MissingInterpreter_SaysSo(t *testing.T) {
	set := newSet(t, func(o *runtimes.Options) { o.Dirs = []string{t.TempDir()} })
	if err := set.Check(t.Context(), "python3.12"); !errors.Is(err, hearth.ErrInvalidRuntime) {
		t.Errorf("Check = %v, want ErrInvalidRuntime", err)
	}
}

func TestCheck_ProvidedNeedsNothing(t *testing.T) {
	set := newSet(t, func(o *runtimes.Options) { o.Dirs = []string{t.TempDir()} })
	if err := set.Check(t.Context(), "provided.al2023"); err != nil {
		t.Error(err)
	}
}

func TestCheck_SubstituteServesMissing(t *testing.T) {
	dir := t.TempDir()
	fakeInterpreter(t, dir, "python3.13", "3.13.0")
	set := newSet(t, func(o *runtimes.Options) {
		o.Dirs = []string{dir}
		o.Substitutes = runtimes.Substitutes{"python3.14": "python3.13"}
	})
	if err := set.Check(t.Context(), "python3.14"); err != nil {
		t.Error(err)
	}
}

func count(t *testing.T, file string) int {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(data), "\n")
}
