package namespace

import (
	"context"
	"fmt"
	"net"
)

// Dial connects to a port of the sandbox's loopback: at the address that its
// host name resolves to, or else at 127.0.0.1.
func (b *box) Dial(ctx context.Context, port int) (net.Conn, error) {
	conn, err := b.init.Dial(ctx, port)
	if err != nil {
		return nil, fmt.Errorf("dial port %d of sandbox %s: %w", port, b.id, err)
	}
	return conn, nil
}

// ListenPacket opens a UDP port at the address of the Runtime API.
func (b *box) ListenPacket(ctx context.Context, port int) (net.PacketConn, string, error) {
	conn, err := b.init.ListenPacket(ctx, port)
	if err != nil {
		return nil, "", fmt.Errorf("listen for packets at port %d of sandbox %s: %w", port, b.id, err)
	}
	return conn, conn.LocalAddr().String(), nil
}

// ListenUnix opens a socket that processes can connect to, and replace by none
// of their own.
func (b *box) ListenUnix(ctx context.Context) (*net.UnixListener, string, error) {
	l, path, err := b.init.ListenUnix(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("listen on a socket of sandbox %s: %w", b.id, err)
	}
	return l, path, nil
}
