package pid1

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox/namespace/rootfs"
	"github.com/hearthd/hearth/sandbox/namespace/stage2"
)

// apiPort is the Runtime API's in every sandbox, as on Lambda.
const apiPort = 9001

// masked are files and directories of /proc that tell about the host what no
// program needs. Most are root's alone anyway.
var masked = [...]string{
	"/proc/acpi", "/proc/asound", "/proc/scsi", "/proc/driver", // directories
	"/proc/cmdline", "/proc/diskstats", "/proc/interrupts", "/proc/kallsyms", "/proc/kcore", "/proc/keys", "/proc/key-users",
	"/proc/kmsg", "/proc/latency_stats", "/proc/modules", "/proc/partitions", "/proc/sched_debug", "/proc/sysrq-trigger", "/proc/timer_list",
}

// Setup says what pid 1 sets up.
type Setup struct {
	Root bool // in-sandbox root has an id
	Proc bool // mount a /proc
	// Group is the control group to start processes in; nil: pid 1's.
	Group *os.File
}

// SetUp makes pid 1 set up all of a sandbox that does not depend on its Spec,
// and opens the listener of the Runtime API, which the caller then owns.
func (i *Init) SetUp(ctx context.Context, s Setup) (net.Listener, error) {
	t, files := stage2.NewScript(), []*os.File(nil)
	if s.Root {
		// From an id without name in here to root; all capabilities stay.
		t.Must("become root's group", unix.SYS_SETRESGID, num(0), num(0), num(0))
		t.Must("become root", unix.SYS_SETRESUID, num(0), num(0), num(0))
	}
	t.Must("cgroup namespace", unix.SYS_UNSHARE, num(unix.CLONE_NEWCGROUP))
	t.Must("set the host name", unix.SYS_SETHOSTNAME, t.String(rootfs.Hostname), num(len(rootfs.Hostname)))
	t.Call("name", unix.SYS_PRCTL, num(unix.PR_SET_NAME), t.String("hearth-init"))
	if s.Group != nil {
		t.Must("keep the inner group", unix.SYS_DUP3, stage2.FD(0), num(stage2.GroupFD), num(unix.O_CLOEXEC))
		files = append(files, s.Group)
	}
	if s.Proc {
		addProc(t)
	} else {
		addCover(t, "/proc", t.String("/sys")) // or the host's would show
	}
	for c := 0; c <= i.host.LastCap; c++ {
		t.Must("drop from the bounding set", unix.SYS_PRCTL, num(unix.PR_CAPBSET_DROP), num(c), num(0), num(0), num(0))
	}
	if i.hostNetwork {
		t.Finish()
	} else {
		addLoopback(t)
		addListener(t)
	}
	_, received, err := i.link.Run(ctx, t.Table, files)
	defer stage2.CloseFiles(received)
	if err != nil {
		return nil, err
	}
	l, err := i.listener(received)
	if err != nil {
		return nil, fmt.Errorf("open the Runtime API: %w", err)
	}
	return l, nil
}

// listener returns the one that pid 1 sent, or with the host's network, where
// the address of Lambda is not a sandbox's to have, another.
func (i *Init) listener(received []*os.File) (net.Listener, error) {
	if i.hostNetwork {
		return net.Listen("tcp4", rootfs.Loopback+":0")
	}
	if len(received) != 1 {
		return nil, fmt.Errorf("sandbox sent %d listeners", len(received))
	}
	return net.FileListener(received[0]) // a duplicate
}

// CallTmp fails where a disk cannot be mounted in a sandbox.
const CallTmp = "mount " + rootfs.TmpDir

// CallProc fails where the host's own /proc is partly covered.
const CallProc = "mount /proc"

// addProc mounts the sandbox's own /proc and covers parts of it.
func addProc(t *stage2.Script) {
	proc := t.String("proc")
	t.Must(CallProc, unix.SYS_MOUNT, proc, t.String("/proc"), proc, num(unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC), num(0))
	empty := map[bool]stage2.Arg{false: t.String("/dev/null"), true: t.String("/sys")} // by: is a directory
	for _, p := range masked {
		info, err := os.Stat(p)
		if err != nil {
			continue // not in this kernel
		}
		addCover(t, p, empty[info.IsDir()])
	}
}

// addCover mounts an empty file or directory of the sandbox over a path.
func addCover(t *stage2.Script, path string, empty stage2.Arg) {
	mount := stage2.Var(0)
	t.Must("cover "+path, unix.SYS_OPEN_TREE, num(unix.AT_FDCWD), empty, num(unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)).Store(mount)
	t.Attach("cover "+path, stage2.Load(mount), t.String(path))
	t.Call("close", unix.SYS_CLOSE, stage2.Load(mount))
}

// addLoopback brings lo up, with the address of the Runtime API beside
// 127.0.0.1, which the kernel adds only to an interface without address.
func addLoopback(t *stage2.Script) {
	socket := stage2.Var(0)
	t.Must("socket for lo", unix.SYS_SOCKET, num(unix.AF_INET), num(unix.SOCK_DGRAM|unix.SOCK_CLOEXEC), num(0)).Store(socket)
	ioctl := func(what string, request uint64, name string, value []byte) {
		ifreq := make([]byte, 40)
		copy(ifreq, name)
		copy(ifreq[16:], value)
		t.Must(what, unix.SYS_IOCTL, stage2.Load(socket), num(request), t.Bytes(ifreq))
	}
	up := binary.NativeEndian.AppendUint16(nil, unix.IFF_UP|unix.IFF_RUNNING)
	ioctl("bring lo up", unix.SIOCSIFFLAGS, "lo", up)
	ioctl("address of lo:1", unix.SIOCSIFADDR, "lo:1", sockaddr(rootfs.Address, 0))
	ioctl("netmask of lo:1", unix.SIOCSIFNETMASK, "lo:1", sockaddr("255.255.255.255", 0))
	t.Call("close", unix.SYS_CLOSE, stage2.Load(socket))
}

// addListener opens the listener of the Runtime API, replies with it and ends
// the table.
func addListener(t *stage2.Script) {
	header, descriptor := t.FileReply()
	listener := stage2.Load(descriptor)
	t.Must("Runtime API socket", unix.SYS_SOCKET, num(unix.AF_INET), num(unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK), num(0)).Store(descriptor)
	t.Must("bind the Runtime API", unix.SYS_BIND, listener, t.Bytes(sockaddr(rootfs.Address, apiPort)), num(16))
	t.Must("listen for the Runtime API", unix.SYS_LISTEN, listener, num(128))
	t.SendFile("send the listener", header)
	t.Release()
	t.End()
}

// sockaddr is a struct sockaddr_in.
func sockaddr(ip string, port uint16) []byte {
	b := binary.NativeEndian.AppendUint16(nil, unix.AF_INET)
	b = binary.BigEndian.AppendUint16(b, port)
	b = append(b, net.ParseIP(ip).To4()...)
	return append(b, make([]byte, 8)...)
}
