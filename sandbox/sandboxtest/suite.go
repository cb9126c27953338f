// Package sandboxtest is the conformance suite of sandbox.Driver. A driver
// package adds one short test:
//
//	func TestDriver(t *testing.T) {
//		sandboxtest.Run(t, func(t *testing.T, stateDir string) sandbox.Driver {
//			d, err := process.New(process.Options{StateDir: stateDir})
//			...
//			return d
//		})
//	}
//
// A driver is held to what its Capabilities claim: a case that needs a
// capability which the driver does not claim is skipped, by name, and those about
// sandbox.Restorer all at once. Every case gets a driver and a state directory of
// its own, and ends with a search of the host for what the driver left behind:
// processes, mounts, control groups, directories, zombies.
//
// What runs inside the sandboxes is package probe, built as a static
// executable for real drivers. A simulated driver registers probe.Run as the
// program at ProbePath of its task directory and runs the cases that are about
// the contract and not about the operating system.
package sandboxtest

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hearthd/hearth/sandbox"
)

// ProbeName is the file name of the probe in the directory Paths.Task.
const ProbeName = "probe"

// NewDriver makes the driver under test. It keeps its state below stateDir, an
// existing directory, and may be called twice for the same one when the first
// driver was closed or its process was killed. The suite closes the driver.
type NewDriver func(t *testing.T, stateDir string) sandbox.Driver

// Run runs the suite against a driver that runs executables.
func Run(t *testing.T, open NewDriver) {
	t.Helper()
	s := &suite{open: open, task: buildProbe(t)}
	s.run(t)
}

// RunSimulated runs the part of the suite that a driver without processes of
// the operating system can pass.
func RunSimulated(t *testing.T, open NewDriver) {
	t.Helper()
	s := &suite{open: open, task: t.TempDir(), simulated: true}
	s.run(t)
}

type suite struct {
	open      NewDriver
	task      string // host directory with the probe
	simulated bool
}

// testCase is one behaviour.
type testCase struct {
	name string
	run  func(b *bench)
	// real says that the case needs processes of the operating system.
	real bool
	// linux says that it needs Linux.
	linux bool
	// needs says whether a driver claims what the case checks. Nil: every
	// driver has to pass.
	needs func(sandbox.Capabilities) bool
}

func (s *suite) run(t *testing.T) {
	var cases []testCase
	cases = append(cases, startCases()...)
	cases = append(cases, endCases()...)
	cases = append(cases, killCases()...)
	cases = append(cases, freezeCases()...)
	cases = append(cases, insideCases()...)
	cases = append(cases, limitCases()...)
	cases = append(cases, isolationCases()...)
	cases = append(cases, crashCases()...)
	cases = append(cases, testCase{name: "Restore_Claimed_MeansRestorer", run: restorerClaimed})
	s.runCases(t, cases)
	t.Run("Restorer", s.runRestorer)
}

// runRestorer runs the part about an ability that few drivers have: where it is
// missing, one test is skipped instead of all.
func (s *suite) runRestorer(t *testing.T) {
	if b := s.bench(t, "Restorer"); !b.caps.Restore {
		t.Skipf("driver %s does not restore", b.driver.Name())
	}
	s.runCases(t, restoreCases())
}

func (s *suite) runCases(t *testing.T, cases []testCase) {
	t.Helper()
	for _, c := range cases {
		if c.real && s.simulated || c.linux && !isLinux {
			continue // does not apply, so there is nothing to report as skipped
		}
		t.Run(c.name, func(t *testing.T) {
			b := s.bench(t, c.name)
			if c.needs != nil && !c.needs(b.caps) {
				t.Skipf("driver %s does not claim this on this host", b.driver.Name())
			}
			c.run(b)
		})
	}
}

// buildProbe builds the probe into a directory that can be shown as a task.
func buildProbe(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-o", filepath.Join(dir, ProbeName),
		"github.com/hearthd/hearth/sandbox/sandboxtest/probe/cmd")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the probe: %v\n%s", err, out)
	}
	// Entries that cannot be executed, for the cases that try.
	for name, text := range map[string]string{
		"plain.txt": "not a program\n",
		"lost.sh":   "#!/no/such/interpreter\n",
	} {
		mode := os.FileMode(0o644)
		if filepath.Ext(name) == ".sh" {
			mode = 0o755
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// uniqueID returns a sandbox ID that occurs nowhere else on the host, so that
// whatever carries it is a trace of that sandbox.
func uniqueID() string {
	var b [8]byte
	rand.Read(b[:])
	return "st-" + hex.EncodeToString(b[:])
}
