package namespace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace/cgroup"
	"github.com/hearthd/hearth/sandbox/namespace/stage2"
)

// cell is the part of a sandbox that does not depend on its Spec: pid 1 in its
// namespaces, with its ids, in its control group, and the listener of the
// Runtime API; as a spare also an empty /tmp of the usual size.
type cell struct {
	driver  *Driver
	slot    int             // among the live cells: names its ids, its group and its /tmp
	tmp     tmp             // set by provideTmp
	network sandbox.Network // none, NAT or the host's
	link    *stage2.Link
	process *os.Process // pid 1
	group   *cgroup.Group
	remains []func() error // what to undo once pid 1 is gone, last first

	listener net.Listener

	processes processes
	done      chan struct{} // closed when no process is left
}

// newCell clones a pid 1. It shares the daemon's network namespace or gets one
// of its own. The caller must close the cell.
func (d *Driver) newCell(ctx context.Context, network sandbox.Network) (*cell, error) {
	c := &cell{driver: d, slot: d.slots.take(), network: network, done: make(chan struct{})}
	c.remains = append(c.remains, func() error { d.slots.give(c.slot); return nil })
	name := strconv.Itoa(c.slot)
	var err error
	if c.group, err = d.groups.Create(name, d.ids.root()); err != nil {
		return nil, errors.Join(err, c.undo())
	}
	c.remains = append(c.remains, c.group.Remove)
	c.remains = append(c.remains, func() error { return c.tmp.remove() })
	if err := c.spawn(ctx); err != nil {
		return nil, errors.Join(err, c.undo())
	}
	if err := c.adopt(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	// Before there is a listener, so that this is undone after it is closed: a
	// socket keeps the network namespace.
	if err := c.connect(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	if err := c.prepare(ctx); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// spawn clones pid 1 and starts to watch it.
func (c *cell) spawn(ctx context.Context) error {
	l, remote, err := stage2.NewLink()
	if err != nil {
		return err
	}
	defer remote.Close()
	flags := uint64(namespaces)
	if c.network != sandbox.NetworkHost {
		flags |= unix.CLONE_NEWNET
	}
	pid, err := c.driver.spawn(ctx, remote, c.group.JoinDir(), flags)
	if err != nil {
		l.Close()
		return err
	}
	c.link = l
	// Nobody else waits for the pid, so it cannot be another process.
	if c.process, err = os.FindProcess(pid); err != nil {
		l.Close()
		return err
	}
	go func() { // ends when pid 1 does; whoever closes the cell waits for done
		defer close(c.done)
		l.Receive(c.processes.exit)
		c.kill() // it broke the protocol, or it is gone
		_, _ = c.process.Wait()
		c.processes.end()
	}()
	return nil
}

// adopt gives pid 1 its ids and limits. It has none and does nothing until a
// table comes.
func (c *cell) adopt() error {
	dir := "/proc/" + strconv.Itoa(c.process.Pid)
	uid, gid := c.driver.ids.maps(c.slot)
	if err := writeFile(dir+"/gid_map", gid); err != nil {
		return err
	}
	if err := writeFile(dir+"/uid_map", uid); err != nil {
		return err
	}
	return c.group.Add(c.process.Pid)
}

// userNamespace opens the user namespace of the sandbox.
func (c *cell) userNamespace() (*os.File, error) {
	return os.Open("/proc/" + strconv.Itoa(c.process.Pid) + "/ns/user")
}

// kill kills pid 1; the kernel kills all processes of the sandbox with it.
func (c *cell) kill() { _ = c.process.Kill() } // it may be gone

// close kills every process, waits for them and undoes the rest.
func (c *cell) close() error {
	c.kill()
	<-c.done
	return c.undo()
}

func (c *cell) undo() error {
	var errs []error
	for i := len(c.remains) - 1; i >= 0; i-- {
		errs = append(errs, c.remains[i]())
	}
	c.remains = nil
	return errors.Join(errs...)
}

// writeFile writes to a file of the kernel in one call.
func writeFile(name, content string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(content); err != nil {
		f.Close()
		return fmt.Errorf("write %q: %w", content, err)
	}
	return f.Close()
}
