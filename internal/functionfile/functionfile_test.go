package functionfile_test

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/internal/functionfile"
)

func load(text string) (functionfile.File, error) {
	return functionfile.Load(fstest.MapFS{functionfile.Name: {Data: []byte(text)}})
}

func TestLoad_AllMembers(t *testing.T) {
	got, err := load(`{"FunctionName":"f","Role":"r","Architectures":["arm64"],"Description":"d","Runtime":"python3.13",
		"Handler":"a.b","Timeout":7,"MemorySize":256,"EphemeralStorage":{"Size":1024},"Environment":{"Variables":{"K":"v"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	want := functionfile.File{FunctionName: "f", Role: "r", Architectures: []string{"arm64"}, Settings: functionfile.Settings{
		Description: "d", Runtime: "python3.13", Handler: "a.b", Timeout: 7, MemorySize: 256,
		EphemeralStorage: &functionfile.EphemeralStorage{Size: 1024},
		Environment:      &functionfile.Environment{Variables: map[string]string{"K": "v"}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
}

func TestLoad_NoFile(t *testing.T) {
	if _, err := functionfile.Load(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error = %v, want one that wraps fs.ErrNotExist", err)
	}
}

func TestLoad_BadFile(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown member", `{"Memory":1}`, `unknown field "Memory"`},
		{"wrong type", `{"Timeout":"3"}`, "Timeout"},
		{"two values", `{} {}`, "more than one JSON value"},
		{"text after the value", `{} x`, "more than one JSON value"},
		{"empty", ``, "EOF"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := load(test.text)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one that contains %q", err, test.want)
			}
		})
	}
}

func TestAssign_AddsAndReplaces(t *testing.T) {
	e := functionfile.Environment{Variables: map[string]string{"A": "old", "B": "kept"}}
	if err := e.Assign([]string{"A=new", "C=with=sign", "D="}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"A": "new", "B": "kept", "C": "with=sign", "D": ""}, e.Variables); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}

func TestAssign_Refused(t *testing.T) {
	for _, assignment := range []string{"A", "=1", ""} {
		if err := new(functionfile.Environment).Assign([]string{assignment}); err == nil || !strings.Contains(err.Error(), "is not KEY=VALUE") {
			t.Errorf("%q: %v", assignment, err)
		}
	}
}

// The repository's own examples are the first that newcomers copy.
func TestLoad_Examples(t *testing.T) {
	for _, name := range []string{"hello-go", "hello-node", "hello-python", "hello-shell"} {
		file, err := functionfile.Load(os.DirFS("../../examples/" + name))
		if err != nil {
			t.Error(err)
			continue
		}
		if file.FunctionName != name || file.Runtime == "" || file.Handler == "" {
			t.Errorf("%s: FunctionName %q, Runtime %q, Handler %q", name, file.FunctionName, file.Runtime, file.Handler)
		}
	}
}
