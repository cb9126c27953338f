package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// runHost runs the verbs that need Linux.
func runHost(_ context.Context, p Proc) int {
	verb, args := p.Args[0], p.Args[1:]
	switch verb {
	case "status":
		return status(p)
	case "fds":
		return fds(p)
	case "zombies":
		return zombies(p)
	case "tokens":
		return tokens(p, args)
	case "signal":
		pid, err := strconv.Atoi(args[0])
		if err != nil {
			return CodeUsage
		}
		return done(p, syscall.Kill(pid, 0))
	default:
		fmt.Fprintln(p.Stderr, "probe: unknown verb", verb)
		return CodeUsage
	}
}

func status(p Proc) int {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return done(p, err)
	}
	s := Status{UID: os.Getuid(), GID: os.Getgid()}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		switch value = strings.TrimSpace(value); key {
		case "CapEff":
			s.CapEff = value
		case "NoNewPrivs":
			s.NoNewPrivs = value
		case "Seccomp":
			s.Seccomp = value
		}
	}
	return done(p, json.NewEncoder(p.Stdout).Encode(s))
}

// fds prints what the process has open besides its standard streams. What the
// Go runtime opens for itself is left out: the poller, and the CPU limits by
// which it sets GOMAXPROCS.
func fds(p Proc) int {
	names, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		return done(p, err)
	}
	for _, name := range names {
		target, err := os.Readlink(name)
		if err != nil || strings.HasPrefix(target, "anon_inode:") ||
			strings.HasPrefix(target, "/sys/fs/cgroup/") && strings.HasPrefix(filepath.Base(target), "cpu.") {
			continue // an error: the descriptor that listed the directory
		}
		if fd, err := strconv.Atoi(filepath.Base(name)); err == nil && fd > 2 {
			fmt.Fprintln(p.Stdout, fd, target)
		}
	}
	return 0
}

// zombies prints the pid of every visible process that has ended and was not
// waited for.
func zombies(p Proc) int {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return done(p, err)
	}
	if len(stats) == 0 { // without this, no /proc would pass for no zombies
		return done(p, errors.New("no processes in /proc"))
	}
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // gone since
		}
		if _, rest, ok := strings.Cut(string(text), ") "); ok && strings.HasPrefix(rest, "Z") {
			fmt.Fprintln(p.Stdout, name)
		}
	}
	return 0
}

// tokens prints the pid of every visible process whose environment holds the
// string in the first argument.
func tokens(p Proc, args []string) int {
	names, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return done(p, err)
	}
	for _, name := range names {
		if text, err := os.ReadFile(name); err == nil && strings.Contains(string(text), args[0]) {
			fmt.Fprintln(p.Stdout, name)
		}
	}
	return 0
}
