package namespace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox/namespace/stage2"
)

// spawner is the stage 2 process that the sandboxes are cloned from.
type spawner struct {
	link    *link
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
	if _, _, err := sp.link.run(ctx, t, files); err != nil {
		sp.close()
		return nil, fmt.Errorf("set up the spawner: %w", err)
	}
	return sp, nil
}

// startStage2 starts the program as a child, with /dev/null as its standard
// files and nothing else of the daemon's.
func startStage2(program *os.File, name string, attr *syscall.SysProcAttr) (*spawner, error) {
	l, remote, err := newLink()
	if err != nil {
		return nil, err
	}
	defer remote.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		l.close()
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
		l.close()
		return nil, err
	}
	sp := &spawner{link: l, process: p, done: make(chan struct{})}
	go func() { // ends when the process does; close waits for it
		defer close(sp.done)
		l.receive(func(stage2.Exit) {})
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
	reply, _, err := sp.link.run(context.WithoutCancel(ctx), t.Table, files)
	return int(reply.Value), err
}

// close ends the process.
func (sp *spawner) close() {
	sp.link.close()
	_ = sp.process.Kill() // it may be gone
	<-sp.done
}

// openProgram returns the stage 2 executable as a file that cannot change:
// sealed memory, or a file in the state directory where the host forbids to
// execute memory.
func openProgram(path string) (*os.File, error) {
	arch, err := stage2.Host()
	if err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate("hearth-stage2", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3 all are executable
		fd, err = unix.MemfdCreate("hearth-stage2", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return programFile(path, arch)
	}
	f := os.NewFile(uintptr(fd), "hearth-stage2")
	if _, err := f.Write(arch.ELF()); err != nil {
		f.Close()
		return nil, fmt.Errorf("write stage 2: %w", err)
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_WRITE|unix.F_SEAL_GROW|unix.F_SEAL_SHRINK); err != nil {
		f.Close()
		return nil, fmt.Errorf("seal stage 2: %w", err)
	}
	return highFD(f)
}

func programFile(path string, arch stage2.Arch) (*os.File, error) {
	if err := os.WriteFile(path, arch.ELF(), 0o755); err != nil {
		return nil, fmt.Errorf("write stage 2: %w", err)
	}
	f, err := os.Open(path)
	if err := errors.Join(err, os.Remove(path)); err != nil { // the open file is enough
		return nil, fmt.Errorf("open stage 2: %w", err)
	}
	return highFD(f)
}

// highFD moves a file to a descriptor above those that a child's standard
// files are put at, since the child executes it by its number.
func highFD(f *os.File) (*os.File, error) {
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 10)
	if err != nil {
		return nil, fmt.Errorf("move stage 2: %w", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}
