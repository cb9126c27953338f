package pid1

import (
	"context"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox/namespace/rootfs"
	"github.com/hearthd/hearth/sandbox/namespace/seccomp"
	"github.com/hearthd/hearth/sandbox/namespace/stage2"
)

// Host is what all sandboxes of a driver have in common.
type Host struct {
	Program  *os.File              // the stage 2 executable
	Skeleton *rootfs.Skeleton      // the root of sandboxes
	Filter   []seccomp.Instruction // of the processes that are started in them
	// LastCap is the highest capability that the kernel knows.
	LastCap int
	// KeepGroups says that supplementary groups cannot be dropped.
	KeepGroups bool
}

// Spawner is the stage 2 process that the sandboxes are cloned from: it has a
// few pages, so that a clone costs the same whatever the daemon's size.
type Spawner struct {
	host    *Host
	link    *stage2.Link
	process *os.Process
	done    chan struct{} // closed when the process was waited for
}

// cloneArgsSize is the size of struct clone_args with the cgroup field.
const cloneArgsSize = 88

// namespaces are those that a sandbox's pid 1 is cloned into. Its cgroup
// namespace it makes itself, once it is in its group.
const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS

// CallClone is the call that also enters a v2 control group.
const CallClone = "clone with new namespaces"

// NewSpawner starts the program and gives it the skeleton as its root. The
// caller must Close the spawner; what the host has must last as long.
func NewSpawner(ctx context.Context, host *Host) (*Spawner, error) {
	binds, err := host.Skeleton.HostBinds()
	defer func() { rootfs.CloseBinds(binds) }()
	if err != nil {
		return nil, fmt.Errorf("set up the spawner: %w", err)
	}
	self, err := host.Skeleton.Open()
	if err != nil {
		return nil, err
	}
	defer self.Close()
	sp, err := startStage2(host, "hearth-stage2", &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS})
	if err != nil {
		return nil, fmt.Errorf("start the spawner: %w", err)
	}
	t, files := rootTable(host.Skeleton.Dir(), binds, self)
	if _, _, err := sp.link.Run(ctx, t, files); err != nil {
		sp.Close()
		return nil, fmt.Errorf("set up the spawner: %w", err)
	}
	return sp, nil
}

// rootTable makes the skeleton the root of the process that runs it, with the
// binds in it, and drops all else from its mount namespace.
func rootTable(dir string, binds []rootfs.Bind, self *os.File) (*stage2.Table, []*os.File) {
	t := stage2.NewScript()
	files := []*os.File{self}
	t.Must("make mounts private", unix.SYS_MOUNT, num(0), t.String("/"), num(0), num(unix.MS_REC|unix.MS_PRIVATE), num(0))
	t.Attach("mount "+dir, stage2.FD(0), t.String(dir))
	t.Must("chdir "+dir, unix.SYS_CHDIR, t.String(dir))
	for i, b := range binds {
		t.Attach("mount "+b.Target, stage2.FD(i+1), t.String(b.Target[1:]))
		files = append(files, b.Mount)
	}
	dot := t.String(".")
	t.Must("pivot_root", unix.SYS_PIVOT_ROOT, dot, dot)
	t.Must("detach the host's root", unix.SYS_UMOUNT2, dot, num(unix.MNT_DETACH))
	t.Must("chdir /", unix.SYS_CHDIR, t.String("/"))
	t.Must("name", unix.SYS_PRCTL, num(unix.PR_SET_NAME), t.String("hearth-spawner"))
	t.Finish()
	return t.Table, files
}

// startStage2 starts the program as a child, with /dev/null as its standard
// files and nothing else of the daemon's.
func startStage2(host *Host, name string, attr *syscall.SysProcAttr) (*Spawner, error) {
	l, remote, err := stage2.NewLink()
	if err != nil {
		return nil, err
	}
	defer remote.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		l.Close()
		return nil, err
	}
	defer null.Close()
	p, err := os.StartProcess(fmt.Sprintf("/proc/self/fd/%d", host.Program.Fd()), []string{name}, &os.ProcAttr{
		Files: []*os.File{null, null, null, remote},
		Env:   []string{},
		Dir:   "/",
		Sys:   attr,
	})
	if err != nil {
		l.Close()
		return nil, err
	}
	sp := &Spawner{host: host, link: l, process: p, done: make(chan struct{})}
	go func() { // ends when the process does; Close waits for it
		defer close(sp.done)
		l.Receive(func(stage2.Exit) {})
		_ = p.Kill() // it broke the protocol, or it is gone
		_, _ = p.Wait()
	}()
	return sp, nil
}

// clone clones a new pid 1. remote becomes its control socket; group, when not
// nil, is the v2 control group to start in. The new process is a child of the
// daemon, which must wait for it.
func (sp *Spawner) clone(ctx context.Context, remote, group *os.File, flags uint64) (pid int, err error) {
	t, files := stage2.NewScript(), []*os.File{remote}
	child := t.Label()
	into := num(0)
	if group != nil {
		files = append(files, group)
		flags |= unix.CLONE_INTO_CGROUP
		into = num(stage2.GroupFD)
		t.Must("keep the group", unix.SYS_DUP3, stage2.FD(1), into, num(unix.O_CLOEXEC))
	}
	message, value := t.ReplyWords()
	args := t.Words(num(flags|unix.CLONE_PARENT), num(0), num(0), num(0), num(0), num(0), num(0), num(0), num(0), num(0), into)
	t.Must(CallClone, unix.SYS_CLONE3, args, num(cloneArgsSize)).Store(value)
	t.Move(stage2.Load(value)).IfEqual(0, child)
	t.Reply(message)
	t.Release()

	// The new pid 1 takes its own control socket and keeps nothing else.
	t.Place(child)
	t.Call("control socket", unix.SYS_DUP3, stage2.FD(0), num(stage2.ControlFD), num(unix.O_CLOEXEC))
	t.Release()
	t.End()
	if err := context.Cause(ctx); err != nil {
		return 0, err
	}
	// From here on there may be a process: its pid must not be lost, nor the
	// spawner with one caller's patience.
	reply, _, err := sp.link.Run(context.WithoutCancel(ctx), t.Table, files)
	return int(reply.Value), err
}

// Pid is the process's.
func (sp *Spawner) Pid() int { return sp.process.Pid }

// Done is closed when the process has ended.
func (sp *Spawner) Done() <-chan struct{} { return sp.done }

// Close ends the process. The sandboxes that were cloned from it stay.
func (sp *Spawner) Close() {
	sp.link.Close()
	_ = sp.process.Kill() // it may be gone
	<-sp.done
}
