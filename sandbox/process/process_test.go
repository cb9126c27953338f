package process_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/process"
	"github.com/hearthd/hearth/sandbox/sandboxtest"
)

func open(t *testing.T, stateDir string) sandbox.Driver {
	t.Helper()
	d, err := process.New(process.Options{StateDir: stateDir})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDriver(t *testing.T) { sandboxtest.Run(t, open) }

func create(t *testing.T, d sandbox.Driver, spec sandbox.Spec) sandbox.Sandbox {
	t.Helper()
	sb, err := d.Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return sb
}

// runShell runs a script to its end.
func runShell(t *testing.T, sb sandbox.Sandbox, script string, env ...string) sandbox.Exit {
	t.Helper()
	p, err := sb.Start(t.Context(), sandbox.Command{Args: []string{"/bin/sh", "-c", script}, Env: env, Stderr: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
	case <-time.After(30 * time.Second):
		t.Fatal("the script has not ended")
	}
	return p.Exit()
}

func newDriver(t *testing.T) sandbox.Driver {
	t.Helper()
	d := open(t, t.TempDir())
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func TestNew_StateDirInUse_Fails(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	if _, err := process.New(process.Options{StateDir: dir}); err == nil {
		t.Error("two drivers share a state directory")
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCreate_BadID_Refused(t *testing.T) {
	d := newDriver(t)
	for _, id := range []string{"", "..", "a/b", "a b", strings.Repeat("a", 65)} {
		if sb, err := d.Create(t.Context(), sandbox.Spec{ID: id, Task: t.TempDir()}); err == nil {
			sb.Close()
			t.Errorf("ID %q was accepted", id)
		}
	}
}

func TestCreate_SameID_Refused(t *testing.T) {
	d := newDriver(t)
	spec := sandbox.Spec{ID: "twice", Task: t.TempDir()}
	first := create(t, d, spec)
	if _, err := d.Create(t.Context(), spec); err == nil {
		t.Error("two sandboxes of one ID")
	}
	if exit := runShell(t, first, "exit 0"); exit != (sandbox.Exit{}) {
		t.Errorf("the first one is broken: %+v", exit)
	}
}

func TestCreate_MissingTask_LeavesNothing(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	defer d.Close()
	if _, err := d.Create(t.Context(), sandbox.Spec{ID: "x", Task: filepath.Join(dir, "missing")}); err == nil {
		t.Fatal("created without code")
	}
	left, err := os.ReadDir(filepath.Join(dir, "sandboxes"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestPaths_EmptySpec_AreEmptyDirectories(t *testing.T) {
	sb := create(t, newDriver(t), sandbox.Spec{ID: "bare", Task: t.TempDir()})
	paths := sb.Paths()
	for _, dir := range []string{paths.Opt, paths.Runtime, paths.Lang, paths.Tmp} {
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Errorf("%q: %v %v", dir, entries, err)
		}
	}
}

func TestStart_TMPDIR_IsTheSandboxs(t *testing.T) {
	sb := create(t, newDriver(t), sandbox.Spec{ID: "tmp", Task: t.TempDir()})
	if exit := runShell(t, sb, `[ "$TMPDIR" = "$WANT" ]`, "WANT="+sb.Paths().Tmp); exit.Code != 0 {
		t.Error("TMPDIR is not Paths.Tmp")
	}
	if exit := runShell(t, sb, `[ "$TMPDIR" = /elsewhere ]`, "TMPDIR=/elsewhere"); exit.Code != 0 {
		t.Error("the command's own TMPDIR was replaced")
	}
}

func TestUsage_AfterProcess_KnowsItsPeak(t *testing.T) {
	sb := create(t, newDriver(t), sandbox.Spec{ID: "peak", Task: t.TempDir()})
	runShell(t, sb, "exit 0")
	use, err := sb.Usage()
	if err != nil || use.MemoryPeak < 100<<10 || use.MemoryPeak > 1<<30 {
		t.Errorf("peak of a shell: %d bytes, %v", use.MemoryPeak, err)
	}
}

func TestClose_UnlistableDirectories_AreRemoved(t *testing.T) {
	sb := create(t, newDriver(t), sandbox.Spec{ID: "shut", Task: t.TempDir()})
	runShell(t, sb, `mkdir -p "$TMPDIR/a/b" && touch "$TMPDIR/a/b/c" && chmod 0 "$TMPDIR/a/b" "$TMPDIR/a"`)
	if err := sb.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(sb.Paths().Tmp); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}

// Two daemons of one user may use the same sandbox ID; each kills its own.
func TestKillAll_SameIDOfOtherDriver_Survives(t *testing.T) {
	mine, other := newDriver(t), newDriver(t)
	spec := sandbox.Spec{ID: "same", Task: t.TempDir()}
	a, b := create(t, mine, spec), create(t, other, spec)
	p, err := b.Start(t.Context(), sandbox.Command{Args: []string{"/bin/sleep", "60"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.KillAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if got := p.Exit().Signal; got != syscall.SIGTERM {
		t.Errorf("ended by %v: the other driver killed it", got)
	}
}

func TestCapabilities_NothingClaimed_EverythingNamed(t *testing.T) {
	caps := newDriver(t).Capabilities()
	missing := caps.Missing
	caps.Missing = nil
	if !reflect.DeepEqual(caps, sandbox.Capabilities{}) {
		t.Errorf("claims %+v", caps)
	}
	if len(missing) == 0 || !strings.Contains(missing[0].What, "isolation") {
		t.Errorf("does not say that nothing is isolated: %+v", missing)
	}
}
