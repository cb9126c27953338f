//go:build linux

package stage2_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox/namespace/stage2"
)

// calls are the system call numbers that the tests' tables use.
type calls struct{ getpid, sendto, exit, clone, getuid, closeFD uintptr }

func numbers(arch string) calls {
	if arch == "amd64" {
		return calls{getpid: 39, sendto: 44, exit: 231, clone: 56, getuid: 102, closeFD: 3}
	}
	return calls{getpid: 172, sendto: 206, exit: 94, clone: 220, getuid: 174, closeFD: 57}
}

// proc is a running stage 2 process.
type proc struct {
	*testing.T
	calls
	cmd  *exec.Cmd
	conn *net.UnixConn
}

// each runs a test on every architecture that this machine can run: its own,
// and the others where qemu-user is installed.
func each(t *testing.T, test func(p *proc)) {
	for _, arch := range stage2.Architectures() {
		t.Run(arch.Name(), func(t *testing.T) {
			var argv []string
			if arch.Name() != runtime.GOARCH {
				qemu, err := exec.LookPath(map[string]string{"amd64": "qemu-x86_64", "arm64": "qemu-aarch64"}[arch.Name()])
				if err != nil {
					t.Skipf("no emulator for %s: install qemu-user", arch.Name())
				}
				argv = []string{qemu}
			}
			test(start(t, arch, argv))
		})
	}
}

func start(t *testing.T, arch stage2.Arch, argv []string) *proc {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stage2")
	if err := os.WriteFile(file, arch.ELF(), 0o755); err != nil {
		t.Fatal(err)
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	defer theirs.Close()
	defer ours.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		t.Fatal(err)
	}
	argv = append(argv, file)
	p := &proc{T: t, calls: numbers(arch.Name()), cmd: exec.Command(argv[0], argv[1:]...), conn: conn.(*net.UnixConn)}
	p.cmd.ExtraFiles = []*os.File{theirs}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		_ = p.cmd.Process.Kill() // it may have ended
		_ = p.cmd.Wait()
	})
	return p
}

func (p *proc) send(tab *stage2.Table) {
	p.Helper()
	b, err := tab.Encode()
	if err != nil {
		p.Fatal(err)
	}
	if _, err := p.conn.Write(b); err != nil {
		p.Fatal(err)
	}
}

func (p *proc) receive() stage2.Message {
	p.Helper()
	b := make([]byte, 64)
	if err := p.conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		p.Fatal(err)
	}
	n, err := p.conn.Read(b)
	if err != nil {
		p.Fatal(err)
	}
	m, err := stage2.ParseMessage(b[:n])
	if err != nil {
		p.Fatal(err)
	}
	return m
}

// reply adds the call that sends a message, and ends the table.
func (p *proc) reply(tab *stage2.Table, message stage2.Arg) {
	tab.Call("reply", p.sendto, stage2.Int(stage2.ControlFD), message, stage2.MessageSize(), stage2.Int(0))
	tab.Resume()
}

func TestTable_Call_SendsItsResult(t *testing.T) {
	each(t, func(p *proc) {
		for range 3 { // the process is there for the next table
			var tab stage2.Table
			message, value := tab.ReplyWords()
			tab.Call("getpid", p.getpid).Store(value)
			p.reply(&tab, message)
			p.send(&tab)
			if got, want := p.receive(), (stage2.Reply{Value: int64(p.cmd.Process.Pid)}); got != want {
				p.Fatalf("got %+v, want %+v", got, want)
			}
		}
	})
}

func TestTable_FailedCall_IsNamed(t *testing.T) {
	each(t, func(p *proc) {
		var tab stage2.Table
		failed := tab.Label()
		tab.Call("getuid", p.getuid).IfError(failed)
		tab.Call("close nothing", p.closeFD, stage2.Int(999)).IfError(failed)
		tab.Call("exit", p.exit, stage2.Int(1))
		tab.Place(failed)
		p.reply(&tab, stage2.FaultMessage())
		p.send(&tab)
		f, ok := p.receive().(stage2.Fault)
		if !ok || tab.What(f) != "close nothing" || f.Errno != syscall.EBADF {
			p.Errorf("got %q: %v, want EBADF of the second call", tab.What(f), f.Errno)
		}
	})
}

