//go:build linux

package namespace_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace"
)

func TestFunction_ForkBomb_IsBoundedAndEnds(t *testing.T) {
	d := newDriver(t)
	b := create(t, d, sandbox.Spec{ID: "bomb", MaxProcesses: 50})
	p := begin(t, b, nil, "bomb() { bomb | bomb & }; while :; do bomb; done")
	neighbour := create(t, d, sandbox.Spec{ID: "neighbour"})
	usable(t, neighbour)
	if err := b.KillAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := await(t, p); got.Signal != syscall.SIGKILL && got.Code == 0 {
		t.Errorf("got %+v", got)
	}
	usable(t, b)
}

func TestFunction_KillsAllItCan_SandboxStays(t *testing.T) {
	b := create(t, newDriver(t), sandbox.Spec{})
	begin(t, b, nil, "sleep 100")
	p := begin(t, b, nil, "trap '' TERM; kill -STOP 1; kill -KILL 1; kill -TERM -1; kill -KILL -1; kill -KILL $$")
	if got := await(t, p); got.Signal != syscall.SIGKILL {
		t.Errorf("got %+v, want SIGKILL", got)
	}
	usable(t, b)
}

func TestFunction_ExitStorm_IsReaped(t *testing.T) {
	// All of them at once, should the machine be too busy to reap some between.
	b := create(t, newDriver(t), sandbox.Spec{MaxProcesses: 5000})
	p := begin(t, b, nil, "sleep 100")
	// Orphans by the thousand: their parents end first.
	if got := run(t, b, "i=0; while [ $i -lt 1500 ]; do ( ( : ) & ) & i=$((i+1)); done; wait; echo done"); got != "done" {
		t.Fatalf("got %q", got)
	}
	usable(t, b)
	if got := run(t, b, "cat /proc/[0-9]*/stat | grep -c ') Z '"); got != "0" {
		t.Errorf("%s zombies", got)
	}
	select {
	case <-p.Done():
		t.Errorf("the other process ended with %+v", p.Exit())
	default:
	}
}

func TestFunction_StopsAndDetachesItself_DiesWithKillAll(t *testing.T) {
	b := create(t, newDriver(t), sandbox.Spec{})
	stopped := begin(t, b, nil, "setsid sleep 100 & kill -STOP $$")
	closed := begin(t, b, nil, "exec 0<&- 1>&- 2>&-; sleep 100 & sleep 100")
	if err := b.KillAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, stopped)
	await(t, closed)
	if got := run(t, b, "cat /proc/[0-9]*/comm"); strings.Contains(got, "sleep") {
		t.Errorf("processes: %q", got)
	}
}

func TestFunction_Descriptors_AreItsOwn(t *testing.T) {
	b := create(t, newDriver(t), sandbox.Spec{})
	// 3 is the directory that ls reads.
	if got := run(t, b, "exec ls /proc/self/fd | tr '\\n' ' '"); got != "0 1 2 3" {
		t.Errorf("a new process has descriptors %q", got)
	}
	if got := run(t, b, "ls -l /proc/1/fd /proc/1/root 2>&1; cat /proc/1/environ /proc/1/maps 2>&1 | head -c 200"); !strings.Contains(got, "Permission denied") || strings.Contains(got, "socket:") {
		t.Errorf("pid 1 shows %q", got)
	}
}

