package main

import (
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// do runs one command:
//
//	METHOD PATH, or a name of requests  a request; see request
//	raw N TEXT      TEXT (a Go string, unquoted) on a connection of its own, and N answers
//	half N TEXT     the same, and this side of the connection is closed after it
//	pipe N TEXT     the same as raw, with {id} of the first answer in what follows " // "
//	print TEXT      a line of output, with \n and \r in it; eprint: of errors; write:
//	                the same without its newline
//	touch NAME      a file that others await NAME
//	sleep MS        milliseconds
//	bg COMMAND      runs beside the next ones
//	term [ignore]   say that SIGTERM came, and exit with 0, or do not
//	exit N          kill NAME: KILL, SEGV or ABRT, of itself
//	env NAME...     which of the variables are there
//	listen http|tcp a subscriber of telemetry; events TYPE: what it has once TYPE came
//	again           the script from its first command on
func (a *actor) do(line string) {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "raw", "half", "pipe":
		count, text, _ := strings.Cut(rest, " ")
		a.raw(verb, count, a.expand(text))
	case "print":
		_, _ = os.Stdout.WriteString(escaped(rest) + "\n")
	case "eprint":
		_, _ = os.Stderr.WriteString(rest + "\n")
	case "write":
		_, _ = os.Stderr.WriteString(rest)
	case "touch", "await":
		a.meet(verb, rest)
	case "sleep":
		ms, _ := strconv.Atoi(rest)
		<-time.After(time.Duration(ms) * time.Millisecond)
	case "bg":
		go a.do(rest)
	case "term":
		a.onTerm(rest == "ignore")
	case "exit":
		code, _ := strconv.Atoi(rest)
		os.Exit(code)
	case "kill":
		sig := map[string]syscall.Signal{"KILL": syscall.SIGKILL, "SEGV": syscall.SIGSEGV, "ABRT": syscall.SIGABRT}[rest]
		signal.Reset(sig)
		_ = syscall.Kill(os.Getpid(), sig)
		select {}
	case "env":
		a.variables(strings.Fields(rest))
	case "listen":
		a.listen(rest)
	case "events":
		a.events(rest)
	default:
		a.request(line)
	}
}

func escaped(text string) string { return strings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(text) }

// meet makes, or waits for, a file that the actors of a sandbox share.
func (a *actor) meet(verb, name string) {
	path := filepath.Join(os.TempDir(), "met-"+name)
	if verb == "touch" {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			a.tell("touch: %v", err)
		}
		return
	}
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		<-time.After(2 * time.Millisecond)
	}
}

func (a *actor) onTerm(ignore bool) {
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	go func() { // until the process ends
		<-term
		a.tell("SIGTERM")
		if !ignore {
			os.Exit(0)
		}
	}()
}

func (a *actor) variables(names []string) {
	for _, name := range names {
		value, ok := os.LookupEnv(name)
		switch {
		case !ok:
			a.tell("%s is not set", name)
		case strings.Contains(name, "KEY"):
			a.tell("%s is set", name)
		default:
			a.tell("%s=%s", name, value)
		}
	}
}

// listen begins to take telemetry, on a port that is free.
func (a *actor) listen(protocol string) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		a.tell("listen: %v", err)
		return
	}
	a.mu.Lock()
	a.port = l.Addr().(*net.TCPAddr).Port
	a.mu.Unlock()
	if protocol == "tcp" {
		go a.takeStream(l) // until the process ends, as the next
		return
	}
	go func() { _ = http.Serve(l, http.HandlerFunc(a.takeBatch)) }()
}
