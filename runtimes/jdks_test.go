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

// installJDK puts a JDK of a version where a tool would below home.
func installJDK(t *testing.T, home, place, version string) {
	t.Helper()
	dir := filepath.Join(home, place)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fakeJDK(t, version), dir); err != nil {
		t.Fatal(err)
	}
}

// foundJDK finds a JDK of java99, which no host has, with these variables and
// HOME, and returns its path below home.
func foundJDK(t *testing.T, home string, env ...string) string {
	t.Helper()
	set, err := runtimes.New(runtimes.Options{Dir: t.TempDir(), Env: append(env, "HOME="+home)})
	if err != nil {
		t.Fatal(err)
	}
	found, err := set.Find(t.Context(), java99)
	if err != nil {
		t.Fatal(err)
	}
	place, err := filepath.Rel(home, found.Prefix)
	if err != nil {
		t.Fatal(err)
	}
	return place
}

// java99 is a runtime whose JDK is on no host.
var java99 = runtimes.Runtime{Name: "java99", Family: runtimes.Java, Version: "99"}

func TestFind_JDKOfTool_IsThere(t *testing.T) {
	for _, c := range []struct{ place, variable string }{
		{".sdkman/candidates/java/99.0.1-tem", ""},
		{".asdf/installs/java/temurin-99.0.1+9", ""},
		{".local/share/mise/installs/java/99.0.1", ""},
		{".jenv/versions/99.0", ""},
		{".jdks/temurin-99.0.1", ""},
		{".gradle/jdks/eclipse_adoptium-99-amd64-linux", ""},
		{"Library/Java/JavaVirtualMachines/jdk-99", "JDK_HOME=HOME/Library/Java/JavaVirtualMachines/jdk-99"},
		{"sdk/candidates/java/99-open", "SDKMAN_DIR=HOME/sdk"},
		{"candidates/java/99-open", "SDKMAN_CANDIDATES_DIR=HOME/candidates"},
		{"asdf/installs/java/99", "ASDF_DATA_DIR=HOME/asdf"},
		{"mise/installs/java/99", "MISE_DATA_DIR=HOME/mise"},
		{"gradle/jdks/99", "GRADLE_USER_HOME=HOME/gradle"},
		{"hosted/99", "JAVA_HOME=HOME/hosted/99"},
		{"hosted/99/x64", "JAVA_HOME_99_X64=HOME/hosted/99/x64"},
		{"hosted/jdk", "JAVA_HOME_99=HOME/hosted/jdk"},
		{"hosted/99/arm64", "JAVA_HOME_99_ARM64=HOME/hosted/99/arm64"},
		{"tools/jdk", "PATH=HOME/tools/jdk/bin"},
	} {
		t.Run(c.place, func(t *testing.T) {
			home := t.TempDir()
			installJDK(t, home, c.place, "99.0.1")
			if got := foundJDK(t, home, strings.ReplaceAll(c.variable, "HOME/", home+"/")); got != c.place {
				t.Errorf("found the JDK in %s, want %s", got, c.place)
			}
		})
	}
}

func TestFind_SeveralJDKs_TakesNewestOfItsVersion(t *testing.T) {
	home := t.TempDir()
	for _, version := range []string{"98.0.9", "99.0.2", "99.0.10", "100.0.1"} {
		installJDK(t, home, ".sdkman/candidates/java/"+version+"-tem", version)
	}
	if got, want := foundJDK(t, home), ".sdkman/candidates/java/99.0.10-tem"; got != want {
		t.Errorf("found the JDK in %s, want %s", got, want)
	}
}

func TestFind_JavaHomeOfAnotherVersion_IsPassedOver(t *testing.T) {
	home := t.TempDir()
	installJDK(t, home, "old", "98.0.1")
	installJDK(t, home, ".jdks/right", "99.0.1")
	if got, want := foundJDK(t, home, "JAVA_HOME="+home+"/old", "JAVA_HOME_99_X64="+home+"/old"), ".jdks/right"; got != want {
		t.Errorf("found the JDK in %s, want %s", got, want)
	}
}

