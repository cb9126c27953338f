package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/api/client"
	"github.com/hearthd/hearth/cmd/hearth/daemon/config"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
	"github.com/hearthd/hearth/internal/graceful"
	"github.com/hearthd/hearth/node"
	"github.com/hearthd/hearth/node/launch"
)

// NewCommand returns `hearth serve`, of a version of the program.
func NewCommand(t *terminal.Terminal, enter launch.Enter, version string) *cobra.Command {
	cfg := config.Default(t.Getenv)
	var file string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the Lambda API and run functions",
		Long: `Serve the AWS Lambda API on this machine and run functions for it, until
interrupted. With AWS_ENDPOINT_URL_LAMBDA=` + client.DefaultEndpoint + ` the aws CLI, SDKs and
Terraform talk to it; without --auth any credentials will do.

Every flag can be set in the environment (HEARTH_DATA_DIR for --data-dir) and in
the --config file (data-dir: ...), a flag being first and the file last.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cfg.Load(file, cmd.Flags(), t.Getenv); err != nil {
				return err
			}
			if err := enter.Prepare(cfg.Sandbox); err != nil {
				return err
			}
			return serve(cmd.Context(), t, cfg, version)
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "read settings from this YAML `FILE`")
	cfg.AddFlags(cmd.Flags())
	return cmd
}

func serve(ctx context.Context, t *terminal.Terminal, cfg config.Config, version string) (err error) {
	level, err := cfg.Level()
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(t.Stderr, &slog.HandlerOptions{Level: level}))
	tuneMemory(t.Getenv)
	// The port first: a second daemon should fail on it before it touches data.
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use: another hearth, or another emulator of AWS; stop it or use --listen: %w", cfg.Listen, err)
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", cfg.Listen, err)
	}
	defer l.Close() // closed by the server, usually
	cfg.Listen = withPort(cfg.Listen, l.Addr())
	d, err := openDaemon(ctx, version, cfg, os.Environ(), logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	logger.Info("hearth is ready", "endpoint", "http://"+l.Addr().String(), "sandbox", d.driver,
		"network", d.node.Network(), "data", cfg.DataDir, "version", version)
	return d.serve(ctx, l)
}

// withPort puts the port that was given for port 0 into an address.
func withPort(listen string, bound net.Addr) string {
	host, _, err := net.SplitHostPort(listen)
	if _, port, boundErr := net.SplitHostPort(bound.String()); err == nil && boundErr == nil {
		return net.JoinHostPort(host, port)
	}
	return listen
}

// serve answers requests on l until ctx ends, then lets those in progress
// finish, within graceful.Grace.
func (d *daemon) serve(ctx context.Context, l net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer stop()
	beside.Go(func() { newReclaimer().run(ctx) })
	if d.cfg.DebugListen != "" {
		debug, err := new(net.ListenConfig).Listen(ctx, "tcp", d.cfg.DebugListen)
		if err != nil {
			return fmt.Errorf("listen on %s for profiles: %w", d.cfg.DebugListen, err)
		}
		beside.Go(func() { serveProfiles(ctx, debug) })
	}
	server := &http.Server{
		Handler:           d.node.Handler(),
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       5 * time.Minute,
		ErrorLog:          slog.NewLogLogger(d.logger.Handler(), slog.LevelDebug),
	}
	return graceful.Serve(ctx, server, l, d.logger)
}

// serveProfiles serves Go's profiles of this process on l until ctx ends.
func serveProfiles(ctx context.Context, l net.Listener) {
	server := &http.Server{Handler: node.ProfilesHandler(), ReadHeaderTimeout: 30 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	_ = server.Serve(l)
}
