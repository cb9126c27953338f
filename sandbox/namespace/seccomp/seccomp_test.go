package seccomp_test

import (
	"encoding/binary"
	"runtime"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/hearthd/hearth/sandbox/namespace/seccomp"
)

// verdicts of the kernel.
const (
	allow       = 0x7fff0000
	killProcess = 0x80000000
	errno       = 0x00050000
)

// native is what the tests need to know of this machine's architecture.
type native struct{ arch, read, mount, clone, clone3, socket, socketpair, personality, prlimit uint32 }

func host(t *testing.T) native {
	t.Helper()
	switch runtime.GOARCH {
	case "amd64":
		return native{arch: 0xc000003e, read: 0, mount: 165, clone: 56, clone3: 435, socket: 41, socketpair: 53, personality: 135, prlimit: 302}
	case "arm64":
		return native{arch: 0xc00000b7, read: 63, mount: 40, clone: 220, clone3: 435, socket: 198, socketpair: 199, personality: 92, prlimit: 261}
	}
	t.Skipf("no filter for %s", runtime.GOARCH)
	return native{}
}

// judge runs the filter on one system call. The interpreter reads words in
// network order where the kernel reads them in its own.
func judge(t *testing.T, arch, number, arg0, arg2 uint32) uint32 {
	t.Helper()
	filter, err := seccomp.Filter()
	if err != nil {
		t.Fatal(err)
	}
	var raw []bpf.RawInstruction
	for _, i := range filter {
		raw = append(raw, bpf.RawInstruction{Op: i.Code, Jt: i.JT, Jf: i.JF, K: i.K})
	}
	program, ok := bpf.Disassemble(raw)
	if !ok {
		t.Fatal("the filter has an unknown instruction")
	}
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data[0:], number)
	binary.BigEndian.PutUint32(data[4:], arch)
	binary.BigEndian.PutUint32(data[16:], arg0)
	binary.BigEndian.PutUint32(data[32:], arg2)
	verdict, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(verdict)
}

func TestFilter_Calls_AreJudged(t *testing.T) {
	n := host(t)
	for _, c := range []struct {
		name               string
		arch, number, arg0 uint32
		want               uint32
	}{
		{"read", n.arch, n.read, 0, allow},
		{"mount", n.arch, n.mount, 0, errno | 1},
		{"clone3", n.arch, n.clone3, 0, errno | 38},
		{"fork", n.arch, n.clone, 17, allow},
		{"thread", n.arch, n.clone, 0x3d0f00, allow},
		{"clone into a user namespace", n.arch, n.clone, 0x10000000 | 17, errno | 1},
		{"clone into a mount namespace", n.arch, n.clone, 0x00020000 | 17, errno | 1},
		{"AF_UNIX", n.arch, n.socket, 1, allow},
		{"AF_INET6", n.arch, n.socket, 10, allow},
		{"AF_NETLINK", n.arch, n.socket, 16, allow},
		{"AF_ALG", n.arch, n.socket, 38, errno | 97},
		{"AF_VSOCK", n.arch, n.socket, 40, errno | 97},
		{"a pair of AF_UNIX", n.arch, n.socketpair, 1, allow},
		{"a pair of AF_TIPC", n.arch, n.socketpair, 30, errno | 97},
		{"own limits", n.arch, n.prlimit, 0, allow},
		{"limits of pid 1", n.arch, n.prlimit, 1, errno | 1},
		{"personality query", n.arch, n.personality, 0xffffffff, allow},
		{"personality READ_IMPLIES_EXEC", n.arch, n.personality, 0x0400000, errno | 1},
		{"another architecture", 0x40000003, n.read, 0, killProcess},
		{"a number of the future", n.arch, 9999, 0, allow},
	} {
		if got := judge(t, c.arch, c.number, c.arg0, 0); got != c.want {
			t.Errorf("%s: got %#x, want %#x", c.name, got, c.want)
		}
	}
}

func TestFilter_Sockets_AreJudgedByTheirProtocol(t *testing.T) {
	n := host(t)
	for _, c := range []struct {
		name             string
		family, protocol uint32
		want             uint32
	}{
		{"UNIX", 1, 0, allow},
		{"TCP", 2, 6, allow},
		{"UDP over IPv6", 10, 17, allow},
		{"ping", 2, 1, allow},
		{"ping over IPv6", 10, 58, allow},
		{"SCTP", 2, 132, errno | 93},
		{"MPTCP", 10, 262, errno | 93},
		{"UDP-Lite", 2, 136, errno | 93},
		{"NETLINK_ROUTE", 16, 0, allow},
		{"NETLINK_AUDIT", 16, 9, errno | 93},
		{"NETLINK_NETFILTER", 16, 12, errno | 93},
		{"NETLINK_CRYPTO", 16, 21, errno | 93},
		{"PACKET", 17, 0, errno | 97},
		{"none", 0, 0, errno | 97},
	} {
		if got := judge(t, n.arch, n.socket, c.family, c.protocol); got != c.want {
			t.Errorf("%s: got %#x, want %#x", c.name, got, c.want)
		}
	}
}
