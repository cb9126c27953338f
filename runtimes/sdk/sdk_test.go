package sdk_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/runtimes/sdk"
)

// program writes a shell script that stands in for an interpreter, or npm.
func program(t *testing.T, name, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\nset -e\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// python is an interpreter whose pip installs this version of boto3, readable by
// its owner alone. The script's arguments are -m pip install OPTION OPTION --target DIR boto3.
func python(t *testing.T, version string) string {
	return program(t, "python", `
[ "$3" = install ] || exit 0
shift
[ "$5 $7" = "--target boto3" ]
mkdir -p "$6/boto3" "$6/boto3-`+version+`.dist-info"
echo code > "$6/boto3/__init__.py"
chmod 700 "$6/boto3"; chmod 600 "$6/boto3/__init__.py"
`)
}

func installer(t *testing.T, s sdk.Store) sdk.Installer {
	return sdk.Installer{Store: s, Env: os.Environ(), Log: t.Output()}
}

func install(t *testing.T, s sdk.Store, python string) string {
	t.Helper()
	dir, err := installer(t, s).Python(t.Context(), "3.12", python)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// hidden lists the directories of SDKs in a Store, whether installed or not.
func hidden(t *testing.T, s sdk.Store) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(string(s), ".python3.12-*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestPython_IsFoundByItsVersionAlone(t *testing.T) {
	s := sdk.Store(filepath.Join(t.TempDir(), "sdk"))
	if got := s.Find("python3.12"); got != "" {
		t.Errorf("before it is installed it is in %s", got)
	}
	dir := install(t, s, python(t, "1.2.3"))
	if got := s.Find("python3.12"); got != dir || sdk.Version(got) != "boto3 1.2.3" {
		t.Errorf("found %q (%s), want boto3 1.2.3 in %s", got, sdk.Version(got), dir)
	}
	if got := s.Find("python3.11"); got != "" {
		t.Errorf("another version has it in %s", got)
	}
}

func TestPython_IsReadableByFunctions(t *testing.T) {
	dir := install(t, sdk.Store(t.TempDir()), python(t, "1.2.3"))
	for path, want := range map[string]os.FileMode{"": 0o755, "boto3": 0o755, "boto3/__init__.py": 0o644} {
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%q has mode %v, want %v", path, info.Mode().Perm(), want)
		}
	}
}

func TestPython_ThatFails_KeepsTheOneBefore(t *testing.T) {
	s := sdk.Store(t.TempDir())
	before := install(t, s, python(t, "1.2.3"))
	half := program(t, "python", `[ "$3" = install ] || exit 0; shift; mkdir "$6/boto3"; exit 3`)
	if _, err := installer(t, s).Python(t.Context(), "3.12", half); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("error %v", err)
	}
	if got := s.Find("python3.12"); got != before {
		t.Errorf("found %q, want %s", got, before)
	}
	if diff := cmp.Diff([]string{before}, hidden(t, s)); diff != "" {
		t.Errorf("directories (-want +got):\n%s", diff)
	}
}

func TestPython_ThatGetsNothing_IsAnError(t *testing.T) {
	s := sdk.Store(t.TempDir())
	if _, err := installer(t, s).Python(t.Context(), "3.12", program(t, "python", "exit 0")); err == nil {
		t.Error("no error")
	}
	if got := s.Find("python3.12"); got != "" {
		t.Errorf("found %s", got)
	}
}

func TestPython_KeepsTheOneBeforeForRunningFunctions(t *testing.T) {
	s := sdk.Store(t.TempDir())
	install(t, s, python(t, "1.0.0"))
	second := install(t, s, python(t, "2.0.0"))
	third := install(t, s, python(t, "3.0.0"))
	want := []string{second, third}
	slices.Sort(want)
	if diff := cmp.Diff(want, hidden(t, s)); diff != "" {
		t.Errorf("directories (-want +got):\n%s", diff)
	}
	if got := s.Find("python3.12"); got != third {
		t.Errorf("found %s, want %s", got, third)
	}
}

func TestPython_WithoutPip_SaysHowToGetIt(t *testing.T) {
	bare := program(t, "python", "exit 1")
	_, err := installer(t, sdk.Store(t.TempDir())).Python(t.Context(), "3.12", bare)
	if err == nil || !strings.Contains(err.Error(), bare+" -m ensurepip") || !strings.Contains(err.Error(), "apt-get install python3-pip") {
		t.Errorf("error %v", err)
	}
}

