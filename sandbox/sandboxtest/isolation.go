package sandboxtest

import (
	"net"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/sandboxtest/probe"
)

// Identity of function code: AWS's sbx_user1051.
const (
	functionUID = 993
	functionGID = 990
)

// isolationCases try to get out of a sandbox.
func isolationCases() []testCase {
	files := func(c sandbox.Capabilities) bool { return c.Files }
	processes := func(c sandbox.Capabilities) bool { return c.Processes }
	network := func(c sandbox.Capabilities) bool { return c.Network }
	user := func(c sandbox.Capabilities) bool { return c.User }
	return []testCase{
		{name: "Files_OfHost_CannotBeRead", real: true, needs: files, run: hostFiles},
		{name: "Files_OfOtherSandbox_CannotBeRead", real: true, needs: files, run: otherFiles},
		{name: "Files_OutsideTmp_CannotBeWritten", real: true, needs: files, run: readOnlyRoot},
		{name: "Files_OfSpec_AreWhereLambdaHasThem", real: true, needs: files, run: lambdaPaths},
		{name: "Processes_OfHost_AreInvisible", real: true, linux: true, needs: processes, run: hostProcesses},
		{name: "Processes_OfHost_CannotBeSignalled", real: true, linux: true, needs: processes, run: signalHost},
		{name: "Network_HostLoopback_IsUnreachable", real: true, needs: network, run: hostLoopback},
		{name: "Network_RuntimeAPI_IsItsOwn", real: true, needs: network, run: ownRuntimeAPI},
		{name: "User_Function_HasNoPrivileges", real: true, linux: true, needs: user, run: noPrivileges},
	}
}

// secretFile makes a file that function code must not read.
func (b *bench) secretFile(dir string) string {
	b.Helper()
	f, err := os.CreateTemp(dir, ".hearth-sandboxtest-*")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.Remove(f.Name()) })
	if _, err := f.WriteString("secret"); err != nil {
		b.Error(err)
	}
	if err := f.Chmod(0o644); err != nil {
		b.Error(err)
	}
	if err := f.Close(); err != nil {
		b.Error(err)
	}
	return f.Name()
}

func hostFiles(b *bench) {
	x := b.box(b.spec())
	home, err := os.UserHomeDir()
	if err != nil {
		b.Fatal(err)
	}
	cwd, err := os.Getwd()
	if err != nil {
		b.Fatal(err)
	}
	targets := []string{
		b.secretFile(home), b.secretFile(b.stateDir), b.secretFile(os.TempDir()),
		home, b.stateDir, cwd, "/root", "/home", "/etc/shadow",
	}
	for _, target := range targets { // the ways around through /proc
		targets = append(targets, "/proc/1/root"+target, "/proc/self/root/../.."+target)
	}
	if open := x.output(append([]string{"readable"}, targets...)...); len(open) > 0 {
		b.Errorf("readable in the sandbox: %q", open)
	}
}

func otherFiles(b *bench) {
	x, other := b.box(b.spec()), b.box(b.spec())
	file := path.Join(other.Paths().Tmp, "secret-of-"+other.ID())
	other.output("write", file, "secret")
	if open := x.output("readable", file, x.Paths().Tmp); len(open) > 0 {
		b.Errorf("readable in the sandbox: %q", open)
	}
}

func readOnlyRoot(b *bench) {
	x := b.box(b.spec())
	var outside []string
	inside := false
	for _, dir := range x.output("writable") {
		if dir == "/tmp" || strings.HasPrefix(dir, "/tmp/") {
			inside = true
		} else {
			outside = append(outside, dir)
		}
	}
	if len(outside) > 0 {
		b.Errorf("writable outside /tmp: %q", outside)
	}
	if !inside {
		b.Error("/tmp is not writable")
	}
}

