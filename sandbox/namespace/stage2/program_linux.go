package stage2

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Open returns the executable for this machine as a file that cannot change:
// sealed memory, or a file at path, removed again, where the host forbids to
// execute memory. The caller closes it; its descriptor is above those that a
// child puts its standard files at, so a child can execute it by its number.
func Open(path string) (*os.File, error) {
	arch, err := Host()
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

func programFile(path string, arch Arch) (*os.File, error) {
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
