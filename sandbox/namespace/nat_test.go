//go:build linux

package namespace_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace"
	"github.com/hearthd/hearth/sandbox/sandboxtest"
)

// networkEnv tells the test binary what to be in a network namespace that plays
// a machine.
const (
	networkEnv  = "HEARTH_TEST_NETWORK"
	networkHost = "host" // run the tests
	networkPeer = "peer" // answer on port 80, until standard input ends
)

// bePeer is the machine outside.
func bePeer() {
	l, err := net.Listen("tcp4", "0.0.0.0:80")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go func() { // ends with the process
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
			fmt.Fprintln(conn, "hello", host)
			conn.Close()
		}
	}()
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// onOwnHost runs a test again in a network namespace that plays the host, and
// reports whether this is there: no test touches the network of this machine.
func onOwnHost(t *testing.T) bool {
	t.Helper()
	if os.Getenv(networkEnv) == networkHost {
		if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
			t.Fatalf("bring lo up: %v: %s", err, out)
		}
		// It begins as the machine's is, where another daemon may be running.
		if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("0"), 0); err != nil {
			t.Fatal(err)
		}
		return true
	}
	if os.Getuid() != 0 || os.Getenv(rootlessEnv) != "" {
		t.Skip("only root has a firewall")
	}
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), networkEnv+"="+networkHost)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("on a host of its own: %v\n%s", err, out)
	}
	return false
}

// outside makes a machine at 203.0.113.2, to which the host at 203.0.113.1 has
// a link.
func outside(t *testing.T) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{networkEnv + "=" + networkPeer}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the machine outside says %q: %v", line, err)
	}
	peer := fmt.Sprint(cmd.Process.Pid)
	for _, command := range []string{
		"ip link add out0 type veth peer name eth0 netns " + peer,
		"ip addr add 203.0.113.1/24 dev out0",
		"ip link set out0 up",
		"nsenter -t " + peer + " -n ip addr add 203.0.113.2/24 dev eth0",
		"nsenter -t " + peer + " -n ip link set eth0 up",
	} {
		words := strings.Fields(command)
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
	}
	eventually(t, "the link is up", func() bool {
		conn, err := net.Dial("tcp4", "203.0.113.2:80")
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

func openNAT(t *testing.T, dir string) sandbox.Driver {
	t.Helper()
	d, err := namespace.New(namespace.Options{StateDir: dir, HardCPU: true, NAT: true})
	if err != nil {
		t.Fatal(err)
	}
	if c := d.Capabilities(); !c.Outbound {
		t.Fatalf("no way out: %+v", c.Missing)
	}
	return d
}

// links returns the interfaces that gateways made.
func links(t *testing.T) []string {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, l := range all {
		if strings.HasPrefix(l.Name, "hth") {
			found = append(found, l.Name)
		}
	}
	return found
}

// request asks the machine outside, from a shell.
const request = "exec bash -c 'exec 3<>/dev/tcp/203.0.113.2/80 && cat <&3'"

func TestCreate_NAT_ReachesOutside(t *testing.T) {
	if !onOwnHost(t) {
		return
	}
	outside(t)
	dir := t.TempDir()
	d := openNAT(t, dir)
	defer d.Close()
	// More than there are spares.
	for i := range 6 {
		b := create(t, d, sandbox.Spec{ID: fmt.Sprint("box-", i), Network: sandbox.NetworkNAT})
		if got := run(t, b, request); got != "hello 203.0.113.1" {
			t.Errorf("the machine outside says %q", got)
		}
	}
	b := create(t, d, sandbox.Spec{ID: "none", Network: sandbox.NetworkNone})
	if got := run(t, b, request); strings.Contains(got, "hello") {
		t.Errorf("without a network, the machine outside says %q", got)
	}
	config, err := os.ReadFile(filepath.Join(dir, "resolv.conf"))
	if err != nil {
		t.Fatal(err)
	}
	b = create(t, d, sandbox.Spec{ID: "resolv", Network: sandbox.NetworkNAT})
	if got := run(t, b, "cat /etc/resolv.conf"); got != strings.TrimSpace(string(config)) {
		t.Errorf("resolv.conf says %q", got)
	}
}

func TestClose_NAT_LeavesNothing(t *testing.T) {
	if !onOwnHost(t) {
		return
	}
	outside(t)
	d := openNAT(t, t.TempDir())
	before := len(links(t))
	b, err := d.Create(t.Context(), sandbox.Spec{ID: "box", Task: t.TempDir(), Network: sandbox.NetworkNAT})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "there is a spare again", func() bool { return len(links(t)) == before+1 })
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if got := len(links(t)); got != before {
		t.Errorf("%d links, were %d", got, before)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if left := links(t); len(left) > 0 {
		t.Errorf("links are left: %v", left)
	}
	if on, err := os.ReadFile("/proc/sys/net/ipv4/ip_forward"); err != nil || string(on) != "0\n" {
		t.Errorf("ip_forward is %q, %v", on, err)
	}
}

// The whole suite, with spares that have a way out.
func TestDriver_NAT_PassesTheSuite(t *testing.T) {
	if !onOwnHost(t) {
		return
	}
	sandboxtest.Run(t, openNAT)
}

func TestCreate_NATNotAskedFor_IsNone(t *testing.T) {
	d := newDriver(t)
	if d.Capabilities().Outbound {
		t.Error("claims a way out")
	}
	b := create(t, d, sandbox.Spec{Network: sandbox.NetworkNAT})
	if got := run(t, b, "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ' | grep -v -e ^lo$ -e tunl0 -e sit0 -e ifb"); strings.Contains(got, "eth0") {
		t.Errorf("it has %s", got)
	}
}

func TestNew_NATWithoutPrivilege_SaysSo(t *testing.T) {
	if os.Getenv(rootlessEnv) == "" {
		if os.Getuid() != 0 {
			t.Skip("only root can become another user")
		}
		if out, err := rootless(t, "^"+t.Name()+"$"); err != nil || !strings.Contains(out, "--- PASS: "+t.Name()) {
			t.Errorf("as an ordinary user: %v\n%s", err, out)
		}
		return
	}
	d, err := namespace.New(namespace.Options{StateDir: t.TempDir(), NAT: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	c := d.Capabilities()
	if c.Outbound || !slices.ContainsFunc(c.Missing, func(m sandbox.Missing) bool { return strings.HasPrefix(m.What, "outbound network") }) {
		t.Errorf("claims %v, misses %+v", c.Outbound, c.Missing)
	}
	usable(t, create(t, d, sandbox.Spec{Network: sandbox.NetworkNAT}))
}
