package namespace

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hearthd/hearth/sandbox"
)

// defaultSpares is Options.Spares when that is 0.
const defaultSpares = 4

// refillPause is how long there must have been no demand before cells are made
// ahead of it: their making would slow down the starts that are under way.
const refillPause = 20 * time.Millisecond

// spares are cells made ahead of need. They hide what is slow about a cell: a
// network namespace takes 0.4 ms, its way out 3 ms, /tmp on a disk of its own 2 ms, and joining
// control groups of version 1 tens of milliseconds after a pause (package cgroup).
type spares struct {
	driver  *Driver
	network sandbox.Network
	cells   chan *cell
	wanted  chan struct{} // a cell was taken
	stop    context.CancelFunc
	done    chan struct{}
}

// newSpares makes n cells, and starts to replace those that are taken.
func newSpares(ctx context.Context, n int, d *Driver) (*spares, error) {
	if n == 0 {
		n = defaultSpares
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &spares{
		driver: d, network: sandbox.NetworkNone,
		cells: make(chan *cell, max(n, 0)), wanted: make(chan struct{}, 1), stop: stop, done: make(chan struct{}),
	}
	if d.nat != nil {
		s.network = sandbox.NetworkNAT
	}
	err := s.fill(ctx)
	go s.refill(ctx) // close waits for it
	return s, err
}

// take returns a spare cell, or nil when there is none.
func (s *spares) take() *cell {
	for {
		select {
		case c := <-s.cells:
			s.want()
			select {
			case <-c.init.Done(): // killed while it waited, by the kernel or an operator
				if err := c.close(); err != nil {
					s.driver.log.Warn("a spare sandbox died and left traces", "error", err)
				}
			default:
				return c
			}
		default:
			s.want()
			return nil
		}
	}
}

// want has the cells replaced once demand pauses.
func (s *spares) want() {
	select {
	case s.wanted <- struct{}{}:
	default:
	}
}

// refill makes cells until ctx ends.
func (s *spares) refill(ctx context.Context) {
	defer close(s.done)
	pause := time.NewTimer(refillPause)
	pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wanted:
			pause.Reset(refillPause)
		case <-pause.C:
			if err := s.fill(ctx); err != nil && ctx.Err() == nil {
				// Create finds out for itself, and tells its caller.
				s.driver.log.Warn("no spare sandbox could be made", "error", err)
			}
		}
	}
}

// fill makes cells until there are enough, or someone wants one.
func (s *spares) fill(ctx context.Context) error {
	for len(s.cells) < cap(s.cells) && len(s.wanted) == 0 && ctx.Err() == nil {
		c, err := s.driver.newCell(ctx, s.network)
		if err != nil {
			return err
		}
		if err := c.provideTmp(ctx, defaultTmpBytes); err != nil {
			return errors.Join(err, c.close())
		}
		s.cells <- c // this is the only sender, and there is room
	}
	return nil
}

// close ends the spare cells, side by side: each waits for the kernel.
func (s *spares) close() error {
	s.stop()
	<-s.done
	errs := make([]error, len(s.cells))
	var wg sync.WaitGroup
	for i := range errs {
		c := <-s.cells
		wg.Go(func() { errs[i] = c.close() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// takeCell returns a spare cell or makes one.
func (d *Driver) takeCell(ctx context.Context, network sandbox.Network) (*cell, error) {
	if d.spares != nil && d.spares.network == network {
		if c := d.spares.take(); c != nil {
			return c, nil
		}
	}
	return d.newCell(ctx, network)
}
