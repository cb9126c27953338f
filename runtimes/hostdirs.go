package runtimes

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// HostDirs lists the directories of this host that may hold interpreters, the
// preferred first: PATH, the system's, then those of the version managers
// (pyenv, uv, asdf, mise, nvm, fnm, volta, n) with the newest version first,
// and /opt. env is the daemon's environment as KEY=value. Only directories
// that exist are listed.
//
// Directories of shims are left out: a shim runs whatever its manager selects,
// or nothing, and the versions behind it are listed themselves.
func HostDirs(env []string) []string {
	get := lookup(env)
	home := get("HOME")
	under := func(parts ...string) string {
		if home == "" {
			return ""
		}
		return filepath.Join(append([]string{home}, parts...)...)
	}
	dirs := slices.DeleteFunc(filepath.SplitList(get("PATH")), isShimDir)
	dirs = append(dirs, "/usr/local/bin", "/usr/bin", "/bin", "/opt/homebrew/bin")
	data := cmp.Or(get("XDG_DATA_HOME"), under(".local", "share"))
	asdf := cmp.Or(get("ASDF_DATA_DIR"), under(".asdf"))
	mise := cmp.Or(get("MISE_DATA_DIR"), join(data, "mise"))
	for _, pattern := range []string{
		join(cmp.Or(get("PYENV_ROOT"), under(".pyenv")), "versions/*/bin"),
		join(cmp.Or(get("UV_PYTHON_INSTALL_DIR"), join(data, "uv/python")), "*/bin"),
		join(asdf, "installs/python/*/bin"),
		join(mise, "installs/python/*/bin"),
		join(cmp.Or(get("NVM_DIR"), under(".nvm")), "versions/node/*/bin"),
		join(cmp.Or(get("FNM_DIR"), join(data, "fnm")), "node-versions/*/installation/bin"),
		under(".fnm", "node-versions/*/installation/bin"),
		join(asdf, "installs/nodejs/*/bin"),
		join(mise, "installs/node/*/bin"),
		join(cmp.Or(get("VOLTA_HOME"), under(".volta")), "tools/image/node/*/bin"),
		join(cmp.Or(get("N_PREFIX"), "/usr/local"), "n/versions/node/*/bin"),
		"/opt/*/bin",
		"/opt/*/*/bin",
	} {
		dirs = append(dirs, newestFirst(pattern)...)
	}
	return existing(dirs)
}

func isShimDir(dir string) bool {
	return filepath.Base(dir) == "shims"
}

// join is filepath.Join, but stays empty below an empty base: a version
// manager that is not configured must not be looked for below /.
func join(base, rest string) string {
	if base == "" {
		return ""
	}
	return filepath.Join(base, rest)
}

func lookup(env []string) func(key string) string {
	return func(key string) string {
		for _, kv := range slices.Backward(env) {
			if k, v, ok := strings.Cut(kv, "="); ok && k == key {
				return v
			}
		}
		return ""
	}
}

// newestFirst expands a pattern and sorts by the version numbers in the paths.
func newestFirst(pattern string) []string {
	if pattern == "" {
		return nil
	}
	found, err := filepath.Glob(pattern)
	if err != nil { // a version manager's directory with a '[' in its name
		return nil
	}
	slices.SortFunc(found, func(a, b string) int {
		return cmp.Or(slices.Compare(numbers(b), numbers(a)), strings.Compare(a, b))
	})
	return found
}

// numbers returns the runs of digits in s: 3.12.1 is [3 12 1].
func numbers(s string) []int {
	var out []int
	for _, run := range strings.FieldsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) {
		if n, err := strconv.Atoi(run); err == nil {
			out = append(out, n)
		}
	}
	return out
}

func existing(dirs []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, dir := range dirs {
		if !filepath.IsAbs(dir) {
			continue
		}
		dir = filepath.Clean(dir)
		if seen[dir] {
			continue
		}
		seen[dir] = true
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			out = append(out, dir)
		}
	}
	return out
}
