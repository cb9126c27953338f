package launch

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimes"
	"github.com/hearthd/hearth/sandbox"
)

func TestStreamName_NamesTheFunctionInAGroupOfOthers(t *testing.T) {
	now := time.Date(2026, 11, 21, 23, 30, 0, 0, time.FixedZone("", -3600)) // the next day in UTC
	fn := &hearth.Function{Name: hearth.Name{Account: "000000000000", Region: "us-east-1", Function: "f"}, Version: "7"}
	for group, want := range map[string]string{
		fn.Name.LogGroup(): "2026/11/22/[7]id",
		"shared":           "2026/11/22/f[7][id]",
	} {
		fn.Logging.Group = group
		if got := streamName(fn, "id", now); got != want {
			t.Errorf("in %s: %s, want %s", group, got, want)
		}
	}
}

func TestRuntimeVersion_EndsInThePatchLevel(t *testing.T) {
	for exact, want := range map[string]string{"3.12.4": "python:3.12.v4", "3.12": "python:3.12.v1", "": "python:3.12.v1"} {
		plan := &runtimes.Plan{Runtime: runtimes.Runtime{Family: runtimes.Python, Version: "3.12"}, Interpreter: runtimes.Interpreter{Version: exact}}
		if got := runtimeVersion(plan); got != want {
			t.Errorf("of %q: %s, want %s", exact, got, want)
		}
	}
}

func TestArchitectureWarning_ForOthersOnly(t *testing.T) {
	own, other := "x86_64", "arm64"
	if runtime.GOARCH == "arm64" {
		own, other = other, own
	}
	for _, architectures := range [][]string{nil, {own}} {
		if got := architectureWarning(&hearth.Function{Architectures: architectures}); got != "" {
			t.Errorf("%v: %q", architectures, got)
		}
	}
	if got := architectureWarning(&hearth.Function{Architectures: []string{other}}); !strings.Contains(got, "for "+other+", and runs on "+own) {
		t.Errorf("%s: %q", other, got)
	}
}

// provided returns the plan of a function with a bootstrap of its own.
func provided(t *testing.T) *runtimes.Plan {
	t.Helper()
	set, err := runtimes.New(runtimes.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := set.Plan(t.Context(), &hearth.Function{Runtime: "provided.al2023", Handler: "bootstrap"})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestCommand_FirstBootstrapThatIsThere(t *testing.T) {
	paths := sandbox.Paths{Task: "/var/task", Runtime: "/var/runtime", Opt: "/opt"}
	spec := sandbox.Spec{Task: t.TempDir(), Opt: t.TempDir()}
	plan := provided(t)
	_, err := command(plan, spec, paths)
	if want := "Couldn't find valid bootstrap(s): ["; !errors.Is(err, sandbox.ErrEntrypoint) || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("without any: %v, want %s", err, want)
	}
	for _, place := range []struct{ dir, want string }{{spec.Opt, "/opt/bootstrap"}, {spec.Task, "/var/task/bootstrap"}} {
		if err := os.WriteFile(filepath.Join(place.dir, "bootstrap"), nil, 0o700); err != nil {
			t.Fatal(err)
		}
		got, err := command(plan, spec, paths)
		if diff := cmp.Diff([]string{place.want}, got.Args); err != nil || diff != "" {
			t.Errorf("with %s: %v (-want +got):\n%s", place.want, err, diff)
		}
	}
}

// credentials are the same for every function.
type credentials map[string]string

func (c credentials) Credentials(*hearth.Function) map[string]string { return c }

func TestPlatform_PlaceholdersWhereThereAreNone(t *testing.T) {
	issued := map[string]string{"AWS_ACCESS_KEY_ID": "ASIA1"}
	for name, test := range map[string]struct {
		credentials Credentials
		want        string
	}{
		"no source":   {nil, "ASIA*"},
		"none issued": {credentials(nil), "ASIA*"},
		"issued":      {credentials(issued), "ASIA1"},
	} {
		l := &Launcher{opts: Options{Credentials: test.credentials}}
		got := l.platform(&hearth.Function{})
		if ok, err := path.Match(test.want, got["AWS_ACCESS_KEY_ID"]); !ok || err != nil {
			t.Errorf("%s: %v, want %s", name, got, test.want)
		}
	}
}

func TestPlatform_PlaceholderKeys_DifferByFunction(t *testing.T) {
	l := &Launcher{}
	key := func(name string) string {
		return l.platform(&hearth.Function{Name: hearth.Name{Function: name}})["AWS_ACCESS_KEY_ID"]
	}
	first, again, other := key("f"), key("f"), key("g")
	if first != again || first == other || len(first) != 20 {
		t.Errorf("keys %s, %s and %s", first, again, other)
	}
}
