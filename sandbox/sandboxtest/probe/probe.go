// Package probe is the program that the conformance suite runs inside
// sandboxes. It is a set of verbs, each of which does one small thing and
// reports what it saw on standard output: exit with a code, hold, answer over
// the Runtime API connection, try to read what must not be readable.
//
// Verbs of this file need nothing but a Proc and so run as a goroutine of a
// simulated driver as well; the others (os.go, linux.go) need a process of the
// operating system. Package probe/cmd wraps them all into an executable.
package probe

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
)

// Ready is the line that a verb prints when it has reached its steady state.
const Ready = "ready"

// Codes that a probe exits with when a verb could not do its work. They are
// high so that a test that expects a code of its own never meets them.
const (
	CodeUsage  = 120
	CodeFailed = 121
)

// Proc is what a verb sees of the process that it runs in.
type Proc struct {
	Args   []string // the verb and its arguments
	Env    []string
	Dir    string
	Stdout io.Writer
	Stderr io.Writer
	// Dial connects to the sandbox's Runtime API.
	Dial func() (net.Conn, error)
	// Listen opens a TCP port, and Send sends a datagram to the daemon.
	Listen func(address string) (net.Listener, error)
	Send   func(address string, datagram []byte) error
	Log    func() io.Writer // on sandbox.LogFD
	// Keep is what a simulated process has a snapshot hold of it; a real one's
	// memory is in its snapshot anyhow. Nil: not simulated.
	Keep func(state []byte)
	// Conns are the connections to the Runtime API of a simulated process that was
	// restored.
	Conns []net.Conn
}

// Report is what the verb "report" prints, as JSON.
type Report struct {
	Args []string
	Env  []string
	Dir  string
}

// Run runs the verb in p.Args and returns the exit code.
func Run(ctx context.Context, p Proc) int {
	if len(p.Args) == 0 {
		fmt.Fprintln(p.Stderr, "probe: no verb")
		return CodeUsage
	}
	switch verb := p.Args[0]; verb {
	case "exit":
		code, err := strconv.Atoi(p.Args[1])
		if err != nil {
			return CodeUsage
		}
		return code
	case "report":
		return report(p)
	case "hold":
		fmt.Fprintln(p.Stdout, Ready)
		<-ctx.Done()
		return 0
	case "echo":
		return echo(ctx, p)
	case "tally":
		return tally(ctx, p)
	case "serve":
		return serve(ctx, p)
	case "send":
		return done(p, p.Send(p.Args[1], []byte(p.Args[2])))
	case "log":
		_, err := io.WriteString(p.Log(), p.Args[1])
		return done(p, err)
	default:
		return runOS(ctx, p)
	}
}

// report prints what the process was started with, and its second argument on
// standard error.
func report(p Proc) int {
	if err := json.NewEncoder(p.Stdout).Encode(Report{Args: p.Args, Env: p.Env, Dir: p.Dir}); err != nil {
		return CodeFailed
	}
	if len(p.Args) > 1 {
		fmt.Fprintln(p.Stderr, p.Args[1])
	}
	return 0
}

// echo connects to the Runtime API, says hello with its argument, and sends
// every line back until the other end hangs up.
func echo(ctx context.Context, p Proc) int {
	conn, err := p.Dial()
	if err != nil {
		fmt.Fprintln(p.Stderr, "probe:", err)
		return CodeFailed
	}
	hello := "hello"
	if len(p.Args) > 1 {
		hello += " " + p.Args[1]
	}
	return converse(ctx, conn, hello)
}

// serve listens on its argument, and is to the first connection what echo is to
// the Runtime API.
func serve(ctx context.Context, p Proc) int {
	l, err := p.Listen(p.Args[1])
	if err != nil {
		return done(p, err)
	}
	defer l.Close()
	fmt.Fprintln(p.Stdout, Ready)
	conn, err := l.Accept()
	if err != nil {
		return done(p, err)
	}
	return converse(ctx, conn, "hello "+p.Args[1])
}

// converse says hello and sends every line back until the other end hangs up.
func converse(ctx context.Context, conn net.Conn, hello string) int {
	defer conn.Close()
	// A simulated process ends when its context does; closing the connection
	// is what gets it out of the read.
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := fmt.Fprintln(conn, hello); err != nil {
		return CodeFailed
	}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if _, err := fmt.Fprintln(conn, lines.Text()); err != nil {
			return CodeFailed
		}
	}
	return 0
}

// tally connects to the Runtime API, says hello with its argument, and answers every
// line with how many there were, until the other end hangs up. It says the same on
// standard output and standard error.
func tally(ctx context.Context, p Proc) int {
	conn, err := p.Dial()
	if err != nil {
		return done(p, err)
	}
	if _, err := fmt.Fprintln(conn, "hello "+p.Args[1]); err != nil {
		return CodeFailed
	}
	return count(ctx, p, conn, 0)
}

// Resume is Run for a simulated process that was restored: a verb goes on from the
// state that it had.
func Resume(ctx context.Context, p Proc, state []byte) int {
	n, err := strconv.Atoi(string(state))
	if err != nil || len(p.Conns) != 1 {
		return CodeUsage
	}
	return count(ctx, p, p.Conns[0], n)
}

// count goes on with tally after n lines.
func count(ctx context.Context, p Proc, conn net.Conn, n int) int {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	keep := func() {
		if p.Keep != nil {
			p.Keep([]byte(strconv.Itoa(n)))
		}
	}
	keep()
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		n++
		keep() // the answer comes after it, and a snapshot after the answer
		for _, to := range []io.Writer{p.Stdout, p.Stderr, conn} {
			if _, err := fmt.Fprintln(to, n); err != nil {
				return CodeFailed
			}
		}
	}
	return 0
}
