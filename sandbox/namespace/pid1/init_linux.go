package pid1

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox/namespace/rootfs"
	"github.com/hearthd/hearth/sandbox/namespace/stage2"
)

// Init is pid 1 of a sandbox. When it ends, the kernel kills all processes of
// the sandbox with it.
type Init struct {
	host        *Host
	hostNetwork bool
	link        *stage2.Link
	process     *os.Process
	processes   processes
	done        chan struct{} // closed when no process is left
}

// Clone clones a pid 1, as a child of the daemon. group, when not nil, is the v2
// control group that it starts in. It shares the daemon's network namespace, or
// gets one of its own. The caller must Kill it and wait for Done.
func (sp *Spawner) Clone(ctx context.Context, group *os.File, hostNetwork bool) (*Init, error) {
	l, remote, err := stage2.NewLink()
	if err != nil {
		return nil, err
	}
	defer remote.Close()
	flags := uint64(namespaces)
	if !hostNetwork {
		flags |= unix.CLONE_NEWNET
	}
	pid, err := sp.clone(ctx, remote, group, flags)
	if err != nil {
		l.Close()
		return nil, err
	}
	i := &Init{host: sp.host, hostNetwork: hostNetwork, link: l, done: make(chan struct{})}
	// Nobody else waits for the pid, so it cannot be another process.
	if i.process, err = os.FindProcess(pid); err != nil {
		l.Close()
		return nil, err
	}
	go func() { // ends when pid 1 does; whoever kills it waits for done
		defer close(i.done)
		l.Receive(i.processes.exit)
		i.Kill() // it broke the protocol, or it is gone
		_, _ = i.process.Wait()
		i.processes.end()
	}()
	return i, nil
}

// Pid is its process id in the daemon's pid namespace.
func (i *Init) Pid() int { return i.process.Pid }

// Done is closed when no process can run in the sandbox any more.
func (i *Init) Done() <-chan struct{} { return i.done }

// Kill kills it, and with it every process of the sandbox.
func (i *Init) Kill() { _ = i.process.Kill() } // it may be gone

// MapIDs gives its user namespace ids: contents of uid_map and gid_map.
func (i *Init) MapIDs(uid, gid string) error {
	if err := writeFile(i.proc("gid_map"), gid); err != nil {
		return err
	}
	return writeFile(i.proc("uid_map"), uid)
}

// UserNamespace opens the user namespace of the sandbox. The caller closes it.
func (i *Init) UserNamespace() (*os.File, error) { return os.Open(i.proc("ns/user")) }

// NetworkNamespace opens the network namespace that the sandbox is in. The
// caller closes it.
func (i *Init) NetworkNamespace() (*os.File, error) { return os.Open(i.proc("ns/net")) }

// proc is a file of the process in the daemon's /proc.
func (i *Init) proc(name string) string {
	return "/proc/" + strconv.Itoa(i.process.Pid) + "/" + name
}

// Mount mounts in the sandbox, in order. The binds remain the caller's.
func (i *Init) Mount(ctx context.Context, binds []rootfs.Bind) error {
	t := stage2.NewScript()
	for n, b := range binds {
		makePoint(t, b)
		t.Attach("mount "+b.Target, stage2.FD(n), t.String(b.Target))
	}
	t.Finish()
	_, _, err := i.link.Run(ctx, t.Table, rootfs.Mounts(binds))
	return err
}

// makePoint makes the mount point of a bind, with its parents, where the bind
// has none. What is there already may stay: the mount tells if it will not do.
func makePoint(t *stage2.Script, b rootfs.Bind) {
	if b.Point == 0 {
		return
	}
	for i := 1; i < len(b.Target); i++ {
		if b.Target[i] == '/' {
			t.Call("make "+b.Target[:i], unix.SYS_MKDIRAT, num(unix.AT_FDCWD), t.String(b.Target[:i]), num(0o755))
		}
	}
	if b.Point == unix.S_IFDIR {
		t.Call("make "+b.Target, unix.SYS_MKDIRAT, num(unix.AT_FDCWD), t.String(b.Target), num(0o755))
		return
	}
	t.Call("make "+b.Target, unix.SYS_MKNODAT, num(unix.AT_FDCWD), t.String(b.Target), num(unix.S_IFREG|0o644), num(0))
}

// writeFile writes to a file of the kernel in one call.
func writeFile(name, content string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(content); err != nil {
		f.Close()
		return fmt.Errorf("write %q: %w", content, err)
	}
	return f.Close()
}

func num[T stage2.Word](v T) stage2.Arg { return stage2.Int(v) }