func TestFind_JavaHomeOfThatVersion_ComesFirst(t *testing.T) {
	home := t.TempDir()
	installJDK(t, home, "chosen", "99.0.1")
	installJDK(t, home, ".jdks/newer", "99.0.2")
	if got, want := foundJDK(t, home, "JAVA_HOME="+home+"/chosen"), "chosen"; got != want {
		t.Errorf("found the JDK in %s, want %s", got, want)
	}
}

// A link such as SDKMAN's current leads to another JDK one day.
func TestFind_LinkThatLeadsElsewhere_IsNotTakenForWhatItWas(t *testing.T) {
	home := t.TempDir()
	installJDK(t, home, "a", "99.0.1")
	installJDK(t, home, "b", "98.0.1")
	for _, jdk := range []string{"a", "b"} { // nothing but the content of release tells them apart
		java := filepath.Join(home, jdk, "bin", "java")
		info, err := os.Stat(filepath.Join(home, "a"))
		if err == nil {
			err = os.Chtimes(java, info.ModTime(), info.ModTime())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(home, "current")
	if err := os.Symlink("a", link); err != nil {
		t.Fatal(err)
	}
	set, err := runtimes.New(runtimes.Options{Dir: t.TempDir(), Dirs: []string{filepath.Join(link, "bin")}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := set.Find(t.Context(), java99); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(link), os.Symlink("b", link)); err != nil {
		t.Fatal(err)
	}
	if found, err := set.Find(t.Context(), java99); !errors.Is(err, hearth.ErrInvalidRuntime) {
		t.Errorf("found version %s, error %v", found.Version, err)
	}
}

// askedJDK makes a program that says what a JVM says when it is asked, and has
// no release file beside it. It returns the directory of the program.
func askedJDK(t *testing.T, home, version string) string {
	t.Helper()
	script := "#!/bin/sh\n[ \"$1 $2$JAVA_TOOL_OPTIONS\" = '-XshowSettings:properties -version' ] || exit 1\n" +
		"cat >&2 <<END\nProperty settings:\n    java.home = " + home + "\n    java.version = " + version + "\nEND\n"
	dir := write(t, map[string]string{"java": script})
	if err := os.Chmod(filepath.Join(dir, "java"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFind_ScriptThatStartsJava_IsAsked(t *testing.T) {
	home := fakeJDK(t, "99.0.1")
	if err := os.Remove(filepath.Join(home, "release")); err != nil {
		t.Fatal(err)
	}
	set, err := runtimes.New(runtimes.Options{
		Dir: t.TempDir(), Dirs: []string{askedJDK(t, home, "99.0.1")}, Env: []string{"PATH=/usr/bin:/bin", "JAVA_TOOL_OPTIONS=-Dx=y"},
	})
	if err != nil {
		t.Fatal(err)
	}
	found, err := set.Find(t.Context(), java99)
	if err != nil {
		t.Fatal(err)
	}
	want := runtimes.Interpreter{
		Family: runtimes.Java, Version: "99.0.1", Executable: filepath.Join(home, "bin", "java"), Prefix: home, BasePrefix: home,
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a function's sandbox showed of such a JDK would be everything there.
func TestFind_JavaAmongOtherPrograms_IsNotUsed(t *testing.T) {
	set, err := runtimes.New(runtimes.Options{Dir: t.TempDir(), Dirs: []string{askedJDK(t, "/usr", "99.0.1")}})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := set.Find(t.Context(), java99); !errors.Is(err, hearth.ErrInvalidRuntime) {
		t.Errorf("found %+v, error %v", found, err)
	}
}

func TestPlan_JDKThatLinksOutsideItself_MountsWhatItLinksTo(t *testing.T) {
	prefix := fakeJDK(t, "25")
	etc := write(t, map[string]string{"security/java.security": "x", "net.properties": "y"})
	if err := os.MkdirAll(filepath.Join(prefix, "conf"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(etc, "net.properties"), filepath.Join(prefix, "conf", "net.properties")); err != nil {
		t.Fatal(err)
	}
	plan, err := javaSet(t, javaClient(t), prefix).Plan(t.Context(), &hearth.Function{Runtime: "java25", Handler: "a.B"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(plan.Mounts, runtimes.Mount{Source: etc, Target: etc}) {
		t.Errorf("mounts %v, want %s among them", plan.Mounts, etc)
	}
}
