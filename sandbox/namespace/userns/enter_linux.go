package userns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox/namespace/stage2"
)

// enterEnv tells the program that Enter executes how it went.
const (
	enterEnv     = "HEARTH_USER_NAMESPACE"
	enterDone    = "entered"
	enterRefused = "refused"
)

// Needed says that this process may not make namespaces, and that Enter would
// change that.
func Needed() bool { return !hasCapability(unix.CAP_SYS_ADMIN) }

// Entered says that Enter has brought this process here: it is root of its own
// namespace, and an ordinary user of the host.
func Entered() bool {
	return os.Getenv(enterEnv) == enterDone //nolint:forbidigo // a message of this package to itself
}

// Enter executes this program again, with the same arguments,
// environment, standard files and process id, as root of a user namespace and
// in a mount namespace of its own. It has the user's subordinate ids when
// newuidmap and newgidmap are installed and /etc/subuid and /etc/subgid name
// the user, and else the user's own id alone. Other open files are closed.
//
// It returns only when that failed; the error then names the fix. Call it
// before anything else is started: all of it ends here.
//
// A process with threads, as every Go program, cannot enter a user namespace.
// So stage 2 is executed in its place, does it, and executes the program.
func Enter(argv []string) error {
	switch os.Getenv(enterEnv) { //nolint:forbidigo // a message of this package to itself
	case enterRefused:
		return errors.New("the host refuses user namespaces to this user, or newuidmap failed: check " +
			"sysctl kernel.unprivileged_userns_clone, user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns " +
			"and the ranges in /etc/subuid and /etc/subgid, or run hearth as root")
	case enterDone:
		return errors.New("root of a user namespace, but without capabilities in it: run hearth as root")
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("enter a user namespace: %w", err)
	}
	m, err := subordinates()
	if err != nil {
		return fmt.Errorf("enter a user namespace: %w", err)
	}
	table, err := enterTable(exe, argv, m).Encode()
	if err != nil {
		return fmt.Errorf("enter a user namespace: %w", err)
	}
	program, err := stage2.Open(os.TempDir() + "/hearth-stage2-" + strconv.Itoa(os.Getpid()))
	if err != nil {
		return fmt.Errorf("enter a user namespace: %w", err)
	}
	defer program.Close()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("enter a user namespace: %w", err)
	}
	if err := unix.Send(fds[0], table, 0); err != nil {
		return fmt.Errorf("enter a user namespace: %w", err)
	}
	// Stage 2 wants its control socket as descriptor 3 and nothing behind it.
	if err := errors.Join(unix.CloseRange(3, stage2.LastFD, unix.CLOSE_RANGE_CLOEXEC), unix.Dup3(fds[1], stage2.ControlFD, 0)); err != nil {
		return fmt.Errorf("enter a user namespace: %w", err)
	}
	err = syscall.Exec(fmt.Sprintf("/proc/self/fd/%d", program.Fd()), []string{"hearth"}, nil)
	return fmt.Errorf("enter a user namespace: %w", err)
}

// hasCapability says whether this process has a capability in its user namespace.
func hasCapability(c int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	return unix.Capget(&header, &data[0]) == nil && data[c/32].Effective&(1<<(c%32)) != 0
}

// subordinateIDs are the ranges that the user may map, and the tools for it.
type subordinateIDs struct {
	newuidmap, newgidmap string // paths; empty: there are none
	uids, gids           idRange
}

// subordinates looks up what the user may map; the zero value when nothing.
func subordinates() (subordinateIDs, error) {
	var none subordinateIDs
	uidmap, err1 := exec.LookPath("newuidmap")
	gidmap, err2 := exec.LookPath("newgidmap")
	if err1 != nil || err2 != nil {
		return none, nil
	}
	names := []string{strconv.Itoa(os.Getuid())}
	if u, err := user.LookupId(names[0]); err == nil {
		names = append(names, u.Username)
	}
	uids, err := subordinateRange("/etc/subuid", names)
	if err != nil {
		return none, err
	}
	gids, err := subordinateRange("/etc/subgid", names)
	if err != nil || uids.count == 0 || gids.count == 0 {
		return none, err
	}
	return subordinateIDs{uidmap, gidmap, uids, gids}, nil
}

// subordinateRange returns the first range in a file like /etc/subuid that
// belongs to one of names.
func subordinateRange(file string, names []string) (idRange, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return idRange{}, nil
	}
	if err != nil {
		return idRange{}, err
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) != 3 || !slices.Contains(names, f[0]) {
			continue
		}
		base, err1 := strconv.Atoi(f[1])
		count, err2 := strconv.Atoi(f[2])
		if err1 == nil && err2 == nil {
			return idRange{base: base, count: count}, nil
		}
	}
	return idRange{}, nil
}