func TestFunction_DeepTree_IsRemoved(t *testing.T) {
	b := create(t, newDriver(t), sandbox.Spec{})
	// Far deeper than a path can be long.
	got := run(t, b, `cd /tmp; n=$(printf 'd%.0s' $(seq 60)); i=0
		while [ $i -lt 600 ]; do mkdir $n 2>/dev/null && cd -P $n 2>/dev/null || break; i=$((i+1)); done
		touch file; chmod 0 .; touch /tmp/.hearth-1; chmod 0 /tmp/d*; echo $i`)
	if n, _ := strconv.Atoi(got); n != 600 {
		t.Fatalf("made %q directories", got)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestFunction_Syscalls_AreDenied(t *testing.T) {
	python, err := exec.LookPath("/usr/bin/python3")
	if err != nil {
		t.Skip("no /usr/bin/python3 to make system calls with")
	}
	numbers := map[string][]int{ // unshare, mount, ptrace, bpf, keyctl; then clone3, io_uring_setup
		"amd64": {272, 165, 101, 321, 250, 435, 425},
		"arm64": {97, 40, 117, 280, 219, 435, 425},
	}[runtime.GOARCH]
	script := "import ctypes\nl=ctypes.CDLL(None, use_errno=True)\nfor n in " + strings.ReplaceAll(fmt.Sprint(numbers), " ", ",") +
		":\n l.syscall(n,0x10000000,0,0,0,0,0); print(ctypes.get_errno(), end=chr(32))\n"
	b := create(t, newDriver(t), sandbox.Spec{})
	if got := run(t, b, python+" -c '"+script+"'"); got != "1 1 1 1 1 38 38" {
		t.Errorf("errors are %q, want EPERM, and ENOSYS for the last two", got)
	}
}

// Two hundred sandboxes side by side, made, used and closed: nothing stays.
func TestDriver_ManyAtOnce_LeaveNothing(t *testing.T) {
	d, err := namespace.New(namespace.Options{StateDir: t.TempDir(), Spares: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	task := t.TempDir()
	one := func(id string) error {
		b, err := d.Create(t.Context(), sandbox.Spec{ID: id, Task: task})
		if err != nil {
			return err
		}
		if p, err := b.Start(t.Context(), sandbox.Command{Args: []string{"/bin/sleep", "100"}}); err != nil {
			t.Error(err)
		} else if err := p.Signal(0); err != nil {
			t.Error(err)
		}
		return b.Close()
	}
	if err := one("first"); err != nil { // what is made once is made now
		t.Fatal(err)
	}
	files, routines := openFiles(t), runtime.NumGoroutine()
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if err := one(strconv.Itoa(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	eventually(t, "as many goroutines as before", func() bool { return runtime.NumGoroutine() <= routines })
	eventually(t, "as many descriptors as before", func() bool { return openFiles(t) <= files })
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Errorf("still not so: %s", what)
			return
		}
	}
}

// crowdEnv is the state directory of a copy of the test that is to be killed.
const crowdEnv = "HEARTH_TEST_CROWD"

// A daemon with fifty sandboxes, some frozen, is killed with SIGKILL: its
// processes are gone without a successor, the rest with it.
func TestDriver_KilledWithManySandboxes_LeavesNothing(t *testing.T) {
	if dir := os.Getenv(crowdEnv); dir != "" {
		crowd(t, dir)
		return
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), crowdEnv+"="+dir, "TMPDIR="+t.TempDir()) // it is killed
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if killErr := cmd.Process.Kill(); killErr != nil {
		t.Error(killErr)
	}
	_ = cmd.Wait() // it was killed
	if err != nil || line != "crowded\n" {
		t.Fatalf("the daemon says %q: %v", line, err)
	}
	eventually(t, "no process of the daemon's sandboxes is left", func() bool { return len(withEnv(crowdEnv+"_IN="+dir)) == 0 })
	d := open(t, dir)
	left, err := filepath.Glob(filepath.Join(dir, "tmp", "*", "*"))
	images, _ := filepath.Glob(filepath.Join(dir, "disks", "*")) // the same pattern
	if left = append(left, images...); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
	usable(t, create(t, d, sandbox.Spec{ID: "box-0"})) // and closed before the driver
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if groups := groupsOf(dir); len(groups) > 0 {
		t.Errorf("control groups are left: %v", groups)
	}
}

// crowd fills a driver and waits to be killed.
func crowd(t *testing.T, dir string) {
	d := open(t, dir)
	wrote, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		b, err := d.Create(t.Context(), sandbox.Spec{ID: "box-" + strconv.Itoa(i), Task: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.Start(t.Context(), sandbox.Command{
			Args: []string{"/bin/sh", "-c", "trap '' TERM HUP; : > /tmp/mine; echo; sleep 1000 & setsid sleep 1000"}, Env: []string{crowdEnv + "_IN=" + dir},
			Stdout: w,
		})
		if err != nil {
			t.Fatal(err)
		}
		if i%5 == 0 {
			if err := b.(sandbox.Freezer).Freeze(); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The frozen ones may have been too slow.
	if _, err := io.ReadFull(wrote, make([]byte, 40)); err != nil {
		t.Fatal(err)
	}
	fmt.Println("crowded")
	<-t.Context().Done() // killed long before
}

// withEnv returns the processes of the host that have a variable.
func withEnv(entry string) []string {
	var found []string
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		if b, err := os.ReadFile(file); err == nil && bytes.Contains(b, []byte(entry)) {
			found = append(found, file)
		}
	}
	return found
}

// groupsOf returns the control groups that a state directory's driver recorded
// and that still exist.
func groupsOf(dir string) []string {
	b, err := os.ReadFile(filepath.Join(dir, "cgroups"))
	if err != nil {
		return nil // removed with the groups
	}
	var found []string
	for _, group := range strings.Fields(string(b)) {
		_ = filepath.WalkDir(group, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				found = append(found, path)
			}
			return nil
		})
	}
	return found
}

// Where the host's /proc is partly covered, as in containers, the kernel lets
// nobody mount another: sandboxes then have none, and never the host's.
func TestNew_ProcCovered_SaysSoAndShowsNone(t *testing.T) {
	const inside = "HEARTH_TEST_COVERED"
	if os.Getenv(inside) == "" {
		cmd := exec.Command("/bin/sh", "-c", "mount -t tmpfs none /proc/fs && exec \"$0\" -test.v -test.run='^"+t.Name()+"$'", os.Args[0])
		cmd.Env = append(os.Environ(), inside+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		if os.Getuid() != 0 || os.Getenv(rootlessEnv) != "" {
			t.Skip("only root can cover /proc")
		}
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Errorf("with a covered /proc: %v\n%s", err, out)
		}
		return
	}
	d := newDriver(t)
	if !slices.ContainsFunc(d.Capabilities().Missing, func(m sandbox.Missing) bool { return m.What == "/proc" }) {
		t.Errorf("nothing is said of /proc: %+v", d.Capabilities().Missing)
	}
	if got := run(t, create(t, d, sandbox.Spec{}), "ls /proc | wc -l"); got != "0" {
		t.Errorf("/proc has %s entries", got)
	}
}
