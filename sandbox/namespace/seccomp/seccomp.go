// Package seccomp holds the system call filter that function code runs under.
//
// The filter allows by default and denies what function code has no use for
// and what has carried kernel exploits: mounting, namespaces, tracing, keys,
// BPF, io_uring, modules, clocks, raw handles. Code under it has no capability
// and no_new_privs already; the filter is there to make the kernel smaller. A
// default of deny would be tighter and would break runtimes with each new
// libc; Lambda's contract is that any Linux program runs.
//
// Denied calls fail with EPERM. io_uring and clone3 fail with ENOSYS, on which
// libraries fall back to older calls: clone3 passes its flags in memory, where
// a filter cannot look, and clone can be looked at. Calls of another
// architecture kill the process: their numbers mean something else. Those of
// the x32 ABI fail with ENOSYS, as on a kernel without it.
package seccomp

import (
	"fmt"
	"runtime"
)

// Instruction is a struct sock_filter: one instruction of classic BPF.
type Instruction struct {
	Code   uint16
	JT, JF uint8
	K      uint32
}

// Offsets in struct seccomp_data of the low words, little-endian.
const (
	offNumber = 0
	offArch   = 4
	offArg0   = 16
	offArg2   = 32
)

// Codes of classic BPF that the filter uses.
const (
	codeLoad = 0x20 // A = data[k:k+4]
	codeJEQ  = 0x15 // A == k
	codeJGE  = 0x35 // A >= k
	codeJSET = 0x45 // A & k != 0
	codeRet  = 0x06
)

// Verdicts.
const (
	allow       = 0x7fff0000
	killProcess = 0x80000000
	errno       = 0x00050000

	ePERM           = 1
	eNOSYS          = 38
	ePROTONOSUPPORT = 93
	eAFNOSUPPORT    = 97
)

// Namespaces are the CLONE_NEW* flags: clone with one of them is denied.
const Namespaces = 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000 | 0x00020000 | 0x00000080

// The address families that sockets may have: UNIX, INET, INET6 and NETLINK
// (getifaddrs). The others are attack surface, and AF_VSOCK would reach out of a
// virtual machine past every network namespace. A pair of sockets is of UNIX.
const (
	afUNIX    = 1
	afINET    = 2
	afINET6   = 10
	afNETLINK = 16
)

// protocols are what sockets of INET and INET6 may speak: the default of their type,
// TCP, UDP, and ICMP of both for ping. Others, such as SCTP and MPTCP, are large parts
// of the kernel that libraries do without: Go tries MPTCP and falls back. Of NETLINK it
// is the first, NETLINK_ROUTE, alone; a function has no use for audit, crypto or
// netfilter.
var protocols = [...]uint32{0, 6, 17, 1, 58}

const netlinkRoute = 0

// personalities are what personality(2) may be asked for: Linux, no address
// randomisation (debug builds), the 2.6 version numbers, both, and the query.
var personalities = [...]uint32{0, 0x0040000, 0x0020000, 0x0020000 | 0x0040000, 0xffffffff}

// Filter returns the filter for the architecture of this process.
func Filter() ([]Instruction, error) {
	t, ok := tables()[runtime.GOARCH]
	if !ok {
		return nil, fmt.Errorf("no seccomp filter for %s", runtime.GOARCH)
	}
	return t.filter(), nil
}

// table is what differs between architectures.
type table struct {
	arch   uint32 // AUDIT_ARCH_*
	x32    bool   // the x32 ABI shares the architecture and has numbers of its own
	clone  uint32
	socket uint32
	pair   uint32 // socketpair
	person uint32 // personality
	limits uint32 // prlimit64
	enosys []uint32
	eperm  []uint32
}

func (t table) filter() []Instruction {
	ret := func(verdict uint32) Instruction { return Instruction{Code: codeRet, K: verdict} }
	f := []Instruction{
		{Code: codeLoad, K: offArch},
		{Code: codeJEQ, JT: 1, K: t.arch},
		ret(killProcess),
		{Code: codeLoad, K: offNumber},
	}
	if t.x32 {
		f = append(f, Instruction{Code: codeJGE, JF: 1, K: 0x40000000}, ret(errno|eNOSYS))
	}
	deny := func(numbers []uint32, e uint32) {
		for _, n := range numbers {
			f = append(f, Instruction{Code: codeJEQ, JF: 1, K: n}, ret(errno|e))
		}
	}
	deny(t.enosys, eNOSYS)
	deny(t.eperm, ePERM)
	f = append(f,
		Instruction{Code: codeJEQ, JF: 4, K: t.clone},
		Instruction{Code: codeLoad, K: offArg0},
		Instruction{Code: codeJSET, JF: 1, K: Namespaces},
		ret(errno|ePERM),
		ret(allow))
	f = append(f, t.sockets()...)
	f = append(f, oneOf(t.pair, []uint32{afUNIX}, errno|eAFNOSUPPORT)...)
	f = append(f, oneOf(t.person, personalities[:], errno|ePERM)...)
	// Of the caller's own limits only: without root, pid 1 of a sandbox has the same
	// user as the function.
	f = append(f, oneOf(t.limits, []uint32{0}, errno|ePERM)...)
	return append(f, ret(allow))
}

// sockets judges socket by its family, and by its protocol where the family has many.
func (t table) sockets() []Instruction {
	inet := speaks(protocols[:])
	netlink := speaks([]uint32{netlinkRoute})
	// From each comparison to its branch: over the comparisons after it, the refusal,
	// and the branches before its own. The last instruction allows.
	toNetlink := uint8(1)
	toINET := toNetlink + uint8(len(netlink))
	toAllow := toINET + uint8(len(inet))
	f := []Instruction{
		{Code: codeLoad, K: offArg0},
		{Code: codeJEQ, JT: toAllow + 3, K: afUNIX},
		{Code: codeJEQ, JT: toINET + 2, K: afINET},
		{Code: codeJEQ, JT: toINET + 1, K: afINET6},
		{Code: codeJEQ, JT: toNetlink, K: afNETLINK},
		{Code: codeRet, K: errno | eAFNOSUPPORT},
	}
	f = append(append(f, netlink...), inet...)
	f = append(f, Instruction{Code: codeRet, K: allow})
	return append([]Instruction{{Code: codeJEQ, JF: uint8(len(f)), K: t.socket}}, f...)
}

// speaks judges the third argument, a protocol.
func speaks(protocols []uint32) []Instruction {
	f := []Instruction{{Code: codeLoad, K: offArg2}}
	for i, p := range protocols {
		f = append(f, Instruction{Code: codeJEQ, JT: uint8(len(protocols) - i), K: p})
	}
	return append(f, Instruction{Code: codeRet, K: errno | ePROTONOSUPPORT}, Instruction{Code: codeRet, K: allow})
}

// oneOf lets a call pass only with one of the values as its first argument.
func oneOf(number uint32, values []uint32, verdict uint32) []Instruction {
	n := uint8(len(values))
	f := []Instruction{
		{Code: codeJEQ, JF: n + 3, K: number},
		{Code: codeLoad, K: offArg0},
	}
	for i, v := range values {
		f = append(f, Instruction{Code: codeJEQ, JT: n - uint8(i), K: v})
	}
	return append(f, Instruction{Code: codeRet, K: verdict}, Instruction{Code: codeRet, K: allow})
}
