//go:build unix

package output

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// openPipe makes a pipe. The write end is in blocking mode, as processes expect
// of their output; the read end is polled.
func openPipe() (read, write *os.File, err error) {
	var fds [2]int
	if err := pipeCloexec(&fds); err != nil {
		return nil, nil, fmt.Errorf("make output pipe: %w", err)
	}
	if err := syscall.SetNonblock(fds[0], true); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("make output pipe: %w", err), syscall.Close(fds[0]), syscall.Close(fds[1]))
	}
	return os.NewFile(uintptr(fds[0]), "output"), os.NewFile(uintptr(fds[1]), "output"), nil
}
