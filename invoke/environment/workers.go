package environment

import (
	"context"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/output"
	"github.com/hearthd/hearth/sandbox"
)

// listenToWorkers opens the socket that the worker processes of the runtime can
// write to, where the sandbox can have one. Without it they write to the
// runtime's output.
func (e *Environment) listenToWorkers(ctx context.Context) {
	local, ok := e.box.(sandbox.Local)
	if !ok {
		return
	}
	l, path, err := local.ListenUnix(ctx)
	if err != nil {
		e.opts.Logger.Warn("open the log socket of an environment", "environment", e.opts.ID, "error", err)
		return
	}
	// Three for each worker, its output, its errors and its frames, and some for
	// those that take the place of others.
	most := 3*e.opts.Function.MaxConcurrency() + 8
	e.socket, e.workers = path, output.Listen(l, e.sink(hearth.SourceFunction), most)
}

func (e *Environment) closeWorkers() error {
	if e.workers == nil {
		return nil
	}
	return e.workers.Close() //nolint:wrapcheck // it says what it is
}
