package namespace

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

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace/stage2"
)

// A socket belongs to the network namespace that made it, whoever uses it. So
// pid 1 makes those that the daemon needs inside, and hands them over: no
// thread of the daemon ever enters a sandbox, and it works without privilege.

// loopback is where the processes of a sandbox listen, and the address that the
// driver itself has for sandboxes that share the host's network.
const loopback = "127.0.0.1"

// Dial connects to a port of the sandbox's loopback: at the address that its
// host name resolves to, or else at 127.0.0.1.
func (b *box) Dial(ctx context.Context, port int) (net.Conn, error) {
	if port < 1 || port > 65535 {
		return nil, fmt.Errorf("dial port %d of sandbox %s: no such port", port, b.id)
	}
	if b.network == sandbox.NetworkHost {
		var d net.Dialer
		return d.DialContext(ctx, "tcp4", net.JoinHostPort(loopback, strconv.Itoa(port)))
	}
	conn, err := b.dial(ctx, apiAddress, port)
	if errors.Is(err, unix.ECONNREFUSED) {
		conn, err = b.dial(ctx, loopback, port)
	}
	if err != nil {
		return nil, fmt.Errorf("dial port %d of sandbox %s: %w", port, b.id, err)
	}
	return conn, nil
}

func (b *box) dial(ctx context.Context, ip string, port int) (net.Conn, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	socket, err := b.socket(unix.SOCK_STREAM, nil)
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	if err := connect(ctx, socket, ip, port); err != nil {
		return nil, err
	}
	return net.FileConn(socket) // a duplicate
}

// ListenPacket opens a UDP port at the address of the Runtime API.
func (b *box) ListenPacket(ctx context.Context, port int) (net.PacketConn, string, error) {
	if b.network == sandbox.NetworkHost { // several sandboxes want the port
		var c net.ListenConfig
		conn, err := c.ListenPacket(ctx, "udp4", loopback+":0")
		if err != nil {
			return nil, "", fmt.Errorf("listen for packets of sandbox %s: %w", b.id, err)
		}
		return conn, conn.LocalAddr().String(), nil
	}
	conn, err := b.listenPacket(ctx, port)
	if err != nil {
		return nil, "", fmt.Errorf("listen for packets at port %d of sandbox %s: %w", port, b.id, err)
	}
	return conn, conn.LocalAddr().String(), nil
}

func (b *box) listenPacket(ctx context.Context, port int) (net.PacketConn, error) {
	if port < 0 || port > 65535 {
		return nil, errors.New("no such port")
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	socket, err := b.socket(unix.SOCK_DGRAM, sockaddr(apiAddress, uint16(port)))
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	return net.FilePacketConn(socket) // a duplicate
}

// socketDir is a directory of the sandbox's own in which processes can change
// nothing.
const socketDir = "/run"

// ListenUnix opens a socket in socketDir.
func (b *box) ListenUnix(ctx context.Context) (*net.UnixListener, string, error) {
	const path = socketDir + "/socket"
	l, err := b.listenUnix(ctx, path)
	if err != nil {
		return nil, "", fmt.Errorf("listen on a socket of sandbox %s: %w", b.id, err)
	}
	return l, path, nil
}

func (b *box) listenUnix(ctx context.Context, path string) (*net.UnixListener, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	t := newTable()
	tmpfs, dir, name := t.String("tmpfs"), t.String(socketDir), t.String(path)
	t.call("mount "+socketDir, unix.SYS_MOUNT, tmpfs, dir, tmpfs, num(unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC), t.String("size=4k,nr_inodes=4,mode=755"))
	address := append(binary.NativeEndian.AppendUint16(nil, unix.AF_UNIX), path+"\x00"...)
	socket, err := b.sendSocket(t, unix.AF_UNIX, unix.SOCK_STREAM, func(socket stage2.Arg) {
		t.call("bind", unix.SYS_BIND, socket, t.Bytes(address), num(len(address)))
		t.call("open to all", unix.SYS_FCHMODAT, num(unix.AT_FDCWD), name, num(0o666))
		t.call("listen", unix.SYS_LISTEN, socket, num(128))
	})
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	l, err := net.FileListener(socket) // a duplicate
	if err != nil {
		return nil, err
	}
	return l.(*net.UnixListener), nil
}

// socket makes pid 1 open a socket in the sandbox, bind it unless address is
// nil, and send it. The caller closes it.
func (c *cell) socket(kind int, address []byte) (*os.File, error) {
	t := newTable()
	return c.sendSocket(t, unix.AF_INET, kind, func(socket stage2.Arg) {
		if address != nil {
			t.call("bind", unix.SYS_BIND, socket, t.Bytes(address), num(len(address)))
		}
	})
}

// sendSocket makes pid 1 open a socket, do with it what setUp adds to the table,
// and send it. The caller closes it.
func (c *cell) sendSocket(t *table, family, kind int, setUp func(socket stage2.Arg)) (*os.File, error) {
	message, _ := t.ReplyWords()
	header, descriptor := t.sendmsg(message)
	t.call("socket", unix.SYS_SOCKET, num(family), num(kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK), num(0)).Store(descriptor)
	setUp(stage2.Load(descriptor))
	t.call("send the socket", unix.SYS_SENDMSG, num(stage2.ControlFD), header, num(unix.MSG_NOSIGNAL))
	t.release()
	t.end()
	// Pid 1 answers in microseconds, frozen sandbox or not; a context that ended
	// meanwhile would end pid 1.
	_, received, err := c.link.Run(context.Background(), t.Table, nil) //nolint:forbidigo // see above
	if err != nil {
		return nil, err
	}
	if len(received) != 1 {
		closeAll(received)
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
