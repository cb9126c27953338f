package namespace

import (
	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox/namespace/stage2"
)

// maxFD is the end of every close_range.
const maxFD = 1<<32 - 1

// cloneArgsSize is the size of struct clone_args with the cgroup field.
const cloneArgsSize = 88

// table is a stage 2 table in which calls are checked: the first that fails
// ends it with a Fault.
type table struct {
	*stage2.Table
	failed stage2.Label
}

func newTable() *table {
	t := &stage2.Table{}
	return &table{t, t.Label()}
}

func num[T ~int | ~int64 | ~uint64 | ~uint32 | ~int32 | ~uint16 | ~uintptr](v T) stage2.Arg {
	return stage2.Int(v)
}

// call adds a system call that must succeed.
func (t *table) call(what string, nr uintptr, args ...stage2.Arg) stage2.Op {
	return t.Call(what, nr, args...).IfError(t.failed)
}

// makePoint makes the mount point of a bind, with its parents, where the bind
// has none. What is there already may stay: the mount tells if it will not do.
func (t *table) makePoint(b bind) {
	if b.point == 0 {
		return
	}
	for i := 1; i < len(b.target); i++ {
		if b.target[i] == '/' {
			t.Call("make "+b.target[:i], unix.SYS_MKDIRAT, num(unix.AT_FDCWD), t.String(b.target[:i]), num(0o755))
		}
	}
	if b.point == unix.S_IFDIR {
		t.Call("make "+b.target, unix.SYS_MKDIRAT, num(unix.AT_FDCWD), t.String(b.target), num(0o755))
		return
	}
	t.Call("make "+b.target, unix.SYS_MKNODAT, num(unix.AT_FDCWD), t.String(b.target), num(unix.S_IFREG|0o644), num(0))
}

// attach adds the call that mounts a detached mount.
func (t *table) attach(what string, mount, target stage2.Arg) stage2.Op {
	return t.call(what, unix.SYS_MOVE_MOUNT, mount, t.String(""), stage2.Int(unix.AT_FDCWD), target, num(unix.MOVE_MOUNT_F_EMPTY_PATH))
}

// reply adds the call that sends an empty Reply.
func (t *table) reply() {
	message, _ := t.ReplyWords()
	t.Call("reply", unix.SYS_SENDTO, num(stage2.ControlFD), message, stage2.MessageSize(), num(unix.MSG_NOSIGNAL))
}

// release ends the table: it drops the received descriptors, and the process
// waits for the next table.
func (t *table) release() {
	t.Call("close descriptors", unix.SYS_CLOSE_RANGE, num(stage2.FirstFreeFD), num(maxFD), num(0))
	t.Resume()
}

// finish ends the table with an empty Reply.
func (t *table) finish() {
	t.reply()
	t.release()
	t.end()
}

// end adds what failed calls jump to.
func (t *table) end() {
	t.Place(t.failed)
	t.Call("report the fault", unix.SYS_SENDTO, num(stage2.ControlFD), stage2.FaultMessage(), stage2.MessageSize(), num(unix.MSG_NOSIGNAL))
	t.release()
}

// sendmsg returns the address of a struct msghdr that sends a message with one
// descriptor, and the address to store the descriptor at.
func (t *table) sendmsg(message stage2.Arg) (header stage2.Arg, descriptor uint64) {
	// struct cmsghdr: length 20, then level and type in one word.
	control := t.Words(num(20), num(uint64(unix.SCM_RIGHTS)<<32|unix.SOL_SOCKET), num(0))
	iov := t.Words(message, stage2.MessageSize())
	header = t.Words(num(0), num(0), iov, num(1), control, num(24), num(0))
	return header, control.Address() + 16
}
