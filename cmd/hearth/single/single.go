// Package single runs one function without a daemon: once (`hearth run`), or warm and
// invoked over HTTP, as AWS's emulator does it (`hearth run --stay-open`,
// `hearth rie`).
package single

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/cmd/hearth/engine"
	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
	"github.com/hearthd/hearth/edge/auth"
	"github.com/hearthd/hearth/edge/invocation"
	"github.com/hearthd/hearth/edge/scope"
	"github.com/hearthd/hearth/internal/graceful"
	"github.com/hearthd/hearth/invoke/dispatch"
	"github.com/hearthd/hearth/invoke/pool"
	"github.com/hearthd/hearth/runtimes"
)

// single is one function and an engine to run it: what run and rie share.
type single struct {
	fn     *hearth.Function
	pool   *pool.Pool
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

// newSingle has a temporary state directory and nothing in it.
func newSingle(fn *hearth.Function, logger *slog.Logger) (s *single, dir string, err error) {
	if dir, err = makeRunDir(); err != nil {
		return nil, "", err
	}
	return &single{fn: fn, logger: logger, parts: []func() error{func() error { return os.RemoveAll(dir) }}}, dir, nil
}

// openSingle opens an engine for one function in a directory of its own.
func openSingle(ctx context.Context, fn *hearth.Function, o engine.Options) (*single, error) {
	s, dir, err := newSingle(fn, o.Logger)
	if err != nil {
		return nil, err
	}
	o.Dir = dir
	o.Pool = pool.Options{IdleTimeout: neverIdle}
	e, err := engine.Open(o)
	if err == nil {
		s.pool, s.parts = e.Pool(), append(s.parts, e.Close)
		err = pickRuntime(ctx, fn, e.Runtimes())
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// neverIdle keeps the environments of a single function for good.
const neverIdle = 365 * 24 * time.Hour

// Lookup and the like make a single the dispatcher's Functions: there is one.
func (s *single) Lookup(name hearth.Name, qualifier string) (*hearth.Function, error) {
	if name.Function != s.fn.Name.Function || qualifier != "" && qualifier != hearth.Latest {
		return nil, hearth.Errorf(hearth.ErrNotFound, "Function not found: %s", name.ARN(qualifier))
	}
	return s.fn, nil
}

// LookupAlias finds none.
func (s *single) LookupAlias(name hearth.Name, alias string) (*hearth.Alias, error) {
	return nil, hearth.Errorf(hearth.ErrNotFound, "Alias not found: %s", name.ARN(alias))
}

// once invokes the function and prints what came back.
func (s *single) once(ctx context.Context, t *terminal.Terminal, event []byte, stopSpinner func()) error {
	res, err := dispatch.New(s, s.pool).Invoke(ctx, s.fn.Name, "", &hearth.Invocation{
		RequestID: api.NewRequestID(), Payload: event, Tail: true, // waits for the whole log
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
	guard := auth.Local
	if !auth.Loopback(listen) {
		guard = func(h http.Handler) http.Handler { return h } // inside a container, usually
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use; choose another with --listen: %w", listen, err)
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", listen, err)
	}
	router := api.NewRouter(api.Options{Logger: s.logger})
	service := invocation.New(invocation.Options{
		Invoker: dispatch.New(s, s.pool), Scope: scope.Defaults{Account: s.fn.Name.Account, Region: s.fn.Name.Region},
	})
	service.Register(router)
	server := &http.Server{Handler: guard(router), ReadHeaderTimeout: 30 * time.Second}
	fmt.Fprintf(t.Stderr, "listening on http://%s/2015-03-31/functions/%s/invocations\n", l.Addr(), s.fn.Name.Function)
	return graceful.Serve(ctx, server, l, s.logger)
}

// pickRuntime replaces a runtime that was not told by one that this host has.
func pickRuntime(ctx context.Context, fn *hearth.Function, set *runtimes.Set) error {
	family := runtimes.Family(fn.Runtime)
	if family != runtimes.Python && family != runtimes.Node {
		return nil
	}
	for _, known := range slices.Backward(runtimes.All()) {
		if known.Family != family || !known.Served {
			continue
		}
		if _, err := set.Find(ctx, known); err == nil {
			fn.Runtime = known.Name
			return nil
		}
	}
	return hearth.Errorf(hearth.ErrInvalidRuntime, "no %s that hearth can use is on this host; see hearth doctor", family)
}

// stderrSink shows a function's log as it comes.
type stderrSink struct {
	w      io.Writer
	before func() // ends the spinner
}

func (s stderrSink) Append(_ time.Time, message []byte) {
	s.before()
	_, _ = s.w.Write(append(append(make([]byte, 0, len(message)+1), message...), '\n'))
}

func (stderrSink) Name() string { return time.Now().UTC().Format("2006/01/02/") + "[$LATEST]local" }
