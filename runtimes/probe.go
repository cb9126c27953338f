package runtimes

import (
	"bytes"
	"context"
	_ "embed" // the probe programs
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Interpreter is a program of the host that runs function code.
type Interpreter struct {
	Family Family
	// Version is exact: 3.12.1, 20.20.2.
	Version string
	// Executable is the absolute path on the host.
	Executable string
	// Prefix is the interpreter's installation, or the virtual environment
	// that it belongs to; BasePrefix is the installation in both cases.
	Prefix, BasePrefix string
	// Libraries are the standard library's directories.
	Libraries []string
	// Packages are the directories with the host's own packages that exist:
	// site-packages, global node_modules.
	Packages []string
	// UserBase and UserPackages are Python's per-user packages (pip install
	// --user); empty when there are none.
	UserBase, UserPackages string
	// Linked are directories outside the prefix that files in it link to.
	Linked []string
	// Flags are the options, of those that the bootstrap's command line would
	// set, that this interpreter understands.
	Flags []string
}

// minor returns the part of the version that a Lambda runtime fixes: 3.12 for
// Python, 20 for Node.
func (i Interpreter) minor() string {
	parts := strings.SplitN(i.Version, ".", 3)
	if i.Family == Python && len(parts) > 1 {
		return parts[0] + "." + parts[1]
	}
	return parts[0]
}

const (
	probeTime   = 10 * time.Second // a first start from a cold disk may be slow
	probeOutput = 64 << 10
)

//go:embed probe.py
var probePython string

//go:embed probe.js
var probeNode string

// prober asks interpreters what they are, each file once.
type prober struct {
	env []string

	mu    sync.Mutex // guards the map, not what the entries hold
	known map[fileID]*probed
}

// fileID identifies an executable until it, or what its path leads to, changes.
type fileID struct {
	path  string
	real  string // without symbolic links
	size  int64
	mtime time.Time
}

// probed is one answer. The lock is held while the interpreter runs: everybody
// who asks meanwhile waits for the answer.
type probed struct {
	mu     sync.Mutex
	done   bool
	interp Interpreter
	err    error
}

// probe runs the executable unless it is known already. A failure is
// remembered too, unless ctx caused it.
func (p *prober) probe(ctx context.Context, f Family, path string) (Interpreter, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Interpreter{}, fmt.Errorf("stat interpreter: %w", err)
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return Interpreter{}, fmt.Errorf("%s is not executable", path)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Interpreter{}, fmt.Errorf("follow links to interpreter: %w", err)
	}
	id := fileID{path: path, real: real, size: info.Size(), mtime: info.ModTime()}
	p.mu.Lock()
	entry := p.known[id]
	if entry == nil {
		entry = &probed{}
		p.known[id] = entry
	}
	p.mu.Unlock()

	entry.mu.Lock()
	defer entry.mu.Unlock()
	if !entry.done {
		interp, err := p.ask(ctx, f, path)
		if err != nil && ctx.Err() != nil {
			return Interpreter{}, err
		}
		entry.interp, entry.err, entry.done = interp, err, true
	}
	return entry.interp, entry.err
}

func (p *prober) ask(ctx context.Context, f Family, path string) (Interpreter, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	if f == Java {
		return probeJava(ctx, path, p.env)
	}
	args := []string{"-c", probePython}
	if f == Node {
		args = []string{"-e", probeNode}
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = probeEnv(p.env)
	cmd.Dir = "/"
	cmd.WaitDelay = time.Second // a shim's grandchild may hold the pipe open
	stderr := &head{}
	stdout := &head{}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Run(); err != nil {
		return Interpreter{}, fmt.Errorf("run %s: %w: %s", path, err, strings.TrimSpace(stderr.String()))
	}
	interp := Interpreter{Family: f}
	if err := json.Unmarshal(stdout.Bytes(), &interp); err != nil {
		return Interpreter{}, fmt.Errorf("read what %s says of itself: %w", path, err)
	}
	if interp.Version == "" || !filepath.IsAbs(interp.Executable) || !filepath.IsAbs(interp.Prefix) || !filepath.IsAbs(interp.BasePrefix) {
		return Interpreter{}, fmt.Errorf("%s does not say what it is", path)
	}
	return interp, nil
}

// probeEnv keeps the daemon's environment but for the variables that make an
// interpreter lie about its own directories or run something first.
func probeEnv(env []string) []string {
	out := make([]string, 0, len(env))
	for _, kv := range env {
		switch key, _, _ := strings.Cut(kv, "="); key {
		case "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONINSPECT", "NODE_OPTIONS",
			"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS":
		default:
			out = append(out, kv)
		}
	}
	return out
}

// head keeps the first probeOutput bytes and drops the rest, so that a program
// that is no interpreter cannot fill the memory.
type head struct{ bytes.Buffer }

func (t *head) Write(b []byte) (int, error) {
	if room := probeOutput - t.Len(); room > 0 {
		t.Buffer.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}
