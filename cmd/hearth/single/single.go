// Package single runs one function without a daemon: once (`hearth run`), or warm and
// invoked over HTTP, as AWS's emulator does it (`hearth run --stay-open`,
// `hearth rie`). It is a node whose store is in memory, with one function in it.
package single

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
	"github.com/hearthd/hearth/internal/graceful"
	"github.com/hearthd/hearth/internal/uuid"
	"github.com/hearthd/hearth/node"
	"github.com/hearthd/hearth/node/launch"
)

// single is one function and a node to run it: what run and rie share.
type single struct {
	fn     *hearth.Function
	node   *node.Node
	logger *slog.Logger
	parts  []func() error // undone by Close, the last first
}

// Close ends the environments and removes what they stood on.
func (s *single) Close() error {
	var errs []error
	for _, undo := range slices.Backward(s.parts) {
		errs = append(errs, undo())
	}
	return errors.Join(errs...)
}

// neverIdle keeps the environments of a single function for good.
const neverIdle = 365 * 24 * time.Hour

// openSingle opens a node in a directory of its own. Its function comes later. Without
// a logger of its own the driver has the node's.
func openSingle(ctx context.Context, driver launch.DriverOptions, o node.Options) (_ *single, err error) {
	s := &single{logger: o.Logger}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	dir, err := makeRunDir()
	if err != nil {
		return nil, err
	}
	s.parts = append(s.parts, func() error { return os.RemoveAll(dir) })
	if driver.Dir = dir; driver.Logger == nil {
		driver.Logger = o.Logger
	}
	if o.Driver, err = launch.OpenDriver(driver); err != nil {
		return nil, err
	}
	s.parts = append(s.parts, o.Driver.Close)
	o.Store = node.MemoryStore()
	s.parts = append(s.parts, o.Store.Close)
	o.Dir, o.IdleTimeout, o.Directories, o.FunctionEndpoint = dir, neverIdle, true, node.EndpointAWS
	o.Account, o.Region = theFunction.Account, theFunction.Region
	if s.node, err = node.Open(ctx, o); err != nil {
		return nil, err
	}
	s.parts = append(s.parts, s.node.Close)
	return s, nil
}

// theFunction has the names that AWS's emulator gives to its one function.
var theFunction = hearth.Name{Account: "012345678912", Region: "us-east-1", Function: "function"}

// once invokes the function and prints what came back.
func (s *single) once(ctx context.Context, t *terminal.Terminal, event []byte, stopSpinner func()) error {
	res, err := s.node.Invoke(ctx, s.fn.Name, "", &hearth.Invocation{
		RequestID: uuid.New(), Payload: event, Tail: true, // waits for the whole log
	})
	stopSpinner()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(t.Stdout, "%s\n", res.Payload); err != nil {
		return err
	}
	if res.FunctionError != "" {
		return exit.FunctionFailed(res.Payload, "see the response")
	}
	return nil
}

// serve answers invocations over HTTP until ctx ends.
func (s *single) serve(ctx context.Context, t *terminal.Terminal, listen string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use; choose another with --listen: %w", listen, err)
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", listen, err)
	}
	server := &http.Server{Handler: s.node.InvocationHandler(listen), ReadHeaderTimeout: 30 * time.Second}
	fmt.Fprintf(t.Stderr, "listening on http://%s/2015-03-31/functions/%s/invocations\n", l.Addr(), s.fn.Name.Function)
	return graceful.Serve(ctx, server, l, s.logger)
}
