package runtimes

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Mount shows a host path in a sandbox, read-only.
type Mount struct {
	Source string // absolute path on the host
	Target string // absolute path in the sandbox
}

// standsAlone reports whether the prefix can stand for /var/lang: it holds
// this interpreter under its usual name, and nothing else.
func (i Interpreter) standsAlone() bool {
	_, err := os.Stat(filepath.Join(i.Prefix, "bin", i.names()[0]))
	return err == nil && i.exposure(i.Prefix) == wholePrefix
}

// How much of a prefix function code may see.
type exposed int

const (
	namedFiles exposed = iota // the interpreter and its libraries, by name
	libraries                 // that, and the prefix's lib directory
	wholePrefix
)

// exposure is how much of a prefix of this interpreter function code may see. A
// JDK has a directory of its own: its release file is there.
func (i Interpreter) exposure(prefix string) exposed {
	if i.Family == Java {
		return wholePrefix
	}
	return exposure(prefix)
}

// exposure judges a prefix by what is in it. Interpreters built by a version
// manager and virtual environments have a directory of their own; others share
// theirs with a user's files or with another product, which function code must
// not see.
func exposure(prefix string) exposed {
	prefix = filepath.Clean(prefix)
	entries, err := os.ReadDir(prefix)
	if err != nil || isShared(prefix) {
		return namedFiles
	}
	for _, entry := range entries {
		switch name := strings.ToLower(entry.Name()); name {
		case "bin", "include", "lib", "lib32", "lib64", "libexec", "share", "man", "ssl",
			"pyvenv.cfg", ".gitignore", ".lock", "cachedir.tag", // virtual environments
			"readme.md", "license", "changelog.md", "build": // Node's archives, uv's
		default:
			return libraries
		}
	}
	return wholePrefix
}

// isShared says whether a clean prefix is where programs of all kinds are
// installed.
func isShared(prefix string) bool {
	return slices.Contains([]string{"/", "/usr", "/usr/local", "/opt", "/opt/homebrew"}, prefix) || filepath.Base(prefix) == ".local"
}

// mounts lists what must be seen beyond the trees that every sandbox shows.
func (i Interpreter) mounts() []Mount {
	var paths []string
	for _, prefix := range []string{i.Prefix, i.BasePrefix} {
		switch i.exposure(prefix) {
		case wholePrefix:
			paths = append(paths, prefix)
			continue
		case libraries:
			paths = append(paths, filepath.Join(prefix, "lib"))
		case namedFiles:
			// The pattern has no syntax of its own unless the prefix does, and
			// then the library is missed, which the start reports.
			found, _ := filepath.Glob(filepath.Join(prefix, "lib", "libpython*"))
			paths = append(paths, found...)
		}
		paths = append(paths, i.Executable)
		paths = append(paths, i.Libraries...)
	}
	paths = append(paths, i.Packages...)
	paths = append(paths, i.Linked...)
	if i.UserPackages != "" {
		paths = append(paths, i.UserPackages)
	}
	var mounts []Mount
	for _, path := range paths {
		real, err := filepath.EvalSymlinks(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			real = path
		}
		mounts = show(mounts, real, path)
		mounts = show(mounts, real, real)
	}
	return mounts
}

// show adds a mount unless the target is visible already.
func show(mounts []Mount, source, target string) []Mount {
	for _, tree := range []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"} {
		if within(target, tree) {
			return mounts
		}
	}
	for _, m := range mounts {
		if within(target, m.Target) && m.Source+strings.TrimPrefix(target, m.Target) == source {
			return mounts
		}
	}
	return append(mounts, Mount{Source: source, Target: target})
}

func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir+"/")
}
