package runtimes

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	hearth "github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimes/sdk"
)

// Options configure a Set.
type Options struct {
	// Dir is where bootstraps are written, one directory per content and
	// interpreter version. It is created if missing. Everything in it is
	// read-only for function code and can be deleted while nothing runs.
	Dir string
	// Env is the daemon's environment as KEY=value: it says where version
	// managers keep their interpreters, and interpreters are probed in it.
	Env []string
	// Dirs are searched for interpreters, in order. Nil: HostDirs(Env), looked
	// up again whenever a runtime is missing, so that an interpreter installed
	// later is found without a restart.
	Dirs []string
	// JavaClient is the directory with the archives of AWS's runtime interface
	// client for Java and of what it needs. Empty: JavaClientDir(Env).
	JavaClient string
	// SDKDir is where `hearth runtimes install` puts AWS's SDKs, which functions
	// find in /var/runtime. Empty: sdk.Dir of Env.
	SDKDir string
	// Substitutes are the operator's, from --runtime-map.
	Substitutes Substitutes
}

// Set serves the managed runtimes from this host's interpreters. Its methods
// may be called from several goroutines.
type Set struct {
	opts   Options
	sdks   sdk.Store
	prober prober
	files  files

	mu    sync.Mutex
	found map[string]string // runtime name -> path of the interpreter in use
}

// New makes a Set. It looks at no interpreter yet.
func New(opts Options) (*Set, error) {
	if !filepath.IsAbs(opts.Dir) {
		return nil, fmt.Errorf("runtimes: directory %q is not absolute", opts.Dir)
	}
	if err := opts.Substitutes.Validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(opts.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("create directory of bootstraps: %w", err)
	}
	if opts.SDKDir == "" {
		opts.SDKDir = sdk.Dir(lookup(opts.Env))
	}
	return &Set{
		opts:   opts,
		sdks:   sdk.Store(opts.SDKDir),
		prober: prober{env: opts.Env, known: map[fileID]*probed{}},
		files:  files{dir: opts.Dir, made: map[string]string{}},
		found:  map[string]string{},
	}, nil
}

// Accept says whether functions may have a runtime: nil, or the error of
// Accepted. Any runtime that has a substitute is accepted.
func (s *Set) Accept(name string) error {
	if _, substituted := s.opts.Substitutes[name]; substituted {
		return nil
	}
	_, err := Accepted(name)
	return err
}

// Check says whether functions of a runtime can run on this host now: nil, the
// error of Accept, or a *hearth.Error of kind hearth.ErrInvalidRuntime that names
// what is missing and how to get it. Plan decides again.
func (s *Set) Check(ctx context.Context, name string) error {
	_, served, err := s.resolve(name)
	if err != nil || served.Family == Provided {
		return err
	}
	_, err = s.Find(ctx, served)
	if err == nil && served.Family == Java {
		_, _, err = s.javaClient()
	}
	return err
}

// resolve returns the runtime that was asked for and the one that serves it.
func (s *Set) resolve(name string) (asked, served Runtime, err error) {
	asked, known := Lookup(name)
	to, substituted := s.opts.Substitutes[name]
	if !known || !substituted {
		to = name
	}
	served, err = Servable(to)
	return asked, served, err
}

// Find returns the interpreter that serves a runtime: exactly its version, the
// first in the order of Options.Dirs, named for its version (python3.12)
// before named in general (python3). When there is none the error is a
// *hearth.Error of kind hearth.ErrInvalidRuntime that says what to install.
// One that has AWS's SDK beside it goes before one that has not.
func (s *Set) Find(ctx context.Context, r Runtime) (Interpreter, error) {
	if r.Family != Python && r.Family != Node && r.Family != Java {
		return Interpreter{}, fmt.Errorf("find interpreter: %s has none", r.Name)
	}
	s.mu.Lock()
	last, ok := s.found[r.Name]
	s.mu.Unlock()
	if ok {
		interp, err := s.prober.probe(ctx, r.Family, last)
		if err == nil && interp.minor() == r.Version {
			return interp, nil
		}
	}
	path, interp, err := s.search(ctx, r)
	if err != nil {
		return Interpreter{}, err
	}
	s.mu.Lock()
	s.found[r.Name] = path
	s.mu.Unlock()
	return interp, nil
}