// enterTable enters a user and a mount namespace, has the ids mapped, and
// executes exe.
func enterTable(exe string, argv []string, m subordinateIDs) *stage2.Script {
	t := stage2.NewScript()
	// A process that cannot be dumped does not own its files in /proc.
	t.Must("become dumpable", unix.SYS_PRCTL, num(unix.PR_SET_DUMPABLE), num(1), num(0), num(0), num(0))
	if m.newuidmap != "" {
		addMapTools(t, m)
	} else {
		t.Must("new namespaces", unix.SYS_UNSHARE, num(unix.CLONE_NEWUSER|unix.CLONE_NEWNS))
		addWrite(t, "/proc/self/setgroups", "deny")
		addWrite(t, "/proc/self/uid_map", fmt.Sprintf("0 %d 1\n", os.Getuid()))
		addWrite(t, "/proc/self/gid_map", fmt.Sprintf("0 %d 1\n", os.Getgid()))
	}
	t.Must("become root's group", unix.SYS_SETRESGID, num(0), num(0), num(0))
	t.Must("become root", unix.SYS_SETRESUID, num(0), num(0), num(0))
	args, path := t.Strings(argv), t.String(exe)
	execute := func(outcome string) {
		t.Call("close descriptors", unix.SYS_CLOSE_RANGE, num(stage2.ControlFD), num(stage2.LastFD), num(0))
		t.Call("unblock signals", unix.SYS_RT_SIGPROCMASK, num(unix.SIG_SETMASK), t.Words(num(0)), num(0), num(8))
		t.Call("execve", unix.SYS_EXECVE, path, args, t.Strings(append(os.Environ(), enterEnv+"="+outcome))) //nolint:forbidigo // it is the same program, executed again
		t.Call("exit", unix.SYS_EXIT_GROUP, num(126))
	}
	execute(enterDone)
	t.Place(t.Failed)
	execute(enterRefused)
	return t
}

// addMapTools enters the namespaces and runs newuidmap and newgidmap on this
// process: forked before, as they must be outside, and held until it is in.
func addMapTools(t *stage2.Script, m subordinateIDs) {
	held := t.Words(num(0))
	read, write := stage2.Load(held.Address()), stage2.Load(held.Address()+4)
	t.Must("pipe", unix.SYS_PIPE2, held, num(unix.O_CLOEXEC))
	pid := strconv.Itoa(os.Getpid())
	for i, tool := range []struct {
		path string
		own  int
		ids  idRange
	}{{m.newuidmap, os.Getuid(), m.uids}, {m.newgidmap, os.Getgid(), m.gids}} {
		parent := t.Label()
		t.Must("fork", unix.SYS_CLONE, num(unix.SIGCHLD), num(0), num(0), num(0), num(0)).Store(stage2.Var(i))
		t.Move(stage2.Load(stage2.Var(i))).IfUnequal(0, parent)
		t.Call("close", unix.SYS_CLOSE, write)
		t.Call("wait", unix.SYS_READ, read, t.Words(num(0)), num(1)) // end of file, when the parent is in
		t.Call("execve", unix.SYS_EXECVE, t.String(tool.path),
			t.Strings([]string{tool.path, pid, "0", strconv.Itoa(tool.own), "1", "1", strconv.Itoa(tool.ids.base), strconv.Itoa(tool.ids.count)}), t.Words(num(0)))
		t.Call("exit", unix.SYS_EXIT_GROUP, num(127))
		t.Place(parent)
	}
	t.Must("new namespaces", unix.SYS_UNSHARE, num(unix.CLONE_NEWUSER|unix.CLONE_NEWNS))
	t.Call("close", unix.SYS_CLOSE, write)
	status := t.Words(num(0))
	for i := range 2 {
		t.Must("wait", unix.SYS_WAIT4, stage2.Load(stage2.Var(i)), status, num(0), num(0))
		t.Move(stage2.Load(status.Address())).IfUnequal(0, t.Failed)
	}
}

// addWrite writes to a file of the kernel.
func addWrite(t *stage2.Script, file, content string) {
	fd := stage2.Var(0)
	t.Must("open "+file, unix.SYS_OPENAT, num(unix.AT_FDCWD), t.String(file), num(unix.O_WRONLY|unix.O_CLOEXEC), num(0)).Store(fd)
	t.Must("write "+file, unix.SYS_WRITE, stage2.Load(fd), t.String(content), num(len(content)))
	t.Call("close", unix.SYS_CLOSE, stage2.Load(fd))
}

func num[T stage2.Word](v T) stage2.Arg { return stage2.Int(v) }
