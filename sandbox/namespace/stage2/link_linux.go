package stage2

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox"
)

// Link is the daemon's end of a stage 2 process's control socket.
type Link struct {
	conn *net.UnixConn
	// turn holds a token while no table runs: a table owns the link until its
	// Reply or Fault has come.
	turn    chan struct{}
	answers chan answer
	ended   chan struct{} // closed when the other end is closed
}

// answer is the end of a table.
type answer struct {
	message Message
	files   []*os.File
}

// CallError is a system call of a table that failed.
type CallError struct {
	What  string // the name that the table gave it
	Errno syscall.Errno
}

func (e *CallError) Error() string { return e.What + ": " + e.Errno.Error() }

// Unwrap makes errors.Is find the error number.
func (e *CallError) Unwrap() error { return e.Errno }

// NewLink returns both ends of a control socket. The caller closes remote, runs
// Receive, and closes the link.
func NewLink() (l *Link, remote *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("control socket: %w", err)
	}
	local, remote := os.NewFile(uintptr(fds[0]), "control"), os.NewFile(uintptr(fds[1]), "control")
	defer local.Close()
	conn, err := net.FileConn(local) // a duplicate, registered with the poller
	if err != nil {
		remote.Close()
		return nil, nil, fmt.Errorf("control socket: %w", err)
	}
	l = &Link{
		conn:    conn.(*net.UnixConn),
		turn:    make(chan struct{}, 1),
		answers: make(chan answer, 1),
		ended:   make(chan struct{}),
	}
	l.turn <- struct{}{}
	return l, remote, nil
}

// Receive reads messages until the other end is closed, and hands those of
// slots to onExit. It is the only reader; whoever made the link runs it,
// and it returns when the link is closed.
func (l *Link) Receive(onExit func(Exit)) {
	defer close(l.ended)
	b, oob := make([]byte, 64), make([]byte, unix.CmsgSpace(4*4))
	for {
		n, oobn, _, _, err := l.conn.ReadMsgUnix(b, oob)
		if err != nil || n == 0 {
			break
		}
		files := receivedFiles(oob[:oobn])
		m, err := ParseMessage(b[:n])
		if e, ok := m.(Exit); ok && err == nil {
			onExit(e)
			continue
		}
		if err != nil {
			CloseFiles(files)
			break // not our program any more
		}
		l.answers <- answer{m, files}
	}
	l.conn.Close()
	select { // an answer that came too late for its caller
	case a := <-l.answers:
		CloseFiles(a.files)
	default:
	}
}

// Run makes the other end run a table, which must end with one Reply or Fault,
// and returns what came with the Reply. A table that was sent cannot be taken
// back: when ctx ends before its answer, the link is closed, which ends the
// process at the other end.
func (l *Link) Run(ctx context.Context, t *Table, files []*os.File) (Reply, []*os.File, error) {
	b, err := t.Encode()
	if err != nil {
		return Reply{}, nil, err
	}
	select {
	case <-l.turn:
		defer func() { l.turn <- struct{}{} }()
	case <-l.ended:
		return Reply{}, nil, sandbox.ErrClosed
	case <-ctx.Done():
		return Reply{}, nil, context.Cause(ctx)
	}
	if err := l.send(b, files); err != nil {
		return Reply{}, nil, err
	}
	select {
	case a := <-l.answers:
		if f, ok := a.message.(Fault); ok {
			CloseFiles(a.files)
			return Reply{}, nil, &CallError{t.What(f), f.Errno}
		}
		return a.message.(Reply), a.files, nil
	case <-l.ended:
		return Reply{}, nil, sandbox.ErrClosed
	case <-ctx.Done():
		l.conn.Close()
		return Reply{}, nil, context.Cause(ctx)
	}
}

func (l *Link) send(b []byte, files []*os.File) error {
	var rights []byte
	if len(files) > MaxFDs {
		return fmt.Errorf("%d descriptors for a sandbox, at most %d", len(files), MaxFDs)
	}
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		rights = unix.UnixRights(fds...)
	}
	if _, _, err := l.conn.WriteMsgUnix(b, rights, nil); err != nil {
		if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, net.ErrClosed) {
			return sandbox.ErrClosed
		}
		return fmt.Errorf("send to sandbox: %w", err)
	}
	return nil
}

// Close ends the process at the other end; Receive then returns.
func (l *Link) Close() { l.conn.Close() }

// receivedFiles returns the descriptors in control messages.
func receivedFiles(oob []byte) []*os.File {
	var files []*os.File
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			continue
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "from sandbox"))
		}
	}
	return files
}

// CloseFiles closes what came with a Reply, or goes with a table.
func CloseFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
