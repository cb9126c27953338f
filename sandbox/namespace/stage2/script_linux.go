package stage2

import "golang.org/x/sys/unix"

// LastFD is the end of a close_range that closes all descriptors from another on.
const LastFD = 1<<32 - 1

// Script is a Table whose calls may be checked, and that answers the daemon: a
// checked call that fails ends it with a Fault.
type Script struct {
	*Table
	// Failed is where a checked call goes when it fails. Another one may be set
	// for what follows.
	Failed Label
}

// NewScript returns a script without operations.
func NewScript() *Script {
	t := &Table{}
	return &Script{t, t.Label()}
}

// Must adds a system call that must succeed.
func (s *Script) Must(what string, nr uintptr, args ...Arg) Op {
	return s.Call(what, nr, args...).IfError(s.Failed)
}

// Attach adds the call that mounts a detached mount.
func (s *Script) Attach(what string, mount, target Arg) Op {
	return s.Must(what, unix.SYS_MOVE_MOUNT, mount, s.String(""), Int(unix.AT_FDCWD), target, Int(unix.MOVE_MOUNT_F_EMPTY_PATH))
}

// Reply adds the call that sends a message of ReplyWords.
func (s *Script) Reply(message Arg) {
	s.Call("reply", unix.SYS_SENDTO, Int(ControlFD), message, MessageSize(), Int(unix.MSG_NOSIGNAL))
}

// Release ends the script: it drops the received descriptors, and the process
// waits for the next table.
func (s *Script) Release() {
	s.Call("close descriptors", unix.SYS_CLOSE_RANGE, Int(FirstFreeFD), Int(LastFD), Int(0))
	s.Resume()
}

// Finish ends the script with an empty Reply.
func (s *Script) Finish() {
	message, _ := s.ReplyWords()
	s.Reply(message)
	s.Release()
	s.End()
}

// End adds what failed calls jump to.
func (s *Script) End() {
	s.Place(s.Failed)
	s.Call("report the fault", unix.SYS_SENDTO, Int(ControlFD), FaultMessage(), MessageSize(), Int(unix.MSG_NOSIGNAL))
	s.Release()
}

// FileReply is a Reply that carries a descriptor. It returns what SendFile
// takes, and the address to store the descriptor at.
func (s *Script) FileReply() (header Arg, descriptor uint64) {
	message, _ := s.ReplyWords()
	// struct cmsghdr: length 20, then level and type in one word.
	control := s.Words(Int(20), Int(uint64(unix.SCM_RIGHTS)<<32|unix.SOL_SOCKET), Int(0))
	iov := s.Words(message, MessageSize())
	header = s.Words(Int(0), Int(0), iov, Int(1), control, Int(24), Int(0))
	return header, control.Address() + 16
}

// SendFile adds the call that sends a FileReply; it must succeed.
func (s *Script) SendFile(what string, header Arg) {
	s.Must(what, unix.SYS_SENDMSG, Int(ControlFD), header, Int(unix.MSG_NOSIGNAL))
}
