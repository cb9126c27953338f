package launch

import (
	"context"
	"log/slog"
	"sync"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/telemetry/logs"
	"github.com/hearthd/hearth/telemetry/schema"
	"github.com/hearthd/hearth/telemetry/subscription"
	"github.com/hearthd/hearth/telemetry/xray"
)

// services are what one environment has in its sandbox's network: subscribers
// to its telemetry, and an X-Ray daemon. It is environment.Services.
type services struct {
	*subscription.Hub
	traces Traces // what the X-Ray daemon tells; nil: there is none
	logger *slog.Logger

	closing sync.Once
	daemon  *xray.Daemon
}

// xrayPort is the X-Ray daemon's on AWS.
const xrayPort = 2000

// newServices makes the services of an environment of a function, whose log
// goes to sink.
func (l *Launcher) newServices(ctx context.Context, fn *hearth.Function, sink logs.Sink, rt logs.Runtime) *services {
	env := schema.Environment{
		Function: fn, RuntimeVersion: rt.Version, RuntimeVersionARN: rt.ARN, InstanceID: sink.Name(),
	}
	return &services{
		Hub:    subscription.New(ctx, env, logs.NewRecorder(sink, fn, rt), l.opts.Logger),
		traces: l.opts.Traces, logger: l.opts.Logger,
	}
}

// Attach connects them with the sandbox.
func (s *services) Attach(ctx context.Context, box sandbox.Sandbox) (address string) {
	inside, ok := box.(sandbox.Inside)
	if !ok {
		return ""
	}
	s.Connect(inside)
	if s.traces == nil {
		return ""
	}
	conn, address, err := inside.ListenPacket(ctx, xrayPort)
	if err != nil {
		s.logger.Error("open the X-Ray daemon of an environment", "sandbox", box.ID(), "error", err)
		return ""
	}
	s.daemon = xray.Listen(conn, s.traces.Add)
	return address
}

// Close ends them.
func (s *services) Close() {
	s.closing.Do(func() {
		s.Hub.Close()
		if s.daemon != nil {
			if err := s.daemon.Close(); err != nil {
				s.logger.Error("close the X-Ray daemon of an environment", "error", err)
			}
		}
	})
}
