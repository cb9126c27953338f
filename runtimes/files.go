package runtimes

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

//go:embed python/bootstrap python/bootstrap.py python/hearth_runtime/*.py python/awslambdaric/*.py python/snapshot_restore_py/*.py node/bootstrap node/*.mjs node/*.cjs
var bootstraps embed.FS

// files writes generated directories below dir, each under a name that says
// what is in it, so that a directory that exists is complete and right. A
// directory appears by a rename when its files are on disk.
type files struct {
	dir string

	mu   sync.Mutex        // held while writing: one writer per daemon
	made map[string]string // family and version -> directory of the bootstrap
}

// runtimeDir returns the directory to show at /var/runtime for an interpreter.
// Python's modules are compiled by that very interpreter: function code cannot
// write beside them, so each start would compile them again. Where
// there is an installed SDK its packages are linked beside the bootstrap.
func (f *files) runtimeDir(ctx context.Context, interp Interpreter, sdkDir string) (string, error) {
	key := string(interp.Family) + interp.Version + sdkDir
	f.mu.Lock()
	dir := f.made[key]
	f.mu.Unlock()
	if _, err := os.Stat(dir); dir != "" && err == nil {
		return dir, nil
	}
	root := "python"
	if interp.Family == Node {
		root = "node"
	}
	source, err := fs.Sub(bootstraps, root)
	if err != nil {
		return "", fmt.Errorf("open embedded bootstrap: %w", err)
	}
	sum, err := digest(source, interp.Version+sdkDir)
	if err != nil {
		return "", err
	}
	dir, err = f.once(string(interp.Family)+interp.Version+"-"+sum, func(dir string) error {
		if err := copyTree(source, dir); err != nil {
			return err
		}
		if interp.Family == Python {
			if err := compile(ctx, interp, dir); err != nil {
				return err
			}
		}
		return linkSDK(sdkDir, dir)
	})
	if err == nil {
		f.mu.Lock()
		f.made[key] = dir
		f.mu.Unlock()
	}
	return dir, err
}

// langDir returns a directory to show at /var/lang for an interpreter that has
// no prefix of its own: bin with links to it under the usual names.
func (f *files) langDir(interp Interpreter) (string, error) {
	sum := sha256.Sum256([]byte(interp.Executable))
	name := fmt.Sprintf("lang-%s%s-%s", interp.Family, interp.minor(), hex.EncodeToString(sum[:6]))
	return f.once(name, func(dir string) error {
		if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
			return fmt.Errorf("create bin: %w", err)
		}
		for _, name := range interp.names() {
			if err := os.Symlink(interp.Executable, filepath.Join(dir, "bin", name)); err != nil {
				return fmt.Errorf("link interpreter: %w", err)
			}
		}
		return nil
	})
}

// names are the names that an interpreter goes by on AWS, the full one first.
func (i Interpreter) names() []string {
	switch i.Family {
	case Node:
		return []string{"node"}
	case Java:
		return []string{"java"}
	}
	return []string{"python" + i.minor(), "python3", "python"}
}

// once returns the directory of a name and fills it if it does not exist.
func (f *files) once(name string, fill func(dir string) error) (string, error) {
	final := filepath.Join(f.dir, name)
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	temp, err := os.MkdirTemp(f.dir, ".new-")
	if err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	defer func() { _ = os.RemoveAll(temp) }() // renamed away on success
	if err := os.Chmod(temp, 0o755); err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	if err := fill(temp); err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	if err := syncTree(temp); err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	// Another daemon on the same directory may have been faster; what it wrote
	// is the same.
	if err := os.Rename(temp, final); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	return final, nil
}

// digest names the content of a tree and the version it is prepared for.
func digest(source fs.FS, version string) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", version)
	err := fs.WalkDir(source, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(source, path)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%s %d\n", path, len(data))
		h.Write(data)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("read embedded bootstrap: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)[:6]), nil
}

// copyTree writes an embedded tree. Files without an extension are programs.
func copyTree(source fs.FS, dir string) error {
	return fs.WalkDir(source, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		target := filepath.Join(dir, path)
		if d.IsDir() {
			return os.Mkdir(target, 0o755)
		}
		data, err := fs.ReadFile(source, path)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if !strings.Contains(d.Name(), ".") {
			mode = 0o755
		}
		return os.WriteFile(target, data, mode)
	})
}

// compileProgram compiles the modules below argv[1] in a form that is never
// checked against the source: the directory's name fixes both. Names in
// tracebacks are those that a sandbox shows.
const compileProgram = `
import py_compile, os, sys
root = sys.argv[1]
for folder, _, names in os.walk(root):
    for name in names:
        if name.endswith(".py") and name != "bootstrap.py":
            path = os.path.join(folder, name)
            py_compile.compile(path, dfile=os.path.join("/var/runtime", os.path.relpath(path, root)), doraise=True,
                               invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
`

func compile(ctx context.Context, interp Interpreter, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, interp.Executable, "-I", "-c", compileProgram, dir)
	cmd.Dir = "/"
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compile bootstrap with %s: %w: %s", interp.Executable, err, out)
	}
	return nil
}

// syncTree brings every file of a tree to the disk.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(file.Sync(), file.Close())
	})
}
