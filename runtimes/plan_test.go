package runtimes_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	hearth "github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimes"
)

// onAWS are the paths of a sandbox with its own root.
var onAWS = runtimes.Paths{Task: "/var/task", Runtime: "/var/runtime", Opt: "/opt", Lang: "/var/lang", Tmp: "/tmp"}

func plan(t *testing.T, set *runtimes.Set, fn hearth.Function) *runtimes.Plan {
	t.Helper()
	p, err := set.Plan(t.Context(), &fn)
	if err != nil {
		t.Fatalf("Plan: %v", err)
	}
	return p
}

// installed writes a program that answers the probe with an interpreter in a
// prefix of its own, and returns a Set that finds only it.
func installed(t *testing.T, name string, answer map[string]any) (set *runtimes.Set, prefix string) {
	t.Helper()
	prefix, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(prefix, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	said := map[string]any{"executable": filepath.Join(bin, name), "prefix": prefix, "basePrefix": prefix}
	for k, v := range answer {
		said[k] = v
	}
	data, err := json.Marshal(said)
	if err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\n[ \"$1\" = -I ] || echo '" + string(data) + "'\n" // -I: asked to compile
	if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	set = newSet(t, func(o *runtimes.Options) {
		o.Dirs = []string{bin}
		o.Substitutes = runtimes.Substitutes{"nodejs24.x": "nodejs20.x"}
	})
	return set, prefix
}

func TestPlan_PythonCommand(t *testing.T) {
	set, prefix := installed(t, "python3.12", map[string]any{"version": "3.12.7", "userBase": "/home/u/.local"})
	p := plan(t, set, hearth.Function{Runtime: "python3.12"})
	want := runtimes.Command{
		Candidates: [][]string{{"/var/lang/bin/python3.12", "/var/runtime/bootstrap.py"}},
		Env:        []string{"PWD=/var/task", "SHLVL=0", "PYTHONPATH=/var/runtime", "PYTHONUSERBASE=/home/u/.local", "AWS_EXECUTION_ENV=AWS_Lambda_python3.12"},
		FramedLog:  true,
	}
	if diff := cmp.Diff(want, p.Command(onAWS)); diff != "" {
		t.Errorf("command (-want +got):\n%s", diff)
	}
	if p.LangDir != prefix {
		t.Errorf("LangDir = %s, want the prefix %s", p.LangDir, prefix)
	}
	if diff := cmp.Diff([]runtimes.Mount{{Source: prefix, Target: prefix}}, p.Mounts); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
}

func TestPlan_NodeCommand(t *testing.T) {
	set, _ := installed(t, "node", map[string]any{
		"version": "20.19.0", "packages": []string{"/srv/npm/lib/node_modules"}, "flags": []string{"--experimental-require-module"},
	})
	p := plan(t, set, hearth.Function{Runtime: "nodejs20.x", MemorySize: 1024})
	want := runtimes.Command{
		Candidates: [][]string{{
			"/var/lang/bin/node", "--max-http-header-size=81920", "--max-semi-space-size=51", "--max-old-space-size=921",
			"--no-experimental-require-module", "/var/runtime/bootstrap.cjs",
		}},
		Env: []string{
			"PWD=/var/task", "SHLVL=0",
			"NODE_PATH=/opt/nodejs/node20/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task:/srv/npm/lib/node_modules",
			"AWS_EXECUTION_ENV=AWS_Lambda_nodejs20.x",
		},
		FramedLog: true,
	}
	if diff := cmp.Diff(want, p.Command(onAWS)); diff != "" {
		t.Errorf("command (-want +got):\n%s", diff)
	}
}

func TestPlan_NodeOptionsKeepFeatureOn(t *testing.T) {
	set, _ := installed(t, "node", map[string]any{"version": "20.19.0", "flags": []string{"--experimental-require-module"}})
	p := plan(t, set, hearth.Function{Runtime: "nodejs20.x", Environment: map[string]string{"NODE_OPTIONS": "--experimental-require-module"}})
	if args := p.Command(onAWS).Candidates[0]; slices.Contains(args, "--no-experimental-require-module") {
		t.Errorf("args = %v", args)
	}
}

func TestPlan_SubstituteWarnsAndKeepsTheAskedName(t *testing.T) {
	set, _ := installed(t, "node", map[string]any{"version": "20.19.0"})
	p := plan(t, set, hearth.Function{Runtime: "nodejs24.x"})
	if want := "nodejs24.x is served by nodejs20.x (version 20.19.0), as the runtime map says; the function may behave differently on AWS"; p.Warning != want {
		t.Errorf("warning = %q, want %q", p.Warning, want)
	}
	env := p.Command(onAWS).Env
	if !slices.Contains(env, "AWS_EXECUTION_ENV=AWS_Lambda_nodejs24.x") || !strings.HasPrefix(env[2], "NODE_PATH=/opt/nodejs/node24/node_modules:") {
		t.Errorf("env = %v", env)
	}
}

func TestPlan_ProvidedCandidatesInOrder(t *testing.T) {
	p := plan(t, newSet(t, nil), hearth.Function{Runtime: "provided.al2023", Environment: map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"}})
	want := runtimes.Command{Candidates: [][]string{{"/var/runtime/bootstrap"}, {"/var/task/bootstrap"}, {"/opt/bootstrap"}}}
	if diff := cmp.Diff(want, p.Command(onAWS)); diff != "" {
		t.Errorf("command (-want +got):\n%s", diff)
	}
	if p.RuntimeDir != "" || p.LangDir != "" || p.Mounts != nil || p.Warning != "" {
		t.Errorf("plan = %+v, want nothing from the host", p)
	}
}

func TestPlan_MissingInterpreter(t *testing.T) {
	set := newSet(t, func(o *runtimes.Options) { o.Dirs = []string{t.TempDir()} })
	if _, err := set.Plan(t.Context(), &hearth.Function{Runtime: "python3.12"}); !errors.Is(err, hearth.ErrInvalidRuntime) {
		t.Errorf("error = %v, want ErrInvalidRuntime", err)
	}
}

func TestPlan_SharedPrefixIsNotShown(t *testing.T) {
	home, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	local := filepath.Join(home, ".local")
	lib := filepath.Join(local, "lib/python3.12")
	if err := os.MkdirAll(lib, 0o755); err != nil {
		t.Fatal(err)
	}
	_, prefix := installed(t, "python3.12", map[string]any{
		"version": "3.12.7", "prefix": local, "basePrefix": local, "libraries": []string{lib, lib},
	})
	set := newSet(t, func(o *runtimes.Options) { o.Dirs = []string{filepath.Join(prefix, "bin")} })
	p := plan(t, set, hearth.Function{Runtime: "python3.12"})
	exe := filepath.Join(prefix, "bin/python3.12")
	if diff := cmp.Diff([]runtimes.Mount{{Source: exe, Target: exe}, {Source: lib, Target: lib}}, p.Mounts); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
	if link, err := os.Readlink(filepath.Join(p.LangDir, "bin/python3.12")); err != nil || link != exe {
		t.Errorf("generated /var/lang links to %q (%v), want %q", link, err, exe)
	}
}

func TestPlan_PrefixOfAnotherProductIsShownInPart(t *testing.T) {
	set, prefix := installed(t, "python3.12", map[string]any{"version": "3.12.7"})
	for _, dir := range []string{"lib", "secrets"} {
		if err := os.Mkdir(filepath.Join(prefix, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p := plan(t, set, hearth.Function{Runtime: "python3.12"})
	lib, exe := filepath.Join(prefix, "lib"), filepath.Join(prefix, "bin/python3.12")
	if diff := cmp.Diff([]runtimes.Mount{{Source: lib, Target: lib}, {Source: exe, Target: exe}}, p.Mounts); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
	if p.LangDir == prefix {
		t.Errorf("the whole prefix %s is shown at /var/lang", prefix)
	}
}

func TestPlan_LinkedPrefixIsShownAtBothNames(t *testing.T) {
	_, prefix := installed(t, "node", map[string]any{"version": "20.1.0"})
	link := filepath.Join(t.TempDir(), "current")
	if err := os.Symlink(prefix, link); err != nil {
		t.Fatal(err)
	}
	script := `#!/bin/sh
echo '{"version":"20.1.0","executable":"` + link + `/bin/node","prefix":"` + link + `","basePrefix":"` + link + `"}'
`
	if err := os.WriteFile(filepath.Join(prefix, "bin/node"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	set := newSet(t, func(o *runtimes.Options) { o.Dirs = []string{filepath.Join(link, "bin")} })
	p := plan(t, set, hearth.Function{Runtime: "nodejs20.x"})
	if diff := cmp.Diff([]runtimes.Mount{{Source: prefix, Target: link}, {Source: prefix, Target: prefix}}, p.Mounts); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
}

func TestPlan_BootstrapIsWrittenOnce(t *testing.T) {
	set := newSet(t, func(o *runtimes.Options) { o.Dirs = runtimes.HostDirs(os.Environ()) })
	name := newest(t, runtimes.Python)
	var dirs [8]string
	var wg sync.WaitGroup
	for i := range dirs {
		wg.Go(func() {
			if p, err := set.Plan(t.Context(), &hearth.Function{Runtime: name}); err == nil {
				dirs[i] = p.RuntimeDir
			}
		})
	}
	wg.Wait()
	for _, dir := range dirs {
		if dir == "" || dir != dirs[0] {
			t.Fatalf("directories = %q, want one", dirs)
		}
	}
	compiled, err := filepath.Glob(filepath.Join(dirs[0], "hearth_runtime/__pycache__/*.pyc"))
	if err != nil || len(compiled) == 0 {
		t.Errorf("no compiled modules in %s (%v)", dirs[0], err)
	}
	entries, err := os.ReadDir(filepath.Dir(dirs[0]))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".new-") {
			t.Errorf("%s was left behind", entry.Name())
		}
	}
}

func TestWrapper_ReceivesTheInterpretersCommand(t *testing.T) {
	task := write(t, map[string]string{"wrap": "#!/bin/sh\necho \"wrapped $# ${1##*/} ${2##*/}\"\nexport FROM_WRAPPER=yes\nexec \"$@\"\n"})
	e := start(t, function{
		runtime: newest(t, runtimes.Python),
		handler: "app.handler",
		env:     map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": filepath.Join(task, "wrap")},
		files:   map[string]string{"app.py": "import os\ndef handler(event, context):\n    return os.environ['FROM_WRAPPER']\n"},
	})
	if got := e.invoke("{}"); got != `"yes"` {
		t.Errorf("response = %s", got)
	}
	if log, want := e.logged(), "wrapped 3 "+newest(t, runtimes.Python)+" bootstrap.py\n"; log != want {
		t.Errorf("log = %q, want %q", log, want)
	}
}

func TestWrapper_MissingFileExits127(t *testing.T) {
	for _, name := range []string{newest(t, runtimes.Python), newest(t, runtimes.Node)} {
		e := start(t, function{runtime: name, handler: "app.handler", env: map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/opt/absent"}})
		if status := e.exit(); status != 127 {
			t.Errorf("%s: exit status = %d, want 127", name, status)
		}
	}
}

// Host packages: a package installed beside a real interpreter, here in a
// virtual environment, is found without being in the function's package.
func TestPlan_HostPackagesAreImportable(t *testing.T) {
	name := newest(t, runtimes.Python)
	interp, err := find(t, hostSet(t), name)
	if err != nil {
		t.Fatal(err)
	}
	venv := filepath.Join(t.TempDir(), "venv")
	if out, err := exec.Command(interp.Executable, "-m", "venv", "--without-pip", venv).CombinedOutput(); err != nil {
		t.Fatalf("make a virtual environment: %v: %s", err, out)
	}
	module := filepath.Join(venv, "lib", name, "site-packages/boto3.py")
	if err := os.WriteFile(module, []byte("where = __file__\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	set := newSet(t, func(o *runtimes.Options) { o.Dirs = []string{filepath.Join(venv, "bin")} })
	e := start(t, function{
		runtime: name, handler: "app.handler", set: set,
		files: map[string]string{"app.py": "import boto3\ndef handler(event, context):\n    return boto3.where\n"},
	})
	if got := e.invoke("{}"); got != `"`+module+`"` {
		t.Errorf("boto3 comes from %s, want %s", got, module)
	}
	var targets []string
	for _, m := range e.plan.Mounts {
		targets = append(targets, m.Target)
	}
	for _, prefix := range []string{venv, interp.BasePrefix} {
		if !slices.Contains(targets, prefix) && !strings.HasPrefix(prefix, "/usr") {
			t.Errorf("mounts = %v, want %s among them", targets, prefix)
		}
	}
}
