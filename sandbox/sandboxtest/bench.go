package sandboxtest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/sandboxtest/probe"
)

// patience bounds every wait for something that must happen. It is long
// because it only passes when a test fails, and a loaded machine is slow.
const patience = 30 * time.Second

// restraint is how long something that must not happen is waited for.
const restraint = 100 * time.Millisecond

// bench is what one case works with.
type bench struct {
	*testing.T
	suite    *suite
	name     string
	stateDir string
	driver   sandbox.Driver
	caps     sandbox.Capabilities
}

func (s *suite) bench(t *testing.T, name string) *bench {
	t.Helper()
	b := &bench{T: t, suite: s, name: name, stateDir: t.TempDir()}
	if dir, ok := crashStateDir(); ok {
		b.stateDir = dir // this process is the one that will be killed
	}
	b.openDriver()
	return b
}

// openDriver makes a driver on the state directory, closed after the case.
func (b *bench) openDriver() {
	b.Helper()
	d := b.suite.open(b.T, b.stateDir)
	b.driver, b.caps = d, d.Capabilities()
	b.Cleanup(func() {
		if err := d.Close(); err != nil {
			b.Errorf("close the driver: %v", err)
		}
		b.eventually("no block device is on the driver's files", func() bool { return len(devicesOf(b.stateDir)) == 0 })
	})
}

// box is a sandbox of a case.
type box struct {
	sandbox.Sandbox
	b *bench

	readers sync.WaitGroup // goroutines of start and accept
	mu      sync.Mutex
	pipes   []*os.File // read ends, for unblocking the readers of a broken driver
}

// spec returns the least that a sandbox needs, with an ID of its own.
func (b *bench) spec() sandbox.Spec {
	return sandbox.Spec{ID: uniqueID(), Task: b.suite.task, Network: sandbox.NetworkNone}
}

// box creates a sandbox. After the case it is closed and the host searched
// for traces of it.
func (b *bench) box(spec sandbox.Spec) *box {
	b.Helper()
	sb, err := b.driver.Create(b.Context(), spec)
	if err != nil {
		b.Fatalf("create: %v", err)
	}
	return b.adopt(sb)
}

// adopt makes sure that a sandbox is closed after the case.
func (b *bench) adopt(sb sandbox.Sandbox) *box {
	x := &box{Sandbox: sb, b: b}
	b.Cleanup(func() {
		if err := x.Close(); err != nil {
			b.Errorf("close: %v", err)
		}
		b.noTraces(sb.ID())
		x.mu.Lock()
		for _, pipe := range x.pipes {
			pipe.Close()
		}
		x.mu.Unlock()
		x.readers.Wait()
	})
	return x
}

// proc is a process of a case.
type proc struct {
	sandbox.Process
	b      *bench
	lines  chan string // its standard output; closed at the end of it
	stderr *os.File
}

// command returns the command that runs the probe with a verb.
func (x *box) command(args ...string) sandbox.Command {
	return sandbox.Command{
		Args: append([]string{path.Join(x.Paths().Task, ProbeName)}, args...),
		Env: []string{
			"AWS_LAMBDA_RUNTIME_API=" + x.RuntimeAPI(),
			"PATH=/usr/local/bin:/usr/bin:/bin",
			"SANDBOXTEST_TOKEN=" + x.ID(), // what noTraces finds processes by
		},
	}
}

// start starts the probe with a verb.
func (x *box) start(args ...string) *proc {
	x.b.Helper()
	p, err := x.tryStart(x.command(args...))
	if err != nil {
		x.b.Fatalf("start %q: %v", args, err)
	}
	return p
}

// tryStart starts a command with its output connected to the result.
func (x *box) tryStart(cmd sandbox.Command) (*proc, error) {
	x.b.Helper()
	p, stdout := x.newProc()
	defer stdout.Close()
	cmd.Stdout, cmd.Stderr = stdout, p.stderr
	var err error
	if p.Process, err = x.Start(x.b.Context(), cmd); err != nil {
		return nil, err
	}
	return p, nil
}

// newProc makes a process that is still to be started: with its standard error and
// with the returned file as its standard output, which the caller closes then.
func (x *box) newProc() (p *proc, stdout *os.File) {
	x.b.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		x.b.Fatal(err)
	}
	stderr, err := os.CreateTemp(x.b.TempDir(), "stderr")
	if err != nil {
		x.b.Fatal(err)
	}
	x.b.Cleanup(func() { stderr.Close() })
	p = &proc{b: x.b, lines: make(chan string, 1024), stderr: stderr}
	x.mu.Lock()
	x.pipes = append(x.pipes, r)
	x.mu.Unlock()
	x.readers.Go(func() { // ends when nobody holds the write end, or in box's cleanup
		defer close(p.lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			p.lines <- s.Text()
		}
	})
	return p, w
}