// lambdaPaths checks that the directories of a Spec are at the places that
// functions on AWS have written into their code.
func lambdaPaths(b *bench) {
	spec := b.spec()
	want := make(map[string]string)
	for name, field := range map[string]*string{
		"/opt": &spec.Opt, "/var/runtime": &spec.Runtime, "/var/lang": &spec.Lang,
	} {
		*field = b.TempDir()
		if err := os.WriteFile(filepath.Join(*field, "name"), []byte(name), 0o644); err != nil {
			b.Fatal(err)
		}
		want[name] = name
	}
	mount := b.TempDir()
	if err := os.WriteFile(filepath.Join(mount, "name"), []byte("/mnt/more"), 0o644); err != nil {
		b.Fatal(err)
	}
	spec.Mounts = []sandbox.Mount{{Source: mount, Target: "/mnt/more"}}
	want["/mnt/more"] = "/mnt/more"

	x := b.box(spec)
	got := make(map[string]string)
	for dir := range want {
		got[dir] = strings.Join(x.output("cat", dir+"/name"), "\n")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("directories (-want +got):\n%s", diff)
	}
	paths := sandbox.Paths{Task: "/var/task", Runtime: "/var/runtime", Opt: "/opt", Lang: "/var/lang", Tmp: "/tmp"}
	if diff := cmp.Diff(paths, x.Paths()); diff != "" {
		b.Errorf("Paths (-want +got):\n%s", diff)
	}
}

func hostProcesses(b *bench) {
	b.Setenv("SANDBOXTEST_SECRET", "of-the-daemon-"+uniqueID())
	secret := os.Getenv("SANDBOXTEST_SECRET")
	x, other := b.box(b.spec()), b.box(b.spec())
	other.start("hold").ready(1)
	if own := x.output("tokens", x.ID()); len(own) != 1 {
		b.Fatalf("the sandbox sees %d processes of its own, want 1", len(own))
	}
	// The daemon's environment holds credentials; whatever of it is in the
	// sandbox is readable there.
	for _, token := range []string{other.ID(), secret} {
		if seen := x.output("tokens", token); len(seen) > 0 {
			b.Errorf("%s is visible in the sandbox: %q", token, seen)
		}
	}
}

func signalHost(b *bench) {
	x := b.box(b.spec())
	p := x.start("signal", strconv.Itoa(os.Getpid()))
	if exit := p.exit(); exit != (sandbox.Exit{Code: probe.CodeFailed}) {
		b.Errorf("signalling the daemon ended with %+v", exit)
	}
}

func hostLoopback(b *bench) {
	l, err := net.Listen("tcp", ":0") // on every address of the host
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	x := b.box(b.spec())
	if got := x.output("dial", x.RuntimeAPI()); len(got) != 1 {
		b.Fatal("the sandbox does not reach its own Runtime API")
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	targets := []string{"127.0.0.1:" + port, "[::1]:" + port}
	if addrs, err := net.InterfaceAddrs(); err == nil {
		for _, addr := range addrs {
			if ip, _, err := net.ParseCIDR(addr.String()); err == nil && ip.To4() != nil {
				targets = append(targets, net.JoinHostPort(ip.String(), port))
			}
		}
	}
	if got := x.output(append([]string{"dial"}, targets...)...); len(got) > 0 {
		b.Errorf("reachable from the sandbox: %q", got)
	}
}

// ownRuntimeAPI has two sandboxes connect at once: each is heard by its own
// listener, although the address may be the same.
func ownRuntimeAPI(b *bench) {
	x, y := b.box(b.spec()), b.box(b.spec())
	x.echo()
	y.echo()
	targets := []string{"127.0.0.1:9001", "169.254.100.1:9001", y.RuntimeAPI()}
	x.output(append([]string{"dial"}, targets...)...)
	heard := make(chan struct{})
	y.readers.Go(func() { // ends with the listener
		if _, err := y.Listener().Accept(); err == nil {
			close(heard)
		}
	})
	select {
	case <-heard:
		b.Error("one sandbox reached the other's Runtime API")
	case <-time.After(restraint):
	}
}

func noPrivileges(b *bench) {
	x := b.box(b.spec())
	var got probe.Status
	x.decode(&got, "status")
	want := probe.Status{UID: functionUID, GID: functionGID, CapEff: "0000000000000000", NoNewPrivs: "1", Seccomp: "2"}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("status (-want +got):\n%s", diff)
	}
}
