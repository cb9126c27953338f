package pid1

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace/rootfs"
	"github.com/hearthd/hearth/sandbox/namespace/seccomp"
	"github.com/hearthd/hearth/sandbox/namespace/stage2"
	"github.com/hearthd/hearth/sandbox/namespace/userns"
)

// Names of calls whose failure says something.
const (
	callExec  = "execve"
	callChdir = "chdir"
	// CallFork also enters the inner control group.
	CallFork = "fork"
)

// rlimits of a function's processes, as on Lambda; the number of processes is
// the sandbox's. A hard limit that is lower on the host stays.
var rlimits = [...]struct {
	resource   int
	soft, hard uint64
}{
	{unix.RLIMIT_NOFILE, 1024, 1024},
	{unix.RLIMIT_MEMLOCK, 64 << 10, 64 << 10},
	{unix.RLIMIT_STACK, 8 << 20, unix.RLIM_INFINITY},
}

// coreLimit is the size in bytes of a core dump: none. AWS says 10 GiB, and has
// nowhere to put one. Where core_pattern is a pipe, the kernel would start the host's
// program with a function's memory for any other limit than one byte, zero included.
const coreLimit = 1

// Start makes pid 1 fork a process, which executes cmd, and returns when it does.
// The sandbox has maxProcesses, in the group of Setup if inner.
func (i *Init) Start(ctx context.Context, cmd sandbox.Command, maxProcesses int, inner bool) (sandbox.Process, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	slot, p, err := i.processes.take()
	if err != nil {
		return nil, err
	}
	report, theirs, err := os.Pipe()
	if err != nil {
		i.processes.drop(slot)
		return nil, fmt.Errorf("start process: %w", err)
	}
	defer report.Close()
	t, files := i.startTable(cmd, slot, maxProcesses, inner, theirs)
	// The fork takes microseconds, and its outcome must not be lost.
	_, received, err := i.link.Run(context.WithoutCancel(ctx), t.Table, files)
	theirs.Close()
	if err != nil {
		i.processes.drop(slot)
		stage2.CloseFiles(received)
		return nil, fmt.Errorf("start process: %w", err)
	}
	p.opened(received[0])
	if err := awaitExec(ctx, report, t, cmd); err != nil {
		_ = p.Signal(syscall.SIGKILL) // it may have ended
		<-p.done
		return nil, err
	}
	return p, nil
}

// awaitExec waits until the new process executes its command, which closes the
// pipe, or reports what failed.
func awaitExec(ctx context.Context, report *os.File, t *stage2.Script, cmd sandbox.Command) error {
	stop := context.AfterFunc(ctx, func() { _ = report.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	b := make([]byte, 64)
	n, err := report.Read(b)
	if n == 0 {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return context.Cause(ctx)
		}
		return nil // executed, or killed before it: its end will tell
	}
	m, err := stage2.ParseMessage(b[:n])
	f, ok := m.(stage2.Fault)
	if err != nil || !ok {
		return fmt.Errorf("start process: unexpected report %v: %w", m, err)
	}
	what := t.What(f)
	switch {
	case what == callExec && unexecutable(f.Errno):
		return fmt.Errorf("%s: %w: %w", cmd.Args[0], sandbox.ErrEntrypoint, f.Errno)
	case what == callChdir:
		return fmt.Errorf("%s: %w: %w", cmd.Dir, sandbox.ErrWorkingDir, f.Errno)
	}
	return fmt.Errorf("start process: %w", &stage2.CallError{What: what, Errno: f.Errno})
}

// unexecutable says that execve failed for what the file is, not for want of
// memory or because the arguments are too long.
func unexecutable(e syscall.Errno) bool {
	switch e {
	case unix.ENOENT, unix.EACCES, unix.EPERM, unix.ENOEXEC, unix.ENOTDIR, unix.EISDIR, unix.ELOOP,
		unix.EINVAL, unix.ELIBBAD, unix.ENAMETOOLONG, unix.ETXTBSY:
		return true
	}
	return false
}

// ignorable are signals that shells and nohup make a daemon ignore, and with it
// all that it starts; and the two with which threads of the C library end each
// other, which its posix_spawn leaves ignored in what make and others start.
var ignorable = [...]unix.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, 32, 33}

// startTable forks, sends a pidfd of the new process to the daemon, and lets
// the new process become the command. All descriptors of pid 1 are close-on-exec,
// the report among them.
func (i *Init) startTable(cmd sandbox.Command, slot, maxProcesses int, inner bool, report *os.File) (*stage2.Script, []*os.File) {
	t, files := stage2.NewScript(), []*os.File{report}
	child := t.Label()
	flags, group := uint64(unix.CLONE_PIDFD), num(0)
	if inner {
		flags, group = flags|unix.CLONE_INTO_CGROUP, num(stage2.GroupFD)
	}
	header, pidfd := t.FileReply()
	args := t.Words(num(flags), num(pidfd), num(0), num(0), num(unix.SIGCHLD), num(0), num(0), num(0), num(0), num(0), group)
	t.Must(CallFork, unix.SYS_CLONE3, args, num(cloneArgsSize)).Store(stage2.Slot(slot))
	t.Move(stage2.Load(stage2.Slot(slot))).IfEqual(0, child)
	t.SendFile("send the pidfd", header)
	t.Release()
	t.End()

	t.Failed = t.Label()
	t.Place(child)
	files = addStdio(t, cmd, files)
	t.Must("session", unix.SYS_SETSID)
	t.Must("umask", unix.SYS_UMASK, num(0o022))
	addRlimits(t, maxProcesses)
	addDrop(t, i.host.KeepGroups)
	dir := cmd.Dir
	if dir == "" {
		dir = rootfs.TaskDir
	}
	t.Must(callChdir, unix.SYS_CHDIR, t.String(dir))
	for _, s := range ignorable {
		t.Must("signal's default", unix.SYS_RT_SIGACTION, num(int(s)), t.Words(num(0), num(0), num(0), num(0)), num(0), num(8))
	}
	t.Must("unblock signals", unix.SYS_RT_SIGPROCMASK, num(unix.SIG_SETMASK), t.Words(num(0)), num(0), num(8))
	addSeccomp(t, i.host.Filter)
	t.Must(callExec, unix.SYS_EXECVE, t.String(cmd.Args[0]), t.Strings(cmd.Args), t.Strings(cmd.Env))
	t.Place(t.Failed)
	t.Call("report the fault", unix.SYS_WRITE, stage2.FD(0), stage2.FaultMessage(), stage2.MessageSize())
	t.Call("exit", unix.SYS_EXIT_GROUP, num(127))
	return t, files
}

