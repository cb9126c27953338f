package disk

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// attachTries bounds how often another program may take the free loop device
// before we do.
const attachTries = 100

// attach puts an image behind a loop device, which detaches itself when its
// last user has closed it. The kernel makes a device when none is free.
func attach(image *os.File) (*os.File, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("find a loop device: %w", err)
	}
	defer control.Close()
	for range attachTries {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("find a loop device: %w", err)
		}
		device, err := os.OpenFile("/dev/loop"+strconv.Itoa(n), os.O_RDWR, 0)
		if err != nil {
			return nil, fmt.Errorf("open a loop device: %w", err)
		}
		err = configure(device, image)
		if err == nil {
			return device, nil
		}
		device.Close()
		if !errors.Is(err, unix.EBUSY) {
			return nil, fmt.Errorf("configure %s: %w", device.Name(), err)
		}
	}
	return nil, errors.New("every free loop device was taken by others")
}

// configure attaches an image. Where the host's file system can, the device
// reads and writes it directly: the sandbox's own cache is enough.
func configure(device, image *os.File) error {
	c := unix.LoopConfig{Fd: uint32(image.Fd()), Size: blockSize}
	c.Info.Flags = unix.LO_FLAGS_AUTOCLEAR | unix.LO_FLAGS_DIRECT_IO
	return unix.IoctlLoopConfigure(int(device.Fd()), &c)
}
