package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Fill is what the verb "fill" prints, as JSON.
type Fill struct {
	Written int64
	Full    bool // stopped by ENOSPC or EDQUOT
	Err     string
}

// CPU is what the verb "burn" prints, as JSON.
type CPU struct {
	Wall, Used time.Duration
}

// Status is what the verb "status" prints, as JSON.
type Status struct {
	UID, GID   int
	CapEff     string // hexadecimal
	NoNewPrivs string
	Seccomp    string
}

// connect writes text to a Unix socket.
func connect(path, text string) error {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return err
	}
	_, err = io.WriteString(conn, text)
	return errors.Join(err, conn.Close())
}

// runOS runs the verbs that need a process of the operating system.
func runOS(ctx context.Context, p Proc) int {
	verb, args := p.Args[0], p.Args[1:]
	switch verb {
	case "tree":
		return tree(ctx, p)
	case "grandparent":
		return grandparent(ctx, p)
	case "daemon":
		return daemon(p)
	case "orphans":
		return orphans(p, args)
	case "readable":
		return list(p, slices.DeleteFunc(args, func(path string) bool { return !readable(path) }))
	case "writable":
		return list(p, writable())
	case "dial":
		return list(p, slices.DeleteFunc(args, func(addr string) bool { return !dials(addr) }))
	case "connect":
		return done(p, connect(args[0], args[1]))
	case "write":
		return done(p, os.WriteFile(args[0], []byte(args[1]), 0o600))
	case "cat":
		text, err := os.ReadFile(args[0])
		if err == nil {
			_, err = p.Stdout.Write(text)
		}
		return done(p, err)
	case "alloc":
		return alloc(p, args)
	case "fill":
		return fill(p, args)
	case "burn":
		return burn(ctx, p, args)
	case "spin":
		return spin(ctx, p)
	default:
		return runHost(ctx, p)
	}
}

// tree starts a child, a grandchild, a child in its own process group and a
// daemon that left session, parent and standard output. Everyone prints Ready
// and holds.
func tree(ctx context.Context, p Proc) int {
	for _, verb := range []string{"hold", "grandparent"} {
		if err := child(verb, nil).Start(); err != nil {
			return done(p, err)
		}
	}
	if err := child("hold", &syscall.SysProcAttr{Setpgid: true}).Start(); err != nil {
		return done(p, err)
	}
	// The daemon's parent ends at once, so that the daemon is an orphan.
	if err := child("daemon", &syscall.SysProcAttr{Setsid: true}).Run(); err != nil {
		return done(p, err)
	}
	fmt.Fprintln(p.Stdout, Ready)
	<-ctx.Done()
	return 0
}

// TreeSize is how many processes print Ready under the verb "tree".
const TreeSize = 6

func grandparent(ctx context.Context, p Proc) int {
	if err := child("hold", nil).Start(); err != nil {
		return done(p, err)
	}
	fmt.Fprintln(p.Stdout, Ready)
	<-ctx.Done()
	return 0
}

func daemon(p Proc) int {
	return done(p, child("hold", &syscall.SysProcAttr{Setsid: true}).Start())
}

// child is this program again with another verb, its environment and output
// inherited.
func child(verb string, attr *syscall.SysProcAttr) *exec.Cmd {
	cmd := exec.Command(os.Args[0], verb)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = os.Stdout, os.Stderr, attr
	return cmd
}

// orphans leaves n children behind that end after this process has.
func orphans(p Proc, args []string) int {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return CodeUsage
	}
	for range n {
		// The child ends when its standard input does, and that is a pipe
		// whose only writer is this process.
		cmd := exec.Command("/bin/sh", "-c", "read line; exit 3")
		if _, err := cmd.StdinPipe(); err != nil {
			return done(p, err)
		}
		if err := cmd.Start(); err != nil {
			return done(p, err)
		}
	}
	return 0
}

// readable says whether a file can be read or a directory listed and is not
// empty: an empty directory gives nothing away.
func readable(path string) bool {
	if entries, err := os.ReadDir(path); err == nil {
		return len(entries) > 0
	}
	_, err := os.ReadFile(path)
	return err == nil
}

// writable returns the directories of the first three levels in which a file
// can be created. /proc is left out: creating files is not what it is for.
func writable() []string {
	var found []string
	_ = filepath.WalkDir("/", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && d != nil && d.IsDir():
			return fs.SkipDir
		case err != nil || !d.IsDir():
			return nil
		case path == "/proc" || strings.Count(path, "/") > 3:
			return fs.SkipDir
		}
		name := filepath.Join(path, ".probe")
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return nil
		}
		f.Close()
		os.Remove(name)
		found = append(found, path)
		return nil
	})
	return found
}

func dials(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// alloc touches every page of n bytes and holds on to them.
func alloc(p Proc, args []string) int {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return CodeUsage
	}
	block := make([]byte, n)
	for i := 0; i < n; i += 4096 {
		block[i] = 1
	}
	fmt.Fprintln(p.Stdout, len(block))
	return 0
}

// fill writes n bytes to the file in its first argument.
func fill(p Proc, args []string) int {
	n, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return CodeUsage
	}
	f, err := os.OpenFile(args[0], os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return done(p, err)
	}
	defer f.Close()
	var sum Fill
	for block := make([]byte, 64<<10); sum.Written < n && sum.Err == ""; {
		k, err := f.Write(block)
		sum.Written += int64(k)
		if err != nil {
			sum.Err = err.Error()
			sum.Full = errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
		}
	}
	return done(p, json.NewEncoder(p.Stdout).Encode(sum))
}

// burn uses as much of one core as it gets for the milliseconds in its first
// argument.
func burn(ctx context.Context, p Proc, args []string) int {
	ms, err := strconv.Atoi(args[0])
	if err != nil {
		return CodeUsage
	}
	start := time.Now()
	for time.Since(start) < time.Duration(ms)*time.Millisecond && ctx.Err() == nil {
	}
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return done(p, err)
	}
	used := time.Duration(use.Utime.Nano() + use.Stime.Nano())
	return done(p, json.NewEncoder(p.Stdout).Encode(CPU{Wall: time.Since(start), Used: used}))
}

func spin(ctx context.Context, p Proc) int {
	fmt.Fprintln(p.Stdout, Ready)
	for ctx.Err() == nil {
	}
	return 0
}

func list(p Proc, lines []string) int {
	for _, line := range lines {
		fmt.Fprintln(p.Stdout, line)
	}
	return 0
}

func done(p Proc, err error) int {
	if err != nil {
		fmt.Fprintln(p.Stderr, "probe:", err)
		return CodeFailed
	}
	return 0
}
