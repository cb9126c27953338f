package sandboxtest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/hearthd/hearth/sandbox"
)

// insideCases are about the daemon as a peer of the processes in a sandbox's
// network, and the descriptor for logs.
func insideCases() []testCase {
	named := func(c sandbox.Capabilities) bool { return c.Network && c.Files }
	return []testCase{
		{name: "Dial_ListenerOnLoopback_IsReached", run: func(b *bench) { dialInside(b, "127.0.0.1") }},
		{name: "Dial_ListenerOnAllAddresses_IsReached", real: true, run: func(b *bench) { dialInside(b, "0.0.0.0") }},
		{name: "Dial_ListenerOnHostName_IsReached", real: true, needs: named, run: func(b *bench) { dialInside(b, "sandbox.localdomain") }},
		{name: "Dial_NobodyListens_IsRefused", run: dialNobody},
		{name: "Dial_CancelledContext_Fails", run: dialCancelled},
		{name: "Dial_ContextEndsLater_SandboxLivesOn", run: dialContextEnds},
		{name: "Dial_ListenerOfOtherSandbox_IsNotReached", needs: func(c sandbox.Capabilities) bool { return c.Network }, run: dialOther},
		{name: "Dial_ClosedSandbox_Fails", run: dialClosed},
		{name: "ListenPacket_Datagram_Arrives", run: listenPacket},
		{name: "ListenPacket_Close_FreesThePort", run: listenPacketAgain},
		{name: "ListenUnix_Processes_Connect", real: true, run: listenUnix},
		{name: "Start_WithLog_HasIt", run: startLog},
	}
}

func (x *box) inside() sandbox.Inside {
	x.b.Helper()
	in, ok := x.Sandbox.(sandbox.Inside)
	if !ok {
		x.b.Fatal("the sandbox is no sandbox.Inside")
	}
	return in
}

// freePort is a port that nobody on this host listened on a moment ago.
func (b *bench) freePort() int {
	b.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// serve starts the verb "serve".
func (x *box) serve(host string) (p *proc, address string, port int) {
	x.b.Helper()
	port = x.b.freePort()
	address = net.JoinHostPort(host, strconv.Itoa(port))
	return x.start("serve", address).ready(1), address, port
}

// converse dials and talks to the verb "serve".
func (x *box) converse(address string, port int) {
	x.b.Helper()
	conn, err := x.inside().Dial(x.b.bounded(), port)
	if err != nil {
		x.b.Fatal(err)
	}
	defer conn.Close()
	e := &peer{Conn: conn, Scanner: bufio.NewScanner(conn), b: x.b}
	if got, want := e.receive(patience), "hello "+address; got != want {
		x.b.Fatalf("the process said %q, want %q", got, want)
	}
	e.send("ping")
	if got := e.receive(patience); got != "ping" {
		x.b.Errorf("the process answered %q", got)
	}
}

func dialInside(b *bench, host string) {
	x := b.box(b.spec())
	p, address, port := x.serve(host)
	x.converse(address, port)
	if exit := p.exit(); exit != (sandbox.Exit{}) {
		b.Errorf("serve ended with %+v: %s", exit, p.errorText())
	}
}

func dialNobody(b *bench) {
	x := b.box(b.spec())
	conn, err := x.inside().Dial(b.bounded(), b.freePort())
	if err == nil {
		conn.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		b.Errorf("got %v, want ECONNREFUSED", err)
	}
	x.usable()
}

func dialCancelled(b *bench) {
	x := b.box(b.spec())
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	if conn, err := x.inside().Dial(ctx, b.freePort()); err == nil {
		conn.Close()
		b.Error("dialled under a cancelled context")
	}
	x.usable()
}

func dialContextEnds(b *bench) {
	x := b.box(b.spec())
	p, address, port := x.serve("127.0.0.1")
	ctx, cancel := context.WithCancel(b.Context())
	conn, err := x.inside().Dial(ctx, port)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	cancel()
	e := &peer{Conn: conn, Scanner: bufio.NewScanner(conn), b: b}
	if got, want := e.receive(patience), "hello "+address; got != want {
		b.Errorf("the process said %q, want %q", got, want)
	}
	conn.Close()
	p.exit()
	x.usable()
}

func dialOther(b *bench) {
	x, other := b.box(b.spec()), b.box(b.spec())
	_, _, port := other.serve("127.0.0.1")
	if conn, err := x.inside().Dial(b.bounded(), port); err == nil {
		conn.Close()
		b.Error("the daemon reached another sandbox's listener")
	}
}

func dialClosed(b *bench) {
	x := b.box(b.spec())
	if err := x.Close(); err != nil {
		b.Fatal(err)
	}
	if conn, err := x.inside().Dial(b.bounded(), b.freePort()); err == nil {
		conn.Close()
		b.Error("dialled into a closed sandbox")
	}
}

func listenPacket(b *bench) {
	x := b.box(b.spec())
	conn, address, err := x.inside().ListenPacket(b.bounded(), 2000)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	if b.caps.Network && address != "169.254.100.1:2000" {
		b.Errorf("a sandbox with its own network sends to %s", address)
	}
	defer time.AfterFunc(patience, func() { conn.Close() }).Stop() // ends the read below
	p := x.start("send", address, "segment")
	if exit := p.exit(); exit != (sandbox.Exit{}) {
		b.Fatalf("send ended with %+v: %s", exit, p.errorText())
	}
	datagram := make([]byte, 100)
	n, _, err := conn.ReadFrom(datagram)
	if err != nil || string(datagram[:n]) != "segment" {
		b.Errorf("got %q, %v", datagram[:n], err)
	}
}

func listenPacketAgain(b *bench) {
	x := b.box(b.spec())
	for range 3 {
		conn, _, err := x.inside().ListenPacket(b.bounded(), 2000)
		if err != nil {
			b.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			b.Error(err)
		}
	}
}

func listenUnix(b *bench) {
	x := b.box(b.spec())
	local, ok := x.Sandbox.(sandbox.Local)
	if !ok {
		b.Fatal("the sandbox is no sandbox.Local")
	}
	l, path, err := local.ListenUnix(b.bounded())
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	if err := l.SetDeadline(time.Now().Add(patience)); err != nil {
		b.Fatal(err)
	}
	for _, text := range []string{"one", "another"} {
		p := x.start("connect", path, text)
		conn, err := l.Accept()
		if err != nil {
			b.Fatalf("%v: %s", err, p.errorText())
		}
		if got, err := io.ReadAll(conn); string(got) != text {
			b.Errorf("got %q, %v", got, err)
		}
		conn.Close()
		if exit := p.exit(); exit != (sandbox.Exit{}) {
			b.Errorf("connect ended with %+v: %s", exit, p.errorText())
		}
	}
}

func startLog(b *bench) {
	x := b.box(b.spec())
	r, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	cmd := x.command("log", "framed")
	cmd.Log = w
	p, err := x.tryStart(cmd)
	w.Close()
	if err != nil {
		b.Fatal(err)
	}
	if exit := p.exit(); exit != (sandbox.Exit{}) {
		b.Fatalf("log ended with %+v: %s", exit, p.errorText())
	}
	if got, err := io.ReadAll(r); string(got) != "framed" {
		b.Errorf("got %q, %v", got, err)
	}
}
