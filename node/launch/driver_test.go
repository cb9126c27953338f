package launch_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthd/hearth/node/launch"
	"github.com/hearthd/hearth/sandbox/namespace/userns"
)

// blocked returns a directory in which the namespace driver finds no place for its
// state, which it looks for before anything else.
func blocked(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "namespace"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestOpenDriver_Auto_FallsBackAndSaysSo(t *testing.T) {
	var logged bytes.Buffer
	driver, err := launch.OpenDriver(launch.DriverOptions{
		Dir: blocked(t), Sandbox: launch.SandboxAuto, Logger: slog.New(slog.NewTextHandler(&logged, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if driver.Name() != launch.SandboxProcess {
		t.Errorf("it is %s", driver.Name())
	}
	for _, want := range []string{"functions are NOT isolated", `msg="not enforced: memory limit"`} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("%q is not in the log: %s", want, logged.String())
		}
	}
	if err := driver.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenDriver_Namespace_DoesNotFallBack(t *testing.T) {
	driver, err := launch.OpenDriver(launch.DriverOptions{
		Dir: blocked(t), Sandbox: launch.SandboxNamespace, Logger: slog.New(slog.DiscardHandler),
	})
	if driver != nil || err == nil || !strings.Contains(err.Error(), "open sandbox namespace") {
		t.Errorf("%v, %v", driver, err)
	}
}

func TestEnterPrepare_OnlyWhereItHelps(t *testing.T) {
	failure := errors.New("it is not allowed")
	for _, sandbox := range launch.Sandboxes() {
		entered := false
		err := launch.Enter(func(argv []string) error {
			entered = len(argv) > 0 && argv[0] == os.Args[0]
			return failure
		}).Prepare(sandbox)
		if want := sandbox != launch.SandboxProcess && userns.Needed(); entered != want {
			t.Errorf("%s: entered: %v, want %v", sandbox, entered, want)
		}
		if want := sandbox == launch.SandboxNamespace && userns.Needed(); errors.Is(err, failure) != want {
			t.Errorf("%s: %v, want the failure: %v", sandbox, err, want)
		}
	}
}

func TestEnterPrepare_NotPossible_IsLeftToTheDriver(t *testing.T) {
	if err := launch.Enter(nil).Prepare(launch.SandboxNamespace); err != nil {
		t.Error(err)
	}
}
