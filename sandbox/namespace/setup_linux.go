package namespace

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox/namespace/stage2"
)

// The Runtime API of every sandbox, as on Lambda.
const (
	apiAddress = "169.254.100.1"
	apiPort    = 9001
)

// masked are files and directories of /proc that tell about the host what no
// program needs. Most are root's alone anyway.
var masked = [...]string{
	"/proc/acpi", "/proc/asound", "/proc/scsi", "/proc/driver", // directories
	"/proc/cmdline", "/proc/diskstats", "/proc/interrupts", "/proc/kallsyms", "/proc/kcore", "/proc/keys", "/proc/key-users",
	"/proc/kmsg", "/proc/latency_stats", "/proc/modules", "/proc/partitions", "/proc/sched_debug", "/proc/sysrq-trigger", "/proc/timer_list",
}

// setup is what the table of Create depends on.
type setup struct {
	binds       []bind
	inner       *os.File // control group that Freeze stops, or nil
	proc        bool     // the host allows a fresh /proc
	hostNetwork bool
	multiUser   bool // in-sandbox root is mapped
	lastCap     int
}

// run makes the cell's pid 1 set up the sandbox, and returns the listener of
// the Runtime API; nil with the host's network.
func (s *setup) run(ctx context.Context, l *link) (net.Listener, error) {
	t := newTable()
	files := mounts(s.binds)
	if s.multiUser {
		// From an id without name in here to root; all capabilities stay.
		t.call("become root's group", unix.SYS_SETRESGID, num(0), num(0), num(0))
		t.call("become root", unix.SYS_SETRESUID, num(0), num(0), num(0))
	}
	t.call("cgroup namespace", unix.SYS_UNSHARE, num(unix.CLONE_NEWCGROUP))
	t.call("set the host name", unix.SYS_SETHOSTNAME, t.String(hostname), num(len(hostname)))
	t.Call("name", unix.SYS_PRCTL, num(unix.PR_SET_NAME), t.String("hearth-init"))
	for i, b := range s.binds {
		t.attach("mount "+b.target, stage2.FD(i), t.String(b.target))
	}
	if s.inner != nil {
		t.call("keep the inner group", unix.SYS_DUP3, stage2.FD(len(files)), num(stage2.GroupFD), num(unix.O_CLOEXEC))
		files = append(files, s.inner)
	}
	if s.proc {
		addProc(t)
	}
	for c := 0; c <= s.lastCap; c++ {
		t.call("drop from the bounding set", unix.SYS_PRCTL, num(unix.PR_CAPBSET_DROP), num(c), num(0), num(0), num(0))
	}
	if s.hostNetwork {
		t.finish()
	} else {
		addLoopback(t)
		addListener(t)
	}
	_, received, err := l.run(ctx, t.Table, files)
	defer closeAll(received)
	if err != nil || s.hostNetwork {
		return nil, err
	}
	if len(received) != 1 {
		return nil, fmt.Errorf("sandbox sent %d listeners", len(received))
	}
	return net.FileListener(received[0]) // a duplicate
}

// addProc mounts the sandbox's own /proc and covers parts of it.
func addProc(t *table) {
	proc := t.String("proc")
	t.call("mount /proc", unix.SYS_MOUNT, proc, t.String("/proc"), proc, num(unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC), num(0))
	empty := map[bool]stage2.Arg{false: t.String("/dev/null"), true: t.String("/sys")} // by: is a directory
	for _, p := range masked {
		info, err := os.Stat(p)
		if err != nil {
			continue // not in this kernel
		}
		mount := stage2.Var(0)
		t.call("mask "+p, unix.SYS_OPEN_TREE, num(unix.AT_FDCWD), empty[info.IsDir()], num(unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)).Store(mount)
		t.attach("mask "+p, stage2.Load(mount), t.String(p))
		t.Call("close", unix.SYS_CLOSE, stage2.Load(mount))
	}
}

// addLoopback brings lo up, with the address of the Runtime API beside
// 127.0.0.1, which the kernel adds only to an interface without address.
func addLoopback(t *table) {
	socket := stage2.Var(0)
	t.call("socket for lo", unix.SYS_SOCKET, num(unix.AF_INET), num(unix.SOCK_DGRAM|unix.SOCK_CLOEXEC), num(0)).Store(socket)
	ioctl := func(what string, request uint64, name string, value []byte) {
		ifreq := make([]byte, 40)
		copy(ifreq, name)
		copy(ifreq[16:], value)
		t.call(what, unix.SYS_IOCTL, stage2.Load(socket), num(request), t.Bytes(ifreq))
	}
	up := binary.NativeEndian.AppendUint16(nil, unix.IFF_UP|unix.IFF_RUNNING)
	ioctl("bring lo up", unix.SIOCSIFFLAGS, "lo", up)
	ioctl("address of lo:1", unix.SIOCSIFADDR, "lo:1", sockaddr(apiAddress, 0))
	ioctl("netmask of lo:1", unix.SIOCSIFNETMASK, "lo:1", sockaddr("255.255.255.255", 0))
	t.Call("close", unix.SYS_CLOSE, stage2.Load(socket))
}

// addListener opens the listener of the Runtime API, replies with it and ends
// the table.
func addListener(t *table) {
	message, _ := t.ReplyWords()
	header, descriptor := t.sendmsg(message)
	listener := stage2.Load(descriptor)
	t.call("Runtime API socket", unix.SYS_SOCKET, num(unix.AF_INET), num(unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK), num(0)).Store(descriptor)
	t.call("bind the Runtime API", unix.SYS_BIND, listener, t.Bytes(sockaddr(apiAddress, apiPort)), num(16))
	t.call("listen for the Runtime API", unix.SYS_LISTEN, listener, num(128))
	t.call("send the listener", unix.SYS_SENDMSG, num(stage2.ControlFD), header, num(unix.MSG_NOSIGNAL))
	t.release()
	t.end()
}

// sockaddr is a struct sockaddr_in.
func sockaddr(ip string, port uint16) []byte {
	b := binary.NativeEndian.AppendUint16(nil, unix.AF_INET)
	b = binary.BigEndian.AppendUint16(b, port)
	b = append(b, net.ParseIP(ip).To4()...)
	return append(b, make([]byte, 8)...)
}
