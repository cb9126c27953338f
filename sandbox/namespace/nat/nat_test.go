//go:build linux

package nat_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox/namespace/nat"
)

// What a copy of the test binary is to do.
const (
	roleEnv  = "HEARTH_TEST_NAT"
	roleHost = "host" // run the tests: in a network namespace that plays the host
	rolePeer = "peer" // be a machine or a sandbox in a network namespace of its own
	roleDie  = "die"  // open a gateway with the given record, and wait to be killed
)

// The addresses of the test's host and of a machine outside of it.
var (
	hostAddr    = netip.MustParseAddr("203.0.113.1")
	outsideAddr = netip.MustParseAddr("203.0.113.2")
	metadata    = netip.MustParseAddr("169.254.169.254")
)

// TestMain moves the tests into a network namespace of their own: they touch
// nothing of this machine.
func TestMain(m *testing.M) {
	switch role, arg, _ := strings.Cut(os.Getenv(roleEnv), ":"); {
	case role == rolePeer:
		bePeer()
	case role == roleDie:
		open := options(arg)
		if _, err := nat.Open(open); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("open")
		_, _ = io.Copy(io.Discard, os.Stdin)
	case os.Getuid() != 0:
		os.Exit(m.Run())
	case role == roleHost:
		if err := nat.BringLoopbackUp(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	default:
		cmd := exec.Command(os.Args[0], os.Args[1:]...)
		cmd.Env = append(os.Environ(), roleEnv+"="+roleHost)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
		if err := cmd.Run(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func options(dir string) nat.Options {
	return nat.Options{Name: "0a1b2c", Record: filepath.Join(dir, "nat"), Resolvers: []netip.Addr{metadata}}
}

// bePeer answers on some ports with the address that a client comes from, and
// connects to what it reads from its standard input, one address a line.
func bePeer() {
	if err := nat.BringLoopbackUp(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for _, port := range []string{"53", "80"} {
		l, err := net.Listen("tcp4", "0.0.0.0:"+port)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		go answer(l) // ends with the process
	}
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Println(dial(in.Text()))
	}
}

// answer tells every client its address.
func answer(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
		fmt.Fprint(conn, host)
		conn.Close()
	}
}

// patience is for what is dropped without an answer. What is let through takes
// microseconds.
const patience = time.Second

// dial returns what a server answered, or "no".
func dial(address string) string {
	conn, err := net.DialTimeout("tcp4", address, patience)
	if err != nil {
		return "no"
	}
	defer conn.Close()
	b, err := io.ReadAll(conn)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// peer is a process in a network namespace of its own.
type peer struct {
	t     *testing.T
	netns *os.File
	in    io.Writer
	out   *bufio.Scanner
	end   func() // may be called twice
}

func startPeer(t *testing.T) *peer {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root has a firewall")
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{roleEnv + "=" + rolePeer}
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
	netns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, netns: netns, in: in, out: bufio.NewScanner(out)}
	p.end = sync.OnceFunc(func() {
		in.Close()
		netns.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(p.end)
	if !p.out.Scan() || p.out.Text() != "ready" {
		t.Fatalf("the peer says %q", p.out.Text())
	}
	return p
}

// dial has the peer connect to an address.
func (p *peer) dial(to netip.Addr, port uint16) string {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.in, netip.AddrPortFrom(to, port)); err != nil {
		p.t.Fatal(err)
	}
	if !p.out.Scan() {
		p.t.Fatal("the peer is gone")
	}
	return p.out.Text()
}

// outside makes a machine that the host has a link to.
func outside(t *testing.T) *peer {
	t.Helper()
	p := startPeer(t)
	networks := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.PrefixFrom(metadata, 32)}
	if err := nat.Wire("out0", p.netns, hostAddr, outsideAddr, networks...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := nat.Unwire("out0"); err != nil {
			t.Error(err)
		}
	})
	if err := nat.AddAddress(p.netns, metadata); err != nil {
		t.Fatal(err)
	}
	return p
}

func open(t *testing.T, o nat.Options) *nat.Gateway {
	t.Helper()
	g, err := nat.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// sandbox is a peer with a way out.
func sandbox(t *testing.T, g *nat.Gateway) (*peer, netip.Addr) {
	t.Helper()
	p := startPeer(t)
	a, err := g.Attach(p.netns)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Remove(); err != nil {
			t.Error(err)
		}
	})
	return p, a.Address()
}

// forwarding reads or sets net.ipv4.ip_forward.
func forwarding(t *testing.T, set string) string {
	t.Helper()
	const file = "/proc/sys/net/ipv4/ip_forward"
	if set != "" {
		if err := os.WriteFile(file, []byte(set), 0); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

func TestAttach_Outside_IsReachedMasqueraded(t *testing.T) {
	outside(t)
	p, _ := sandbox(t, open(t, options(t.TempDir())))
	if got := p.dial(outsideAddr, 80); got != hostAddr.String() {
		t.Errorf("the machine outside sees a client at %s", got)
	}
}

func TestAttach_Host_IsNotReached(t *testing.T) {
	outside(t)
	l, err := net.Listen("tcp4", "0.0.0.0:80")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go answer(l) // ends with the listener
	if got := dial(hostAddr.String() + ":80"); got == "no" {
		t.Fatal("the host does not reach itself")
	}
	p, address := sandbox(t, open(t, options(t.TempDir())))
	gateway := address.Prev() // the first sandbox has the second address
	for _, to := range []netip.Addr{hostAddr, gateway} {
		if got := p.dial(to, 80); got != "no" {
			t.Errorf("%v answers %s", to, got)
		}
	}
}

func TestAttach_OtherSandboxes_AreNotReached(t *testing.T) {
	outside(t)
	g := open(t, options(t.TempDir()))
	other := options(t.TempDir())
	other.Name = "ffffff"
	foreign := open(t, other)
	p, own := sandbox(t, g)
	if got := p.dial(own, 80); got == "no" {
		t.Fatal("a sandbox does not reach itself")
	}
	_, sibling := sandbox(t, g)
	q, stranger := sandbox(t, foreign)
	for _, to := range []netip.Addr{sibling, stranger} {
		if got := p.dial(to, 80); got != "no" {
			t.Errorf("%v answers %s", to, got)
		}
	}
	for _, s := range []*peer{p, q} {
		if got := s.dial(outsideAddr, 80); got == "no" {
			t.Error("a gateway among two leads nowhere")
		}
	}
}

func TestAttach_Metadata_OnlyNamesAreAnswered(t *testing.T) {
	outside(t)
	if got := dial(metadata.String() + ":80"); got == "no" {
		t.Fatal("the host does not reach it")
	}
	p, _ := sandbox(t, open(t, options(t.TempDir())))
	if got := p.dial(metadata, 80); got != "no" {
		t.Errorf("answers %s", got)
	}
	if got := p.dial(metadata, 53); got == "no" {
		t.Error("as a name server it is not reached")
	}
}

func TestAttach_Outside_DoesNotReachIn(t *testing.T) {
	machine := outside(t)
	_, address := sandbox(t, open(t, options(t.TempDir())))
	if got := machine.dial(address, 80); got != "no" {
		t.Errorf("the sandbox answers %s", got)
	}
}

func TestOpen_HostDidNotForward_ForwardsForSandboxesOnly(t *testing.T) {
	before := forwarding(t, "")
	defer forwarding(t, before)
	forwarding(t, "0")
	a := outside(t)
	b := startPeer(t)
	second := netip.MustParseAddr("198.51.100.2")
	if err := nat.Wire("out1", b.netns, second.Prev(), second, netip.PrefixFrom(second, 32)); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := nat.Unwire("out1"); err != nil {
			t.Error(err)
		}
	}()
	forwarding(t, "1")
	if got := a.dial(second, 80); got == "no" {
		t.Fatal("a host that forwards does not")
	}
	forwarding(t, "0")
	p, _ := sandbox(t, open(t, options(t.TempDir())))
	if got := p.dial(second, 80); got == "no" {
		t.Error("not for sandboxes")
	}
	if got := a.dial(second, 80); got != "no" {
		t.Error("for others, too")
	}
}

func TestClose_Host_IsPutBack(t *testing.T) {
	before := forwarding(t, "")
	defer forwarding(t, before)
	outside(t)
	for _, forwards := range []string{"0", "1"} {
		forwarding(t, forwards)
		was := state(t)
		dir := t.TempDir()
		g, err := nat.Open(options(dir))
		if err != nil {
			t.Fatal(err)
		}
		a, err := g.Attach(startPeer(t).netns)
		if err != nil {
			t.Fatal(err)
		}
		if got := forwarding(t, ""); got != "1" {
			t.Errorf("ip_forward is %s", got)
		}
		if err := errors.Join(a.Remove(), g.Close()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(was, state(t)); diff != "" {
			t.Errorf("the host has changed:\n%s", diff)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("files are left: %v, %v", left, err)
		}
	}
}

func TestClose_Gateways_LastSwitchesForwardingOff(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root has a firewall")
	}
	before := forwarding(t, "")
	defer forwarding(t, before)
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		forwarding(t, "0")
		was := state(t)
		var gateways []*nat.Gateway
		for _, name := range []string{"aaaaaa", "bbbbbb"} {
			o := options(t.TempDir())
			o.Name = name
			g, err := nat.Open(o)
			if err != nil {
				t.Fatal(err)
			}
			gateways = append(gateways, g)
		}
		for i, n := range order {
			if got := forwarding(t, ""); got != "1" {
				t.Errorf("ip_forward is %s with %d gateways", got, 2-i)
			}
			if err := gateways[n].Close(); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(was, state(t)); diff != "" {
			t.Errorf("the host has changed:\n%s", diff)
		}
	}
}

// state is what a gateway changes.
func state(t *testing.T) []string {
	t.Helper()
	all := []string{"forwarding " + forwarding(t, "")}
	links, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		all = append(all, "link "+l.Name)
	}
	routes, err := nat.Routes()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range routes {
		all = append(all, "route "+r.String())
	}
	gateways, guarded, err := nat.Tables()
	if err != nil {
		t.Fatal(err)
	}
	return append(all, fmt.Sprint("tables ", gateways, guarded))
}

func TestOpen_PredecessorKilled_PutsBackWhatItLeft(t *testing.T) {
	before := forwarding(t, "")
	defer forwarding(t, before)
	forwarding(t, "0")
	was := state(t)
	dir := t.TempDir()
	kill(t, dir)
	if forwarding(t, "") != "1" {
		t.Error("the predecessor did not need to be put back")
	}
	g, err := nat.Open(options(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(was, state(t)); diff != "" {
		t.Errorf("the host has changed:\n%s", diff)
	}
}

func TestSweep_PredecessorKilled_PutsBackWhatItLeft(t *testing.T) {
	before := forwarding(t, "")
	defer forwarding(t, before)
	forwarding(t, "0")
	was := state(t)
	dir := t.TempDir()
	kill(t, dir)
	o := options(dir)
	for range 2 { // the second finds nothing
		if err := nat.Sweep(o.Name, o.Record); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(was, state(t)); diff != "" {
		t.Errorf("the host has changed:\n%s", diff)
	}
}

// kill opens a gateway in another process and kills that.
func kill(t *testing.T, dir string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root has a firewall")
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{roleEnv + "=" + roleDie + ":" + dir}
	in, err := cmd.StdinPipe() // held open
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err := errors.Join(err, cmd.Process.Kill()); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // it was killed
	if line != "open\n" {
		t.Fatalf("the gateway says %q", line)
	}
}

func TestOpen_RangeInUse_IsRefused(t *testing.T) {
	outside(t)
	o := options(t.TempDir())
	o.Range = netip.MustParsePrefix("203.0.0.0/16")
	was := state(t)
	if g, err := nat.Open(o); err == nil {
		g.Close()
		t.Fatal("a range that the host has a route into was taken")
	}
	if diff := cmp.Diff(was, state(t)); diff != "" {
		t.Errorf("the host has changed:\n%s", diff)
	}
}

func TestClose_NamespaceEnded_LinkIsGone(t *testing.T) {
	g := open(t, options(t.TempDir()))
	was := state(t)
	p := startPeer(t)
	a, err := g.Attach(p.netns)
	if err != nil {
		t.Fatal(err)
	}
	p.end()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(was, state(t)); diff != "" {
		t.Errorf("the host has changed:\n%s", diff)
	}
}

func TestAttach_RangeFull_IsRefused(t *testing.T) {
	o := options(t.TempDir())
	o.Range = netip.MustParsePrefix("10.77.0.0/30") // one address is left
	p := startPeer(t)
	g := open(t, o)
	a, err := g.Attach(p.netns)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := g.Attach(startPeer(t).netns); err == nil {
		t.Errorf("two have %v and %v", a.Address(), b.Address())
	}
	if err := a.Remove(); err != nil {
		t.Fatal(err)
	}
	if a, err = g.Attach(startPeer(t).netns); err != nil {
		t.Fatal(err)
	}
	if err := a.Remove(); err != nil {
		t.Error(err)
	}
}

func TestReachable_ResolvConf_LoopbackAndIPv6AreLeftOut(t *testing.T) {
	for config, want := range map[string]string{
		"": "[]", "nameserver 127.0.0.53\noptions edns0\n": "[]", "nameserver ::1\nnameserver fe80::1%eth0\n# nameserver 203.0.113.2\n": "[]",
		"nameserver 203.0.113.2\nnameserver 127.0.0.1\nnameserver 169.254.169.254\n": "[203.0.113.2 169.254.169.254]",
	} {
		if got := fmt.Sprint(nat.Reachable(config)); got != want {
			t.Errorf("%q: got %s, want %s", config, got, want)
		}
	}
}

// BenchmarkAttach attaches a namespace, and detaches it again.
func BenchmarkAttach(b *testing.B) {
	if os.Getuid() != 0 {
		b.Skip("only root has a firewall")
	}
	g, err := nat.Open(options(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{roleEnv + "=" + rolePeer}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			b.Error(err)
		}
	}()
	netns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	defer netns.Close()
	var closing time.Duration
	for b.Loop() {
		a, err := g.Attach(netns)
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if err := a.Remove(); err != nil {
			b.Fatal(err)
		}
		closing += time.Since(start)
	}
	b.ReportMetric(float64(closing.Microseconds())/float64(b.N), "remove-us")
}
