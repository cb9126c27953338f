package single

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// deadPid returns the id of a process that is no more.
func deadPid(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(cmd.Process.Pid)
}

func TestMakeRunDir_RemovesThoseOfTheDead(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	dead, own := filepath.Join(temp, runDirPrefix+deadPid(t)+"-1"), filepath.Join(temp, runDirPrefix+strconv.Itoa(os.Getpid())+"-1")
	for _, dir := range []string{filepath.Join(dead, "bundles"), own} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	made, err := makeRunDir()
	if err != nil || !strings.HasPrefix(made, filepath.Join(temp, runDirPrefix)) {
		t.Fatalf("made %s, %v", made, err)
	}
	if _, err := os.Stat(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a dead process: %v, want it gone", err)
	}
	if _, err := os.Stat(own); err != nil {
		t.Errorf("of a living process: %v", err)
	}
}

// Anybody can make a name in /tmp: a link is no run's directory.
func TestMakeRunDir_LeavesLinksAlone(t *testing.T) {
	temp, elsewhere := t.TempDir(), dirWith(t, map[string]string{"kept": ""})
	t.Setenv("TMPDIR", temp)
	if err := os.Symlink(elsewhere, filepath.Join(temp, runDirPrefix+deadPid(t)+"-1")); err != nil {
		t.Fatal(err)
	}
	if _, err := makeRunDir(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(elsewhere, "kept")); err != nil {
		t.Error(err)
	}
}
