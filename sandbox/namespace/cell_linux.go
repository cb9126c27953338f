package namespace

import (
	"context"
	"errors"
	"net"
	"strconv"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace/cgroup"
	"github.com/hearthd/hearth/sandbox/namespace/pid1"
)

// cell is the part of a sandbox that does not depend on its Spec: pid 1 in its
// namespaces, with its ids, in its control group, and the listener of the
// Runtime API; as a spare also an empty /tmp of the usual size.
type cell struct {
	driver  *Driver
	slot    int             // among the live cells: names its ids, its group and its /tmp
	tmp     tmp             // set by provideTmp
	network sandbox.Network // none, NAT or the host's
	init    *pid1.Init
	group   *cgroup.Group
	remains []func() error // what to undo once pid 1 is gone, last first

	listener net.Listener
}

// newCell clones a pid 1. It shares the daemon's network namespace or gets one
// of its own. The caller must close the cell.
func (d *Driver) newCell(ctx context.Context, network sandbox.Network) (*cell, error) {
	c := &cell{driver: d, slot: d.slots.take(), network: network}
	c.remains = append(c.remains, func() error { d.slots.give(c.slot); return nil })
	name := strconv.Itoa(c.slot)
	var err error
	if c.group, err = d.groups.Create(name, d.ids.Root()); err != nil {
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

// spawn clones pid 1.
func (c *cell) spawn(ctx context.Context) error {
	sp, err := c.driver.currentSpawner(ctx)
	if err != nil {
		return err
	}
	c.init, err = sp.Clone(ctx, c.group.JoinDir(), c.network == sandbox.NetworkHost)
	return err
}

// adopt gives pid 1 its ids and limits. It has none and does nothing until a
// table comes.
func (c *cell) adopt() error {
	if err := c.init.MapIDs(c.driver.ids.Maps(c.slot)); err != nil {
		return err
	}
	return c.group.Add(c.init.Pid())
}

// prepare sets up all of the sandbox that does not depend on its Spec, the
// listener of the Runtime API included.
func (c *cell) prepare(ctx context.Context) error {
	inner, _ := c.group.InnerDir() // nil where there is none
	var err error
	c.listener, err = c.init.SetUp(ctx, pid1.Setup{Root: !c.driver.ids.Single(), Proc: c.driver.proc, Group: inner})
	if err != nil {
		return err
	}
	c.remains = append(c.remains, func() error {
		if err := c.listener.Close(); !errors.Is(err, net.ErrClosed) { // the API's server may have closed it
			return err
		}
		return nil
	})
	return nil
}

// close kills every process, waits for them and undoes the rest.
func (c *cell) close() error {
	c.init.Kill()
	<-c.init.Done()
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
