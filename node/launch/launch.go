// Package launch turns a version of a function into an execution environment: it
// joins the sandbox driver, unpacked code and layers, the runtimes of this host, the
// log stream and what the environment has in its network.
//
//	version ──► runtimes: which command ──┐
//	   │                                  ├──► environment ──► pool
//	   ├──► bundle: code and layers ──────┤
//	   └──► log stream, X-Ray daemon ─────┘
//
// Launcher.Open is the pool's Open. CheckRuntime, CheckArchive and Prepare are what
// the control plane asks of this machine.
package launch

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimes"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/bundle"
	"github.com/hearthd/hearth/telemetry/logs"
)

// Launcher launches environments. Its methods may be called by several goroutines.
// It holds nothing that has to be closed.
type Launcher struct {
	opts    Options
	bundles *bundle.Cache
	set     *runtimes.Set
	network sandbox.Network
}

// Code has code archives by digest.
type Code interface {
	// OpenCode returns an archive, which the caller closes; hearth.ErrNotFound.
	OpenCode(ctx context.Context, digest string) (io.ReadCloser, error)
}

// Credentials are issued to environments.
type Credentials interface {
	// Credentials returns the AWS_... variables of a new environment of a function;
	// nil: it gets placeholders.
	Credentials(fn *hearth.Function) map[string]string
}

// Logs is where the logs of environments go.
type Logs interface {
	// Sink returns a log stream of a function's log group.
	Sink(fn *hearth.Function, stream string) Sink
}

// Sink is one log stream; see package telemetry/logs.
type Sink = logs.Sink

// Traces takes what functions send to their X-Ray daemon.
type Traces interface {
	Add(segment []byte)
}

// API is the platform's own API, to the code of functions.
type API interface {
	// For returns the API as a function may use it.
	For(fn *hearth.Function) http.Handler
}

// Options of a Launcher. Dir, Driver, Code and Logs are required.
type Options struct {
	Dir     string         // state directory; the launcher's own
	Driver  sandbox.Driver // the caller closes it, after the last environment
	Network sandbox.Network
	// Runtimes says how this host serves managed runtimes; its Dir is not looked at.
	Runtimes runtimes.Options
	Code     Code
	Logs     Logs
	// Credentials may be nil: every environment gets placeholders.
	Credentials Credentials
	// API may be nil: functions find no API of the platform then.
	API API
	// Endpoints are further variables of every function, AWS_ENDPOINT_URL_SERVICE.
	Endpoints map[string]string
	// Traces may be nil: environments have no X-Ray daemon then.
	Traces Traces
	// Program runs in the place of every function's runtime. Nil: the function's
	// runtime is what its configuration says.
	Program *Program
	Logger  *slog.Logger // nil: silent
}

// Program is a program of this machine that speaks the Runtime API.
type Program struct {
	Args []string
	Env  []string // KEY=value
}

// New returns a Launcher.
func New(o Options) (*Launcher, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	l := &Launcher{opts: o, network: o.Network}
	if l.network == sandbox.NetworkNAT && !o.Driver.Capabilities().Outbound {
		l.network = sandbox.NetworkNone
	}
	var err error
	if l.bundles, err = bundle.New(filepath.Join(o.Dir, "bundles"), bundle.Options{BootID: bootID()}); err != nil {
		return nil, fmt.Errorf("open code cache: %w", err)
	}
	o.Runtimes.Dir = filepath.Join(o.Dir, "runtimes")
	if l.set, err = runtimes.New(o.Runtimes); err != nil {
		return nil, fmt.Errorf("open runtimes: %w", err)
	}
	return l, nil
}

// bootID changes with every start of the machine; empty where that cannot be told.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// Network returns what functions reach: what was asked for, or none where the host
// does not let them out.
func (l *Launcher) Network() sandbox.Network { return l.network }

// CheckRuntime returns an error for the caller when functions may not have a
// runtime. When they may, but it cannot run here now, missing says why.
func (l *Launcher) CheckRuntime(ctx context.Context, name string) (missing, err error) {
	if err := l.set.Accept(name); err != nil {
		return nil, err
	}
	return l.set.Check(ctx, name), nil
}

// CheckArchive says whether an archive can be unpacked, and to how many bytes; the
// error is for the caller.
func (l *Launcher) CheckArchive(ctx context.Context, archive io.ReaderAt, size int64) (int64, error) {
	return bundle.Verify(ctx, archive, size)
}

// Runtimes that were not told, to be served by the newest interpreter of this host.
const (
	AnyPython = string(runtimes.Python)
	AnyNode   = string(runtimes.Node)
)

// PickRuntime replaces AnyPython and AnyNode by a runtime that this host has.
// hearth.ErrInvalidRuntime when it has none; other names stay as they are.
func (l *Launcher) PickRuntime(ctx context.Context, name string) (string, error) {
	if name != AnyPython && name != AnyNode {
		return name, nil
	}
	for _, known := range slices.Backward(runtimes.All()) {
		if string(known.Family) != name || !known.Served {
			continue
		}
		if _, err := l.set.Find(ctx, known); err == nil {
			return known.Name, nil
		}
	}
	return "", hearth.Errorf(hearth.ErrInvalidRuntime, "no %s that hearth can use is on this host; see hearth doctor", name)
}

// CheckRuntimeMap returns why a runtime map, FROM=TO,..., makes no sense.
func CheckRuntimeMap(s string) error {
	_, err := runtimes.ParseSubstitutes(s)
	return err
}
