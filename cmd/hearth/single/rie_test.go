package single

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
)

func withEnvironment(env map[string]string) *terminal.Terminal {
	return &terminal.Terminal{Getenv: func(name string) string { return env[name] }}
}

func TestEmulatedFunction_AsTheEmulatorHasIt(t *testing.T) {
	bin := dirWith(t, map[string]string{"prog": ""})
	prog := filepath.Join(bin, "prog")
	if err := os.Chmod(prog, 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	type view struct {
		Args            []string
		Handler         string
		Timeout, Memory int
	}
	path := t.TempDir() + ":" + bin
	for name, test := range map[string]struct {
		env  map[string]string
		args []string
		want view
	}{
		"defaults":         {nil, []string{"prog"}, view{[]string{prog}, "", 300, 3008}},
		"last argument":    {map[string]string{"_HANDLER": "no"}, []string{"prog", "-m", "a.b"}, view{[]string{prog, "-m", "a.b"}, "a.b", 300, 3008}},
		"the environment":  {map[string]string{"_HANDLER": "e.f"}, []string{prog}, view{[]string{prog}, "e.f", 300, 3008}},
		"time and memory ": {map[string]string{"AWS_LAMBDA_FUNCTION_TIMEOUT": "5", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128"}, []string{"prog"}, view{[]string{prog}, "", 5, 128}},
	} {
		env := map[string]string{"PATH": path}
		for k, v := range test.env {
			env[k] = v
		}
		fn, err := emulatedFunction(withEnvironment(env), test.args)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(test.want, view{test.args, fn.Handler, fn.Timeout, fn.MemorySize}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestEmulatedFunction_PathOfNoProgram(t *testing.T) {
	dir := dirWith(t, map[string]string{"prog": "not executable"})
	for path, want := range map[string]string{dir + "/none": "no such program", dir + "/prog": "chmod +x", dir: "cannot be executed"} {
		_, err := emulatedFunction(withEnvironment(nil), []string{path})
		if exit.Code(t.Context(), err) != exit.Usage || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want a usage error with %q", path, err, want)
		}
	}
}

func TestEmulatedFunction_UsageErrors(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"no such program": {"PATH": dirWith(t, map[string]string{"prog": "not executable"})},
		"no number":       {"AWS_LAMBDA_FUNCTION_TIMEOUT": "soon"},
		"zero":            {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "0"},
	} {
		if _, err := emulatedFunction(withEnvironment(env), []string{"prog"}); exit.Code(t.Context(), err) != exit.Usage {
			t.Errorf("%s: %v", name, err)
		}
	}
}
