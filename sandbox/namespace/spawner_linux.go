package namespace

import (
	"context"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox/namespace/stage2"
)

// spawner is the stage 2 process that the sandboxes are cloned from.
type spawner struct {
	link    *stage2.Link
	process *os.Process
	done    chan struct{} // closed when the process was waited for
}

// namespaces are those that a sandbox's pid 1 is cloned into. Its cgroup
// namespace it makes itself, once it is in its group.
const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS

// callClone is the call that also enters a v2 control group.
const callClone = "clone with new namespaces"

// startSpawner starts the program and gives it the skeleton as its root.
func startSpawner(ctx context.Context, program *os.File, s *skeleton) (*spawner, error) {
	binds, err := s.hostBinds()
	defer func() { closeAll(mounts(binds)) }()
	if err != nil {
		return nil, fmt.Errorf("set up the spawner: %w", err)
	}
	self, err := openBind(s.dir, "/", attrReadOnly)
	if err != nil {
		return nil, err
	}
	defer self.mount.Close()
	sp, err := startStage2(program, "hearth-stage2", &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS})
	if err != nil {
		return nil, fmt.Errorf("start the spawner: %w", err)
	}
	t, files := rootTable(s, binds, self)
	if _, _, err := sp.link.Run(ctx, t, files); err != nil {
		sp.close()
		return nil, fmt.Errorf("set up the spawner: %w", err)
	}
	return sp, nil
}

// startStage2 starts the program as a child, with /dev/null as its standard
// files and nothing else of the daemon's.
func startStage2(program *os.File, name string, attr *syscall.SysProcAttr) (*spawner, error) {
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
	p, err := os.StartProcess(fmt.Sprintf("/proc/self/fd/%d", program.Fd()), []string{name}, &os.ProcAttr{
		Files: []*os.File{null, null, null, remote},
		Env:   []string{},
		Dir:   "/",
		Sys:   attr,
	})
	if err != nil {
		l.Close()
		return nil, err
	}
	sp := &spawner{link: l, process: p, done: make(chan struct{})}
	go func() { // ends when the process does; close waits for it
		defer close(sp.done)
		l.Receive(func(stage2.Exit) {})
		_ = p.Kill() // it broke the protocol, or it is gone
		_, _ = p.Wait()
	}()
	return sp, nil
}

// spawn clones a new pid 1. remote becomes its control socket; group, when not
// nil, is the v2 control group to start in. The new process is a child of the
// daemon, which must wait for it.
func (sp *spawner) spawn(ctx context.Context, remote, group *os.File, flags uint64) (pid int, err error) {
	t, files := newTable(), []*os.File{remote}
	child := t.Label()
	into := num(0)
	if group != nil {
		files = append(files, group)
		flags |= unix.CLONE_INTO_CGROUP
		into = num(stage2.GroupFD)
		t.call("keep the group", unix.SYS_DUP3, stage2.FD(1), into, num(unix.O_CLOEXEC))
	}
	message, value := t.ReplyWords()
	args := t.Words(num(flags|unix.CLONE_PARENT), num(0), num(0), num(0), num(0), num(0), num(0), num(0), num(0), num(0), into)
	t.call(callClone, unix.SYS_CLONE3, args, num(cloneArgsSize)).Store(value)
	t.Move(stage2.Load(value)).IfEqual(0, child)
	t.Call("reply", unix.SYS_SENDTO, num(stage2.ControlFD), message, stage2.MessageSize(), num(unix.MSG_NOSIGNAL))
	t.release()

	// The new pid 1 takes its own control socket and keeps nothing else.
	t.Place(child)
	t.Call("control socket", unix.SYS_DUP3, stage2.FD(0), num(stage2.ControlFD), num(unix.O_CLOEXEC))
	t.release()
	t.end()
	if err := context.Cause(ctx); err != nil {
		return 0, err
	}
	// From here on there may be a process: its pid must not be lost, nor the
	// spawner with one caller's patience.
	reply, _, err := sp.link.Run(context.WithoutCancel(ctx), t.Table, files)
	return int(reply.Value), err
}

// close ends the process.
func (sp *spawner) close() {
	sp.link.Close()
	_ = sp.process.Kill() // it may be gone
	<-sp.done
}
