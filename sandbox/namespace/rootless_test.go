//go:build linux

package namespace_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hearthd/hearth/sandbox/namespace/userns"
)

// rootlessEnv tells the test binary that it is to run its tests rootless.
const rootlessEnv = "HEARTH_TEST_ROOTLESS"

func TestMain(m *testing.M) {
	if os.Getenv(rootlessEnv) != "" && userns.Needed() {
		fmt.Fprintln(os.Stderr, userns.Enter(os.Args))
		os.Exit(1)
	}
	if os.Getenv(networkEnv) == networkPeer {
		bePeer()
		return
	}
	os.Exit(m.Run())
}

// nobody is a user who owns nothing and may write to no control group.
const nobody = 65534

// rootless runs tests of this binary as an ordinary user, who enters a user
// namespace, and returns their output.
func rootless(t *testing.T, pattern string) (string, error) {
	t.Helper()
	dir := openDir(t)
	for from, name := range map[string]string{os.Args[0]: "tests", buildProbe(t): "probe"} {
		copyFile(t, from, filepath.Join(dir, name))
	}
	// The suite builds its probe; this user has no module cache to build it from.
	script := "#!/bin/sh\n[ \"$1 $2\" = 'build -o' ] && exec cp " + filepath.Join(dir, "probe") + " \"$3\"\n"
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "tests"), "-test.v", "-test.run="+pattern)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + dir + ":/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR=" + dir, "HOME=" + dir, rootlessEnv + "=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// openDir returns a directory that every user may reach and write to.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

func buildProbe(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "probe")
	cmd := exec.Command("go", "build", "-o", file, "github.com/hearthd/hearth/sandbox/sandboxtest/probe/cmd")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the probe: %v\n%s", err, out)
	}
	return file
}

func TestRootless_Suite_Passes(t *testing.T) {
	if os.Getuid() != 0 || os.Getenv(rootlessEnv) != "" {
		t.Skip("only root can become another user")
	}
	out, err := rootless(t, "^TestDriver$")
	if err != nil || !strings.Contains(out, "--- PASS: TestDriver") {
		t.Errorf("the suite as an ordinary user: %v\n%s", err, out)
	}
}
