package output

import "syscall"

func pipeCloexec(fds *[2]int) error { return syscall.Pipe2(fds[:], syscall.O_CLOEXEC) }
