package single

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/cmd/hearth/exit"
)

// dirWith returns a new directory with files of no other content than given.
func dirWith(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFunction_GuessedFromFiles(t *testing.T) {
	for file, want := range map[string][2]string{
		"bootstrap":          {"provided.al2023", "bootstrap"},
		"app.py":             {"python", "app.handler"},
		"lambda_function.py": {"python", "lambda_function.lambda_handler"},
		"index.mjs":          {"nodejs", "index.handler"},
		"index.js":           {"nodejs", "index.handler"},
	} {
		fn, archive, err := new(runOptions).function(dirWith(t, map[string]string{file: ""}))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if got := [2]string{fn.Runtime, fn.Handler}; got != want || archive != "" {
			t.Errorf("%s: %q and archive %q, want %q and none", file, got, archive, want)
		}
	}
}

func TestFunction_FlagsOverTheDescription(t *testing.T) {
	dir := dirWith(t, map[string]string{"function.json": `{"FunctionName":"f","Runtime":"python3.11","Handler":"a.b","Timeout":7,"MemorySize":256,
		"EphemeralStorage":{"Size":1024},"Environment":{"Variables":{"A":"file","B":"file"}}}`})
	o := runOptions{runtime: "python3.13", timeout: 9, env: []string{"A=flag=1"}}
	fn, _, err := o.function(dir)
	if err != nil {
		t.Fatal(err)
	}
	type view struct {
		Runtime, Handler         string
		Timeout, Memory, Storage int
		Environment              map[string]string
		Dir                      string
	}
	got := view{fn.Runtime, fn.Handler, fn.Timeout, fn.MemorySize, fn.EphemeralStorage, fn.Environment, fn.Code.Dir}
	want := view{"python3.13", "a.b", 9, 256, 1024, map[string]string{"A": "flag=1", "B": "file"}, dir}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("function (-want +got):\n%s", diff)
	}
}

func TestFunction_Archive_IsReadLater(t *testing.T) {
	path := filepath.Join(dirWith(t, map[string]string{"f.zip": "abc"}), "f.zip")
	o := runOptions{runtime: "provided.al2023"}
	fn, archive, err := o.function(path)
	if err != nil {
		t.Fatal(err)
	}
	if archive != path || fn.Handler != "bootstrap" || fn.Code.Dir != "" {
		t.Errorf("archive %s, handler %s, code %+v", archive, fn.Handler, fn.Code)
	}
}

func TestFunction_UsageErrors(t *testing.T) {
	layers := dirWith(t, map[string]string{"function.json": `{"Runtime":"python3.13","Handler":"a.b","Layers":["arn:aws:lambda:us-east-1:000000000000:layer:l:1"]}`})
	for name, test := range map[string]struct {
		path string
		o    runOptions
		want string
	}{
		"nothing there":        {"/does/not/exist", runOptions{}, "no such file"},
		"nothing to guess by":  {t.TempDir(), runOptions{}, "runtime and handler are not known"},
		"an odd description":   {dirWith(t, map[string]string{"function.json": `{"Memory":1}`}), runOptions{}, `unknown field "Memory"`},
		"layers of a daemon":   {layers, runOptions{}, "names layers by ARN"},
		"an odd --env":         {dirWith(t, map[string]string{"app.py": ""}), runOptions{env: []string{"X"}}, "is not KEY=VALUE"},
		"no handler, no guess": {dirWith(t, nil), runOptions{runtime: "python3.13"}, "runtime and handler are not known"},
	} {
		_, _, err := test.o.function(test.path)
		if exit.Code(t.Context(), err) != exit.Usage || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want a usage error: %s", name, err, test.want)
		}
	}
	o := runOptions{layers: []string{t.TempDir()}}
	if _, _, err := o.function(layers); err != nil {
		t.Errorf("layers of a daemon, with others in their place: %v", err)
	}
}
