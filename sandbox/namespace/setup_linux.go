package namespace

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox"
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

// prepare makes pid 1 set up all of a sandbox that does not depend on its Spec,
// and opens the listener of the Runtime API, which the cell then owns.
func (c *cell) prepare(ctx context.Context) error {
	hostNetwork := c.network == sandbox.NetworkHost
	t, files := newTable(), []*os.File(nil)
	if !c.driver.ids.single() {
		// From an id without name in here to root; all capabilities stay.
		t.call("become root's group", unix.SYS_SETRESGID, num(0), num(0), num(0))
		t.call("become root", unix.SYS_SETRESUID, num(0), num(0), num(0))
	}
	t.call("cgroup namespace", unix.SYS_UNSHARE, num(unix.CLONE_NEWCGROUP))
	t.call("set the host name", unix.SYS_SETHOSTNAME, t.String(hostname), num(len(hostname)))
	t.Call("name", unix.SYS_PRCTL, num(unix.PR_SET_NAME), t.String("hearth-init"))
	if inner, _ := c.group.InnerDir(); inner != nil {
		t.call("keep the inner group", unix.SYS_DUP3, stage2.FD(0), num(stage2.GroupFD), num(unix.O_CLOEXEC))
		files = append(files, inner)
	}
	if c.driver.proc {
		addProc(t)
	} else {
		addCover(t, "/proc", t.String("/sys")) // or the host's would show
	}
	for i := 0; i <= c.driver.lastCap; i++ {
		t.call("drop from the bounding set", unix.SYS_PRCTL, num(unix.PR_CAPBSET_DROP), num(i), num(0), num(0), num(0))
	}
	if hostNetwork {
		t.finish()
	} else {
		addLoopback(t)
		addListener(t)
	}
	_, received, err := c.link.Run(ctx, t.Table, files)
	defer closeAll(received)
	switch {
	case err != nil:
		return err
	case hostNetwork: // the address of Lambda is not the host's to give
		c.listener, err = net.Listen("tcp4", "127.0.0.1:0")
	case len(received) != 1:
		return fmt.Errorf("sandbox sent %d listeners", len(received))
	default:
		c.listener, err = net.FileListener(received[0]) // a duplicate
	}
	if err != nil {
		return fmt.Errorf("open the Runtime API: %w", err)
	}
	c.remains = append(c.remains, func() error {
		if err := c.listener.Close(); !errors.Is(err, net.ErrClosed) { // the API's server may have closed it
			return err
		}
		return nil
	})
	return nil
}

// attach makes pid 1 mount what the Spec asks for.
func (c *cell) attach(ctx context.Context, binds []bind) error {
	t := newTable()
	for i, b := range binds {
		t.makePoint(b)
		t.attach("mount "+b.target, stage2.FD(i), t.String(b.target))
	}
	t.finish()
	_, _, err := c.link.Run(ctx, t.Table, mounts(binds))
	return err
}

// callTmp fails where a disk cannot be mounted in a sandbox.
const callTmp = "mount " + tmpDir

// callProc fails where the host's own /proc is partly covered.
const callProc = "mount /proc"

// addProc mounts the sandbox's own /proc and covers parts of it.
func addProc(t *table) {
	proc := t.String("proc")
	t.call(callProc, unix.SYS_MOUNT, proc, t.String("/proc"), proc, num(unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC), num(0))
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
func addCover(t *table, path string, empty stage2.Arg) {
	mount := stage2.Var(0)
	t.call("cover "+path, unix.SYS_OPEN_TREE, num(unix.AT_FDCWD), empty, num(unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)).Store(mount)
	t.attach("cover "+path, stage2.Load(mount), t.String(path))
	t.Call("close", unix.SYS_CLOSE, stage2.Load(mount))
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