func TestInstall_BesideAnother_IsRefused(t *testing.T) {
	s := sdk.Store(t.TempDir())
	other, err := os.Create(filepath.Join(string(s), ".python3.12.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, err := installer(t, s).Python(t.Context(), "3.12", python(t, "1.2.3")); !errors.Is(err, sdk.ErrBusy) {
		t.Errorf("error %v, want ErrBusy", err)
	}
}

// npm puts a stand-in for npm on PATH, which notes in package.json what it is asked for.
func npm(t *testing.T) {
	t.Helper()
	path := program(t, "npm", `
while [ "$1" != -- ]; do [ "$1" = --prefix ] && dir=$2; shift; done
shift
mkdir -p "$dir/node_modules/@aws-sdk/client-lambda"
echo '{"version":"3.4.5"}' > "$dir/node_modules/@aws-sdk/client-lambda/package.json"
{
	printf '{"dependencies":{'
	separator=
	for name; do printf '%s"%s":"^1"' "$separator" "$name"; separator=,; done
	printf '}}'
} > "$dir/package.json"
`)
	t.Setenv("PATH", filepath.Dir(path)+":"+os.Getenv("PATH"))
}

func TestNode_GetsPackagesThatWereAddedBefore(t *testing.T) {
	npm(t)
	s := sdk.Store(t.TempDir())
	if _, err := installer(t, s).Node(t.Context(), []string{"@aws-sdk/client-athena"}); err != nil {
		t.Fatal(err)
	}
	dir, err := installer(t, s).Node(t.Context(), []string{"@aws-sdk/client-glue"})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Find(sdk.Node); got != dir || sdk.Version(filepath.Join(got, "node_modules")) != "@aws-sdk 3.4.5" {
		t.Errorf("found %q, want @aws-sdk 3.4.5 in %s", got, dir)
	}
	asked, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(sdk.NodePackages(), "@aws-sdk/client-athena", "@aws-sdk/client-glue") {
		if n := strings.Count(string(asked), `"`+name+`"`); n != 1 {
			t.Errorf("%s was asked for %d times", name, n)
		}
	}
}

func TestNode_WithoutNpm_SaysHowToGetIt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := installer(t, sdk.Store(t.TempDir())).Node(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "apt-get install npm") {
		t.Errorf("error %v", err)
	}
}

func TestFind_InNoStore(t *testing.T) {
	if got := sdk.Store("").Find("python3.12"); got != "" {
		t.Errorf("found %s", got)
	}
}

func TestDir_FollowsEnvironment(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{nil, ""},
		{map[string]string{"HOME": "/h"}, "/h/.local/share/hearth/sdk"},
		{map[string]string{"HOME": "/h", "XDG_DATA_HOME": "/d"}, "/d/hearth/sdk"},
		{map[string]string{"HOME": "/h", "XDG_DATA_HOME": "d"}, "/h/.local/share/hearth/sdk"},
		{map[string]string{"HOME": "/h", "HEARTH_SDK_DIR": "/s"}, "/s"},
	} {
		if got := sdk.Dir(func(key string) string { return c.env[key] }); got != c.want {
			t.Errorf("%v: %q, want %q", c.env, got, c.want)
		}
	}
}

func TestVersion_OfPackages(t *testing.T) {
	for _, c := range []struct {
		files []string
		want  string
	}{
		{nil, ""},
		{[]string{"other/x"}, ""},
		{[]string{"boto3/__init__.py"}, "boto3"},
		{[]string{"boto3/__init__.py", "boto3-1.26.27.egg-info/PKG-INFO"}, "boto3 1.26.27"},
		{[]string{"boto3/__init__.py", "boto3-1.43.1.dist-info/METADATA", "boto3_stubs-9.dist-info/METADATA"}, "boto3 1.43.1"},
		{[]string{"@aws-sdk/core/package.json"}, "@aws-sdk"},
		{[]string{"@aws-sdk/client-s3/package.json"}, "@aws-sdk 3.1.0"},
	} {
		dir := t.TempDir()
		for _, name := range c.files {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(`{"version":"3.1.0"}`), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := sdk.Version(dir); got != c.want {
			t.Errorf("%q: %q, want %q", c.files, got, c.want)
		}
	}
}
