package environment

import (
	"context"
	"time"

	"github.com/hearthd/hearth/invoke/variables"
	"github.com/hearthd/hearth/sandbox"
)

// Services is what the platform has in the network of one sandbox, beside its
// processes: the delivery of telemetry and the X-Ray daemon. They are not part of
// the environment's health: what goes wrong is theirs to log.
type Services interface {
	// Attach opens them in a sandbox, before its first process. It returns where
	// processes find the X-Ray daemon, host:port; empty: there is none.
	Attach(ctx context.Context, box sandbox.Sandbox) (xray string)
	// Flush hands over what is buffered, because the processes will soon be
	// frozen or end. ctx bounds it.
	Flush(ctx context.Context)
	// Hold tells whether the processes are frozen. Meanwhile nothing is delivered.
	Hold(held bool)
	// Close ends them. It comes after the last process and before the end of the
	// sandbox, which their sockets would keep. It may be called more than once.
	Close()
}

// noServices is an environment without any.
type noServices struct{}

func (noServices) Attach(context.Context, sandbox.Sandbox) string { return "" }
func (noServices) Flush(context.Context)                          {}
func (noServices) Hold(bool)                                      {}
func (noServices) Close()                                         {}

// flushTime is how long a subscriber to telemetry may hold up the freezing or
// the shutdown of its environment: an invocation may be waiting for it.
const flushTime = 100 * time.Millisecond

func (e *Environment) flush() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), flushTime)
	defer cancel()
	e.opts.Services.Flush(ctx)
}

// variables are the sources of what processes find in their environment.
func (e *Environment) variables() *variables.Source {
	return &variables.Source{
		Function: e.opts.Function, Paths: e.box.Paths(), RuntimeAPI: e.box.RuntimeAPI(),
		InitType: e.opts.InitType, Endpoint: e.opts.API != nil, LogStream: e.opts.LogStream, XRay: e.xray, LogSocket: e.socket,
		Platform: e.opts.Env, MetadataToken: e.server.MetadataToken(),
	}
}
