package process

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
)

// loopback is the network that all sandboxes of this driver share.
const loopback = "127.0.0.1"

// Dial connects to a port of the host's loopback.
func (s *Sandbox) Dial(ctx context.Context, port int) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp4", net.JoinHostPort(loopback, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("dial for sandbox %s: %w", s.mark.id, err)
	}
	return conn, nil
}

// ListenUnix opens a socket in the sandbox's directory. The path of a socket is
// short, so it fails where the directory's is long.
func (s *Sandbox) ListenUnix(ctx context.Context) (*net.UnixListener, string, error) {
	var c net.ListenConfig
	path := filepath.Join(s.mark.dir, "socket")
	l, err := c.Listen(ctx, "unix", path)
	if err != nil {
		return nil, "", fmt.Errorf("listen on a socket of sandbox %s: %w", s.mark.id, err)
	}
	return l.(*net.UnixListener), path, nil
}

// ListenPacket opens a UDP port of the kernel's choice on the host's loopback.
func (s *Sandbox) ListenPacket(ctx context.Context, _ int) (net.PacketConn, string, error) {
	var c net.ListenConfig
	conn, err := c.ListenPacket(ctx, "udp4", loopback+":0")
	if err != nil {
		return nil, "", fmt.Errorf("listen for packets of sandbox %s: %w", s.mark.id, err)
	}
	return conn, conn.LocalAddr().String(), nil
}