func TestTable_Branches_AreTaken(t *testing.T) {
	each(t, func(p *proc) {
		var tab stage2.Table
		message, value := tab.ReplyWords()
		seven := stage2.Load(tab.Words(stage2.Int(7)).Address())
		a, b, c, last := tab.Label(), tab.Label(), tab.Label(), tab.Label()
		tab.Move(seven).IfEqual(8, c)
		tab.Move(seven).IfEqual(7, a)
		tab.Jump(c)
		tab.Place(a)
		tab.Move(stage2.Int(-4096)).IfError(c) // just below the error numbers
		tab.Move(seven).IfUnequal(7, c)
		tab.Move(seven).IfUnequal(6, b)
		tab.Jump(c)
		tab.Place(b)
		tab.Move(stage2.Int(-4095)).IfError(last) // the last error number
		tab.Place(c)
		tab.Move(stage2.Int(1)).Store(value)
		tab.Place(last)
		p.reply(&tab, message)
		p.send(&tab)
		if got := p.receive(); got != (stage2.Reply{}) {
			p.Errorf("got %+v: a branch went wrong", got)
		}
	})
}

func TestSlot_ProcessEnds_IsReportedOnce(t *testing.T) {
	each(t, func(p *proc) {
		var tab stage2.Table
		child := tab.Label()
		for _, slot := range []uint64{stage2.Var(0), stage2.Slot(5)} { // the first is in no slot: reaped silently
			tab.Call("fork", p.clone, stage2.Int(unix.SIGCHLD), stage2.Int(0), stage2.Int(0), stage2.Int(0), stage2.Int(0)).Store(slot).IfEqual(0, child)
		}
		tab.Resume()
		tab.Place(child)
		tab.Call("exit", p.exit, stage2.Int(42))
		p.send(&tab)
		e, ok := p.receive().(stage2.Exit)
		if !ok || e.Slot != 5 || e.Status.ExitStatus() != 42 {
			p.Fatalf("got %+v, want exit status 42 of slot 5", e)
		}
		var next stage2.Table
		message, _ := next.ReplyWords()
		p.reply(&next, message)
		p.send(&next)
		if got := p.receive(); got != (stage2.Reply{}) {
			p.Errorf("got %+v, want the reply: nothing else was to report", got)
		}
	})
}

func TestControl_Closed_EndsTheProcess(t *testing.T) {
	each(t, func(p *proc) {
		p.conn.Close()
		if err := p.cmd.Wait(); err != nil {
			p.Errorf("got %v, want exit status 0", err)
		}
	})
}

func TestEncode_TooLarge_IsAnError(t *testing.T) {
	var tab stage2.Table
	tab.Bytes(make([]byte, stage2.TableSize))
	if _, err := tab.Encode(); err == nil {
		t.Error("a table larger than the buffer was encoded")
	}
}

func TestEncode_LabelNeverPlaced_IsAnError(t *testing.T) {
	var tab stage2.Table
	tab.Jump(tab.Label())
	if _, err := tab.Encode(); err == nil {
		t.Error("a jump to nowhere was encoded")
	}
}

func TestParseMessage_Malformed_IsAnError(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty": nil, "short": make([]byte, 23), "unknown kind": make([]byte, 24),
		"slot before the first": append([]byte{1}, make([]byte, 23)...),
	} {
		if m, err := stage2.ParseMessage(b); err == nil {
			t.Errorf("%s: got %+v", name, m)
		}
	}
}

func TestELF_Size_IsSmall(t *testing.T) {
	for _, arch := range stage2.Architectures() {
		if n := len(arch.ELF()); n > 16<<10 {
			t.Errorf("%s: %d bytes", arch.Name(), n)
		}
	}
}