// line returns the next line of standard output.
func (p *proc) line() string {
	p.b.Helper()
	select {
	case line, ok := <-p.lines:
		if !ok {
			p.b.Fatalf("standard output ended early; standard error: %s", p.errorText())
		}
		return line
	case <-time.After(patience):
		p.b.Fatalf("no line on standard output; standard error: %s", p.errorText())
	}
	return ""
}

// ready waits for n lines that say so.
func (p *proc) ready(n int) *proc {
	p.b.Helper()
	for range n {
		if line := p.line(); line != probe.Ready {
			p.b.Fatalf("got line %q, want %q", line, probe.Ready)
		}
	}
	return p
}

// exit waits for the end of the process.
func (p *proc) exit() sandbox.Exit {
	p.b.Helper()
	select {
	case <-p.Done():
		return p.Exit()
	case <-time.After(patience):
		p.b.Fatal("process has not ended")
	}
	return sandbox.Exit{}
}

func (p *proc) errorText() string {
	text, err := os.ReadFile(p.stderr.Name())
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text))
}

// output runs a verb to its end and returns the lines it printed. It must exit
// with 0.
func (x *box) output(args ...string) []string {
	x.b.Helper()
	p := x.start(args...)
	if exit := p.exit(); exit != (sandbox.Exit{}) {
		x.b.Fatalf("%q ended with %+v: %s", args, exit, p.errorText())
	}
	var lines []string
	for line := range p.lines {
		lines = append(lines, line)
	}
	return lines
}

// decode runs a verb that prints JSON.
func (x *box) decode(into any, args ...string) {
	x.b.Helper()
	lines := x.output(args...)
	if err := json.Unmarshal([]byte(strings.Join(lines, "\n")), into); err != nil {
		x.b.Fatalf("output of %q: %v", args, err)
	}
}

// accept returns the next connection to the Runtime API, closed after the case.
func (x *box) accept() net.Conn {
	x.b.Helper()
	conns := make(chan net.Conn, 1)
	x.readers.Go(func() { // ends with the listener at the latest
		conn, err := x.Listener().Accept()
		if err == nil {
			conns <- conn
		}
		close(conns)
	})
	select {
	case conn, ok := <-conns:
		if !ok {
			x.b.Fatal("the listener has failed")
		}
		x.b.Cleanup(func() { conn.Close() })
		return conn
	case <-time.After(patience):
		x.b.Fatal("nobody connected to the Runtime API")
	}
	return nil
}

// peer is the daemon's side of the verb "echo".
type peer struct {
	net.Conn
	*bufio.Scanner
	b *bench
}

// echo starts the verb "echo" and takes its connection.
func (x *box) echo() (*proc, *peer) {
	x.b.Helper()
	p := x.start("echo", x.ID())
	conn := x.accept()
	e := &peer{Conn: conn, Scanner: bufio.NewScanner(conn), b: x.b}
	if got, want := e.receive(patience), "hello "+x.ID(); got != want {
		x.b.Fatalf("the process said %q, want %q", got, want)
	}
	return p, e
}

// receive returns the next line, or "" when none came in time.
func (e *peer) receive(wait time.Duration) string {
	e.b.Helper()
	if err := e.SetReadDeadline(time.Now().Add(wait)); err != nil {
		e.b.Fatal(err)
	}
	if !e.Scan() {
		e.Scanner = bufio.NewScanner(e.Conn) // a scanner does not survive a deadline
		return ""
	}
	return e.Text()
}

// send writes a line.
func (e *peer) send(line string) {
	e.b.Helper()
	if err := e.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		e.b.Fatal(err)
	}
	if _, err := fmt.Fprintln(e.Conn, line); err != nil {
		e.b.Fatal(err)
	}
}

// usable checks that a sandbox runs processes that reach the Runtime API.
func (x *box) usable() {
	x.b.Helper()
	p, e := x.echo()
	e.send("still here")
	if got := e.receive(patience); got != "still here" {
		x.b.Fatalf("echo of the sandbox: got %q", got)
	}
	e.Conn.Close()
	if exit := p.exit(); exit != (sandbox.Exit{}) {
		x.b.Errorf("echo ended with %+v", exit)
	}
}

// eventually polls until a condition holds.
func (b *bench) eventually(what string, holds func() bool) {
	b.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			b.Fatalf("still not so: %s", what)
		}
	}
}

// bounded is a context that ends when a call takes unreasonably long.
func (b *bench) bounded() context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.Context()), patience)
	b.Cleanup(cancel)
	return ctx
}
