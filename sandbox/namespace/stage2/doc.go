// Package stage2 makes the program that runs between clone and exec, and that
// stays on as pid 1 of every sandbox: a static ELF of two pages that executes
// tables of system calls.
//
// The program is an interpreter of about fifty instructions. It knows no
// policy: it runs one operation after the other, each a system call with six
// arguments and an optional jump on its result. What it does is written in Go,
// as a Table, and sent to it:
//
//	daemon                                      stage 2
//	  ── table, file descriptors ──────────────>  runs it
//	  <───────────── Reply (value, descriptors)
//	  <───────────── Fault (operation, errno)     a checked call failed
//	  <───────────── Exit  (slot, status)         a process of a slot ended
//
// over a SOCK_SEQPACKET socket at descriptor ControlFD. Between tables it runs
// its resident program (boot.go): wait for a message or a dead child, reap,
// report, receive. When the other end of the socket is closed, it exits, and
// the kernel ends every process of its pid namespace with it: this is why
// nothing outlives a daemon that was killed.
//
// A process that a Table forks has a private copy of the interpreter's memory
// and runs the rest of the same table, up to execve. There is no second
// program, no Go runtime in a sandbox and no window in which a path is
// resolved by anything but the kernel.
//
// Open gives the executable of this machine and Link is the daemon's end of the
// socket; both are for Linux.
//
// The machine code is assembled here (amd64.go and arm64.go, one line of
// assembler beside each instruction), so the build needs no C toolchain and
// the repository holds no binary.
package stage2
