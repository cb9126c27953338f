package pid1

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox/namespace/rootfs"
	"github.com/hearthd/hearth/sandbox/namespace/stage2"
)

// Dial connects to a TCP port of the sandbox's loopback: at rootfs.Address, or
// else at 127.0.0.1.
func (i *Init) Dial(ctx context.Context, port int) (net.Conn, error) {
	if port < 1 || port > 65535 {
		return nil, errNoPort
	}
	if i.hostNetwork {
		var d net.Dialer
		return d.DialContext(ctx, "tcp4", net.JoinHostPort(rootfs.Loopback, strconv.Itoa(port)))
	}
	conn, err := i.dial(ctx, rootfs.Address, port)
	if errors.Is(err, unix.ECONNREFUSED) {
		return i.dial(ctx, rootfs.Loopback, port)
	}
	return conn, err
}

var errNoPort = errors.New("no such port")

func (i *Init) dial(ctx context.Context, ip string, port int) (net.Conn, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	socket, err := i.socket(unix.SOCK_STREAM, nil)
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	if err := connect(ctx, socket, ip, port); err != nil {
		return nil, err
	}
	return net.FileConn(socket) // a duplicate
}

// ListenPacket opens a UDP port at rootfs.Address; with the host's network any
// port of its loopback, as several sandboxes want the same.
func (i *Init) ListenPacket(ctx context.Context, port int) (net.PacketConn, error) {
	if i.hostNetwork {
		var c net.ListenConfig
		return c.ListenPacket(ctx, "udp4", rootfs.Loopback+":0")
	}
	if port < 0 || port > 65535 {
		return nil, errNoPort
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	socket, err := i.socket(unix.SOCK_DGRAM, sockaddr(rootfs.Address, uint16(port)))
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	return net.FilePacketConn(socket) // a duplicate
}

// socketDir is a directory of the sandbox's own in which processes can change
// nothing.
const socketDir = "/run"

// ListenUnix opens a socket in socketDir, and returns its path in the sandbox.
func (i *Init) ListenUnix(ctx context.Context) (*net.UnixListener, string, error) {
	const path = socketDir + "/socket"
	if err := context.Cause(ctx); err != nil {
		return nil, "", err
	}
	t := stage2.NewScript()
	tmpfs, dir, name := t.String("tmpfs"), t.String(socketDir), t.String(path)
	t.Must("mount "+socketDir, unix.SYS_MOUNT, tmpfs, dir, tmpfs, num(unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC), t.String("size=4k,nr_inodes=4,mode=755"))
	address := append(binary.NativeEndian.AppendUint16(nil, unix.AF_UNIX), path+"\x00"...)
	socket, err := i.sendSocket(t, unix.AF_UNIX, unix.SOCK_STREAM, func(socket stage2.Arg) {
		t.Must("bind", unix.SYS_BIND, socket, t.Bytes(address), num(len(address)))
		t.Must("open to all", unix.SYS_FCHMODAT, num(unix.AT_FDCWD), name, num(0o666))
		t.Must("listen", unix.SYS_LISTEN, socket, num(128))
	})
	if err != nil {
		return nil, "", err
	}
	defer socket.Close()
	l, err := net.FileListener(socket) // a duplicate
	if err != nil {
		return nil, "", err
	}
	return l.(*net.UnixListener), path, nil
}

// socket makes pid 1 open a socket in the sandbox, bind it unless address is
// nil, and send it. The caller closes it.
func (i *Init) socket(kind int, address []byte) (*os.File, error) {
	t := stage2.NewScript()
	return i.sendSocket(t, unix.AF_INET, kind, func(socket stage2.Arg) {
		if address != nil {
			t.Must("bind", unix.SYS_BIND, socket, t.Bytes(address), num(len(address)))
		}
	})
}

// sendSocket makes pid 1 open a socket, do with it what setUp adds to the table,
// and send it. The caller closes it.
func (i *Init) sendSocket(t *stage2.Script, family, kind int, setUp func(socket stage2.Arg)) (*os.File, error) {
	header, descriptor := t.FileReply()
	t.Must("socket", unix.SYS_SOCKET, num(family), num(kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK), num(0)).Store(descriptor)
	setUp(stage2.Load(descriptor))
	t.SendFile("send the socket", header)
	t.Release()
	t.End()
	// Pid 1 answers in microseconds, frozen sandbox or not; a context that ended
	// meanwhile would end pid 1.
	_, received, err := i.link.Run(context.Background(), t.Table, nil) //nolint:forbidigo // see above
	if err != nil {
		return nil, err
	}
	if len(received) != 1 {
		stage2.CloseFiles(received)
		return nil, fmt.Errorf("sandbox sent %d sockets", len(received))
	}
	return received[0], nil
}

// connect connects a socket that does not block.
func connect(ctx context.Context, socket *os.File, ip string, port int) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	peer := unix.SockaddrInet4{Port: port, Addr: [4]byte(net.ParseIP(ip).To4())}
	if err := raw.Control(func(fd uintptr) { err = unix.Connect(int(fd), &peer) }); err != nil {
		return err
	}
	if !errors.Is(err, unix.EINPROGRESS) {
		return err // nil: on the loopback usually at once
	}
	stop := context.AfterFunc(ctx, func() { _ = socket.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	var failed error
	waitErr := raw.Write(func(fd uintptr) bool {
		var connected bool
		connected, failed = connectState(int(fd))
		return connected || failed != nil
	})
	if errors.Is(waitErr, os.ErrDeadlineExceeded) {
		return context.Cause(ctx)
	}
	return errors.Join(waitErr, failed)
}

// connectState says how far a connection has come.
func connectState(fd int) (connected bool, err error) {
	errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return false, err
	}
	if errno != 0 {
		return false, syscall.Errno(errno)
	}
	_, err = unix.Getpeername(fd)
	if errors.Is(err, unix.ENOTCONN) {
		return false, nil
	}
	return err == nil, err
}
