package runtimes_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/runtimes"
)

// home makes a home directory with sub-directories and lists the directories
// below it that HostDirs finds.
func hostDirs(t *testing.T, env func(home string) []string, dirs ...string) []string {
	t.Helper()
	home := t.TempDir()
	for _, dir := range dirs {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var found []string
	for _, dir := range runtimes.HostDirs(env(home)) {
		if rel, err := filepath.Rel(home, dir); err == nil && filepath.IsLocal(rel) {
			found = append(found, rel)
		}
	}
	return found
}

func TestHostDirs_VersionManagersNewestFirst(t *testing.T) {
	got := hostDirs(t, func(home string) []string { return []string{"HOME=" + home} },
		".pyenv/versions/3.9.18/bin", ".pyenv/versions/3.10.13/bin", ".local/share/uv/python/cpython-3.14.1-linux/bin",
		".nvm/versions/node/v22.3.0/bin", ".nvm/versions/node/v18.20.0/bin", ".asdf/installs/nodejs/20.1.0/bin",
		".local/share/fnm/node-versions/v24.0.0/installation/bin", ".volta/tools/image/node/20.11.0/bin",
		".local/share/mise/installs/python/3.13.1/bin")
	want := []string{
		".pyenv/versions/3.10.13/bin", ".pyenv/versions/3.9.18/bin", ".local/share/uv/python/cpython-3.14.1-linux/bin",
		".local/share/mise/installs/python/3.13.1/bin",
		".nvm/versions/node/v22.3.0/bin", ".nvm/versions/node/v18.20.0/bin",
		".local/share/fnm/node-versions/v24.0.0/installation/bin", ".asdf/installs/nodejs/20.1.0/bin",
		".volta/tools/image/node/20.11.0/bin",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHostDirs_PathFirstWithoutShims(t *testing.T) {
	got := hostDirs(t, func(home string) []string {
		return []string{"PATH=" + filepath.Join(home, "pyenv/shims") + ":relative:" + filepath.Join(home, "venv/bin"), "PYENV_ROOT=" + filepath.Join(home, "pyenv")}
	}, "pyenv/shims", "pyenv/versions/3.12.1/bin", "venv/bin")
	if diff := cmp.Diff([]string{"venv/bin", "pyenv/versions/3.12.1/bin"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHostDirs_EachOnce(t *testing.T) {
	got := runtimes.HostDirs([]string{"PATH=/usr/bin:/usr/bin/"})
	if i := slices.Index(got, "/usr/bin"); i < 0 || slices.Contains(got[i+1:], "/usr/bin") {
		t.Errorf("HostDirs = %v, want /usr/bin once", got)
	}
}
