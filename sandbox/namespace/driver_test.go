//go:build linux

package namespace_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace"
)

// patience bounds every wait for something that takes milliseconds.
const patience = 30 * time.Second

func newDriver(t testing.TB) sandbox.Driver {
	t.Helper()
	d, err := namespace.New(namespace.Options{StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func create(t testing.TB, d sandbox.Driver, spec sandbox.Spec) sandbox.Sandbox {
	t.Helper()
	if spec.ID == "" {
		spec.ID = "test"
	}
	if spec.Task == "" {
		spec.Task = t.TempDir()
	}
	b, err := d.Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// begin starts a shell command, whose output goes to out.
func begin(t testing.TB, b sandbox.Sandbox, out *os.File, script string) sandbox.Process {
	t.Helper()
	p, err := b.Start(t.Context(), sandbox.Command{
		Args: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/bin:/usr/bin"}, Stdout: out, Stderr: out,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// run runs a shell command to its end and returns what it wrote.
func run(t testing.TB, b sandbox.Sandbox, script string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := begin(t, b, w, script)
	w.Close()
	var out bytes.Buffer
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(&out, r); err != nil {
		t.Fatal(err)
	}
	await(t, p)
	return strings.TrimSpace(out.String())
}

func await(t testing.TB, p sandbox.Process) sandbox.Exit {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(patience):
		t.Fatal("the process has not ended")
	}
	return p.Exit()
}

// usable checks that a sandbox runs commands.
func usable(t testing.TB, b sandbox.Sandbox) {
	t.Helper()
	if got := run(t, b, "echo works"); got != "works" {
		t.Errorf("the sandbox says %q", got)
	}
}

func TestNew_StateDirInUse_IsRefused(t *testing.T) {
	dir := t.TempDir()
	d, err := namespace.New(namespace.Options{StateDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if second, err := namespace.New(namespace.Options{StateDir: dir}); err == nil {
		second.Close()
		t.Fatal("two drivers share a state directory")
	}
	// The second must not have taken the first one's sandboxes with it.
	usable(t, create(t, d, sandbox.Spec{}))
}

func TestCreate_BadSpec_IsRefused(t *testing.T) {
	d := newDriver(t)
	task := t.TempDir()
	private := t.TempDir()
	if err := os.Chmod(private, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, spec := range map[string]sandbox.Spec{
		"no ID":               {Task: task},
		"ID with a slash":     {ID: "../x", Task: task},
		"missing task":        {ID: "a", Task: filepath.Join(task, "none")},
		"private task":        {ID: "a", Task: private},
		"no task":             {ID: "a"},
		"unknown network":     {ID: "a", Task: task, Network: "tun"},
		"relative mount":      {ID: "a", Task: task, Mounts: []sandbox.Mount{{Source: task, Target: "x"}}},
		"mount above":         {ID: "a", Task: task, Mounts: []sandbox.Mount{{Source: task, Target: "/x/../.."}}},
		"mount in host's":     {ID: "a", Task: task, Mounts: []sandbox.Mount{{Source: task, Target: "/usr/none-such"}}},
		"missing mount":       {ID: "a", Task: task, Mounts: []sandbox.Mount{{Source: task + "/none", Target: "/x"}}},
		"file over directory": {ID: "a", Task: task, Mounts: []sandbox.Mount{{Source: "/etc/passwd", Target: "/opt"}}},
	} {
		if b, err := d.Create(t.Context(), spec); err == nil {
			b.Close()
			t.Errorf("%s: a sandbox was created", name)
		}
	}
	usable(t, create(t, d, sandbox.Spec{ID: "a"}))
}

func TestCreate_SameID_IsRefusedWhileOpen(t *testing.T) {
	d := newDriver(t)
	b := create(t, d, sandbox.Spec{ID: "a"})
	if second, err := d.Create(t.Context(), sandbox.Spec{ID: "a", Task: t.TempDir()}); err == nil {
		second.Close()
		t.Error("two sandboxes have one ID")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	usable(t, create(t, d, sandbox.Spec{ID: "a"}))
}

func TestCreate_Mounts_AreShownReadOnly(t *testing.T) {
	d := newDriver(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("content"), 0o666); err != nil {
		t.Fatal(err)
	}
	b := create(t, d, sandbox.Spec{Mounts: []sandbox.Mount{
		{Source: dir, Target: "/far/from/anything"}, {Source: filepath.Join(dir, "f"), Target: "/etc/one/file"},
	}})
	if got := run(t, b, "cat /far/from/anything/f /etc/one/file"); got != "contentcontent" {
		t.Errorf("the mounts show %q", got)
	}
	if got := run(t, b, "echo x > /far/from/anything/f; echo x > /etc/one/file; touch /far/new"); strings.Count(got, "Read-only file system") != 3 {
		t.Errorf("writing says %q", got)
	}
}

// Bootstraps of custom runtimes begin with /bin/sh and use bash's options.
func TestStart_Shell_IsBash(t *testing.T) {
	if _, err := os.Stat("/bin/bash"); err != nil {
		t.Skip("no bash on this host")
	}
	b := create(t, newDriver(t), sandbox.Spec{})
	if got := run(t, b, "set -euo pipefail; echo ${BASH_VERSION:+bash}"); got != "bash" {
		t.Errorf("/bin/sh says %q", got)
	}
}

// Virtual environments and checkouts live in such places.
func TestCreate_MountsInTmpAndOpt_AreShown(t *testing.T) {
	d := newDriver(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("content"), 0o666); err != nil {
		t.Fatal(err)
	}
	b := create(t, d, sandbox.Spec{Mounts: []sandbox.Mount{
		{Source: dir, Target: "/tmp/a/b"}, {Source: filepath.Join(dir, "f"), Target: "/tmp/file"}, {Source: dir, Target: "/opt/venv"},
	}})
	if got := run(t, b, "cat /tmp/a/b/f /tmp/file /opt/venv/f"); got != "contentcontentcontent" {
		t.Errorf("the mounts show %q", got)
	}
	if got := run(t, b, "echo x > /tmp/a/b/f; echo own > /tmp/own && cat /tmp/own"); !strings.HasSuffix(got, "own") || !strings.Contains(got, "Read-only file system") {
		t.Errorf("writing says %q", got)
	}
}

func TestCreate_CodeOfRoot_IsRoots(t *testing.T) {
	if os.Getenv(rootlessEnv) != "" {
		t.Skip("nothing is root's in a user namespace")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	b := create(t, newDriver(t), sandbox.Spec{Task: dir})
	if got := run(t, b, "stat -c '%U %G %a' /var/task /var/task/f /tmp | tr '\n' ,"); got != "root root 755,root root 644,root root 1777," {
		t.Errorf("got %s", got)
	}
}

func TestCreate_Tmp_HasTheSizeOfLambdas(t *testing.T) {
	d := newDriver(t)
	if !d.Capabilities().TmpQuota {
		t.Skip("no disks on this host")
	}
	for id, c := range map[string]struct{ size, want int64 }{
		"default": {0, 538_333_184}, "same": {512 << 20, 538_333_184}, "more": {1 << 30, 1<<30 + 1_462_272},
	} {
		b := create(t, d, sandbox.Spec{ID: id, TmpBytes: c.size})
		if got := run(t, b, "stat -f -c '%a %S' /tmp"); got != fmt.Sprint(c.want/4096, " 4096") {
			t.Errorf("%s: free blocks, and their size: %s, want %d", id, got, c.want/4096)
		}
	}
}

func TestCreate_MemoryLimit_IsTheMemoryThatProgramsSee(t *testing.T) {
	d := newDriver(t)
	for _, mb := range []int64{128, 1024} {
		b := create(t, d, sandbox.Spec{ID: fmt.Sprint(mb), MemoryBytes: mb << 20})
		want := fmt.Sprintf("MemTotal:       %8d kB", mb<<10)
		if got := run(t, b, "head -1 /proc/meminfo"); got != want {
			t.Errorf("with %d MB: %q, want %q", mb, got, want)
		}
	}
}

func TestCreate_System_HasAName(t *testing.T) {
	want, err := os.ReadFile("/etc/os-release")
	if err != nil {
		t.Skip("the host has none: ", err)
	}
	b := create(t, newDriver(t), sandbox.Spec{})
	if got := run(t, b, "cat /etc/os-release"); got != strings.TrimSpace(string(want)) {
		t.Errorf("got %q, want the host's", got)
	}
}

func TestStart_SignalsThatTheDaemonIgnores_AreNotIgnored(t *testing.T) {
	b := create(t, newDriver(t), sandbox.Spec{})
	// A shell cannot take back what was ignored when it was started; its children inherit it.
	const script = `trap "" HUP; exec sh -c 'grep SigIgn /proc/self/status | cut -f 2'`
	if got := run(t, b, script); got != "0000000000000001" {
		t.Fatalf("the probe says %q", got)
	}
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT)
	t.Cleanup(func() { signal.Reset(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT) })
	b = create(t, newDriver(t), sandbox.Spec{ID: "ignorant"})
	if got := run(t, b, "grep SigIgn /proc/self/status | cut -f 2"); got != "0000000000000000" {
		t.Errorf("ignored are %s", got)
	}
}

func TestCreate_SpawnerKilled_StartsAnother(t *testing.T) {
	d, err := namespace.New(namespace.Options{StateDir: t.TempDir(), Spares: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	first := create(t, d, sandbox.Spec{ID: "first"})
	if err := namespace.SpawnerOf(d).Kill(); err != nil {
		t.Fatal(err)
	}
	// The first attempt may still meet the dying one.
	deadline := time.Now().Add(patience)
	for {
		b, err := d.Create(t.Context(), sandbox.Spec{ID: "second", Task: t.TempDir()})
		if err == nil {
			defer b.Close()
			usable(t, b)
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	usable(t, first) // sandboxes do not depend on it
}

func TestCreate_HostNetwork_ReachesTheHost(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	d := newDriver(t)
	// Listening ports by number in hexadecimal, in the namespace of the reader.
	script := "printf '%04X' " + port + " | xargs -I{} grep -c ':{} ' /proc/net/tcp"
	if got := run(t, create(t, d, sandbox.Spec{ID: "host", Network: sandbox.NetworkHost}), script); got != "1" {
		t.Errorf("with the host's network: found %q", got)
	}
	if got := run(t, create(t, d, sandbox.Spec{ID: "none", Network: sandbox.NetworkNone}), script); got != "0" {
		t.Errorf("without: found %q", got)
	}
}

func TestStart_HostNetwork_APIAnswersOnItsPort(t *testing.T) {
	b := create(t, newDriver(t), sandbox.Spec{Network: sandbox.NetworkHost})
	conn, err := net.Dial("tcp", b.RuntimeAPI())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestStart_CancelledWhileFrozen_LeavesNoProcess(t *testing.T) {
	b := create(t, newDriver(t), sandbox.Spec{})
	f := b.(sandbox.Freezer)
	if err := f.Freeze(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := b.Start(ctx, sandbox.Command{Args: []string{"/bin/sleep", "100"}}); err == nil {
		t.Skip("without a control group a new process is not frozen")
	} else if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if err := f.Thaw(); err != nil {
		t.Fatal(err)
	}
	if got := run(t, b, "cat /proc/[0-9]*/comm"); strings.Contains(got, "sleep") {
		t.Errorf("processes: %q", got)
	}
}

func TestStart_LargeOutput_Arrives(t *testing.T) {
	b := create(t, newDriver(t), sandbox.Spec{})
	if got := run(t, b, "head -c 3000000 /dev/zero | tr '\\0' x"); len(got) != 3_000_000 {
		t.Errorf("got %d bytes", len(got))
	}
}

func TestNames_OfTheSandbox_ResolveToAListener(t *testing.T) {
	d := newDriver(t)
	for network, want := range map[sandbox.Network]string{
		sandbox.NetworkNone: "169.254.100.1", sandbox.NetworkHost: "127.0.0.1",
	} {
		b := create(t, d, sandbox.Spec{ID: "names-" + string(network), Network: network})
		got := run(t, b, "for name in sandbox.localdomain sandbox localhost; do getent ahostsv4 $name | head -n1 | cut -d' ' -f1; done; hostname")
		if want += "\n" + want + "\n127.0.0.1\nsandbox.localdomain"; got != want {
			t.Errorf("network %s: got %q, want %q", network, got, want)
		}
	}
}
