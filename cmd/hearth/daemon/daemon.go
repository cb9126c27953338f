// Package daemon is `hearth serve`: what it can be told, the store and the sandbox
// that its node stands on, and the listeners in front of it.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/hearthd/hearth/cmd/hearth/daemon/config"
	"github.com/hearthd/hearth/internal/clock"
	"github.com/hearthd/hearth/node"
	"github.com/hearthd/hearth/node/launch"
)

// daemon is a node, and what it stands on.
type daemon struct {
	cfg    config.Config
	logger *slog.Logger
	node   *node.Node
	driver string // its name
	parts  []func() error
}

// openDaemon opens the store and the sandbox, and the node on them. On an error what
// was opened is closed again.
func openDaemon(ctx context.Context, version string, cfg config.Config, environ []string, logger *slog.Logger) (_ *daemon, err error) {
	d := &daemon{cfg: cfg, logger: logger}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	o := cfg.Node(os.Getenv)
	o.Version, o.Environ, o.Logger = version, environ, logger
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	if o.Clock, err = d.openClock(); err != nil {
		return nil, err
	}
	if o.Store, err = node.OpenStore(ctx, filepath.Join(cfg.DataDir, "store"), logger); err != nil {
		return nil, err
	}
	d.parts = append(d.parts, o.Store.Close)
	o.Driver, err = launch.OpenDriver(launch.DriverOptions{
		Dir: filepath.Join(cfg.DataDir, "sandbox"), Sandbox: cfg.Sandbox, Network: cfg.Network, HardCPU: cfg.HardCPU, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	d.driver, d.parts = o.Driver.Name(), append(d.parts, o.Driver.Close)
	if d.node, err = node.Open(ctx, o); err != nil {
		return nil, err
	}
	d.parts = append(d.parts, d.node.Close)
	return d, nil
}

// openClock returns the machine's clock, or a test clock that goes on where it stood
// when the last daemon ended.
func (d *daemon) openClock() (clock.Clock, error) {
	if d.cfg.Clock != config.ClockTest {
		return clock.Real{}, nil
	}
	test, err := clock.OpenTest(filepath.Join(d.cfg.DataDir, "clock"))
	if err != nil {
		return nil, err
	}
	d.logger.Info("time stands still; move it with: hearth clock advance DURATION", "now", test.Now().UTC().Format("2006-01-02T15:04:05.999999999Z07:00"))
	return test, nil
}

// Close closes the node, and then what it stood on.
func (d *daemon) Close() error {
	var errs []error
	for _, closePart := range slices.Backward(d.parts) {
		errs = append(errs, closePart())
	}
	d.parts = nil
	return errors.Join(errs...)
}