// addStdio puts the command's files at 0 to 2, and its log at sandbox.LogFD.
func addStdio(t *stage2.Script, cmd sandbox.Command, files []*os.File) []*os.File {
	null := stage2.Var(0)
	t.Must("open /dev/null", unix.SYS_OPENAT, num(unix.AT_FDCWD), t.String("/dev/null"), num(unix.O_RDWR|unix.O_CLOEXEC), num(0)).Store(null)
	t.Must("stdin", unix.SYS_DUP3, stage2.Load(null), num(0), num(0))
	for i, f := range []*os.File{cmd.Stdout, cmd.Stderr} {
		from := stage2.Load(null)
		if f != nil {
			from = stage2.FD(len(files))
			files = append(files, f)
		}
		t.Must("standard files", unix.SYS_DUP3, from, num(1+i), num(0))
	}
	if cmd.Log != nil {
		t.Must("log", unix.SYS_DUP3, stage2.FD(len(files)), num(sandbox.LogFD), num(0))
		files = append(files, cmd.Log)
	}
	return files
}

func addRlimits(t *stage2.Script, maxProcesses int) {
	set := func(resource int, soft, hard uint64) {
		var now unix.Rlimit
		if err := unix.Getrlimit(resource, &now); err == nil {
			hard = min(hard, now.Max)
		}
		t.Must("resource limit", unix.SYS_PRLIMIT64, num(0), num(resource), t.Words(num(min(soft, hard)), num(hard)), num(0))
	}
	for _, r := range rlimits {
		set(r.resource, r.soft, r.hard)
	}
	set(unix.RLIMIT_CORE, coreLimit, coreLimit)
	// Counted for each user namespace on its own since Linux 5.14, so it holds
	// where there is no pids controller; one is for pid 1.
	set(unix.RLIMIT_NPROC, uint64(maxProcesses)+1, uint64(maxProcesses)+1)
}

// addDrop makes the process the function's user, for good.
func addDrop(t *stage2.Script, keepGroups bool) {
	// The first to go when the host runs out of memory. Raising it needs no
	// privilege; there is no /proc where the host forbids it.
	score := stage2.Var(1)
	t.Call("open oom_score_adj", unix.SYS_OPENAT, num(unix.AT_FDCWD), t.String("/proc/self/oom_score_adj"), num(unix.O_WRONLY|unix.O_CLOEXEC), num(0)).Store(score)
	t.Call("write oom_score_adj", unix.SYS_WRITE, stage2.Load(score), t.String("500"), num(3))

	const noRootForever = 0xf &^ (1<<4 | 1<<5) // SECBIT_NOROOT, NO_SETUID_FIXUP, both locked
	t.Must("securebits", unix.SYS_PRCTL, num(unix.PR_SET_SECUREBITS), num(noRootForever), num(0), num(0), num(0))
	if !keepGroups {
		t.Must("drop groups", unix.SYS_SETGROUPS, num(0), num(0))
	}
	t.Must("become the function's group", unix.SYS_SETRESGID, num(userns.FunctionGID), num(userns.FunctionGID), num(userns.FunctionGID))
	t.Must("become the function's user", unix.SYS_SETRESUID, num(userns.FunctionUID), num(userns.FunctionUID), num(userns.FunctionUID))
	t.Must("drop ambient capabilities", unix.SYS_PRCTL, num(unix.PR_CAP_AMBIENT), num(unix.PR_CAP_AMBIENT_CLEAR_ALL), num(0), num(0), num(0))
	header := binary.NativeEndian.AppendUint64(nil, unix.LINUX_CAPABILITY_VERSION_3)
	t.Must("drop capabilities", unix.SYS_CAPSET, t.Bytes(header), t.Bytes(make([]byte, 24)))
	t.Must("no new privileges", unix.SYS_PRCTL, num(unix.PR_SET_NO_NEW_PRIVS), num(1), num(0), num(0), num(0))
}

func addSeccomp(t *stage2.Script, filter []seccomp.Instruction) {
	var code []byte
	for _, i := range filter {
		code = binary.NativeEndian.AppendUint16(code, i.Code)
		code = append(code, i.JT, i.JF)
		code = binary.NativeEndian.AppendUint32(code, i.K)
	}
	program := t.Words(num(len(filter)), t.Bytes(code))
	t.Must("seccomp", unix.SYS_SECCOMP, num(unix.SECCOMP_SET_MODE_FILTER), num(0), program)
}