// search probes the candidates for r. The first is taken, unless a later one
// of the same version has AWS's SDK and the first has not: on AWS it is there.
func (s *Set) search(ctx context.Context, r Runtime) (path string, found Interpreter, err error) {
	var others []Interpreter
	for candidate := range s.candidates(r) {
		interp, err := s.prober.probe(ctx, r.Family, candidate)
		switch {
		case ctx.Err() != nil:
			return "", Interpreter{}, fmt.Errorf("find interpreter for %s: %w", r.Name, ctx.Err())
		case err != nil: // a shim without a version behind it, a broken install
		case interp.minor() != r.Version:
			others = append(others, interp)
		case interp.Family == Java, s.SDK(interp) != "":
			return candidate, interp, nil
		case path == "":
			path, found = candidate, interp
		}
	}
	if path == "" {
		return "", Interpreter{}, missing(r, others)
	}
	return path, found, nil
}

// Interpreters returns every interpreter of a family on this host, one per
// version that Lambda fixes, in the order of preference.
func (s *Set) Interpreters(ctx context.Context, f Family) []Interpreter {
	var out []Interpreter
	seen := map[string]bool{}
	for _, r := range All() {
		if r.Family != f || !r.Served || seen[r.Version] {
			continue
		}
		if interp, err := s.Find(ctx, r); err == nil {
			seen[r.Version] = true
			out = append(out, interp)
		}
	}
	return out
}

// candidates yields the files that may be the interpreter of r.
func (s *Set) candidates(r Runtime) func(yield func(string) bool) {
	dirs := s.opts.Dirs
	if dirs == nil {
		dirs = HostDirs(s.opts.Env)
	}
	var names []string
	switch r.Family {
	case Node:
		names = []string{"node", "nodejs"}
	case Java:
		names = []string{"java"}
		if s.opts.Dirs == nil {
			dirs = append(javaDirs(s.opts.Env), dirs...)
		}
	default:
		names = []string{"python" + r.Version, "python3"}
	}
	return func(yield func(string) bool) {
		for _, name := range names {
			for _, dir := range dirs {
				path := filepath.Join(dir, name)
				if _, err := os.Stat(path); err == nil && !yield(path) {
					return
				}
			}
		}
	}
}

// missing says what to install, and what the host has instead.
func missing(r Runtime, others []Interpreter) error {
	language, install := "Python", fmt.Sprintf("apt-get install python%s, or pyenv install %s", r.Version, r.Version)
	prefix, suffix := "python", ""
	switch r.Family {
	case Java:
		language, install = "Java", fmt.Sprintf("apt-get install openjdk-%s-jre-headless, or a JDK %s of any vendor with JAVA_HOME_%s=DIR", r.Version, r.Version, r.Version)
		prefix = "java"
	case Node:
		language, install = "Node.js", fmt.Sprintf("nvm install %s, or the nodejs package of a distribution that has version %s", r.Version, r.Version)
		prefix, suffix = "nodejs", ".x"
	}
	var have []string
	for _, other := range others {
		if name := prefix + other.minor() + suffix; !slices.Contains(have, name) {
			have = append(have, name)
		}
	}
	slices.SortFunc(have, func(a, b string) int { return slices.Compare(numbers(a), numbers(b)) })
	have = slices.DeleteFunc(have, func(name string) bool {
		other, ok := Lookup(name)
		return !ok || !other.Served
	})
	found, instead := "this host has none that hearth can use", prefix+"X"+suffix
	if len(have) > 0 {
		found, instead = "this host can serve "+strings.Join(have, ", "), nearest(r.Name, have)
	}
	return hearth.Errorf(hearth.ErrInvalidRuntime,
		"%s needs a %s %s %s; %s. Install it (%s), or let another version serve it: --runtime-map %s=%s",
		r.Name, language, r.Version, r.Family.program(), found, install, r.Name, instead)
}

// nearest picks the newest runtime of a sorted list that is older than name,
// else the oldest.
func nearest(name string, have []string) string {
	best := have[0]
	for _, other := range have {
		if slices.Compare(numbers(other), numbers(name)) < 0 {
			best = other
		}
	}
	return best
}
