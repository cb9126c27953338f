package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/control"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/invoke/pool"
	"github.com/hearthd/hearth/runtimes"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/bundle"
	"github.com/hearthd/hearth/sandbox/namespace"
	"github.com/hearthd/hearth/sandbox/process"
	"github.com/hearthd/hearth/telemetry/logs"
)

// The sandboxes that --sandbox takes.
const (
	sandboxAuto      = "auto"
	sandboxNamespace = namespace.Name
	sandboxProcess   = "process"
)

// engine is the part of hearth that runs functions, without the part that
// knows of them: a daemon has one, and so has `hearth run`.
type engine struct {
	opts    engineOptions
	driver  sandbox.Driver
	bundles *bundle.Cache
	set     *runtimes.Set
	pool    *pool.Pool
	network sandbox.Network
}

type engineOptions struct {
	dir        string // state directory; the engine's own
	sandbox    string
	network    sandbox.Network
	hardCPU    bool
	substitute runtimes.Substitutes
	javaClient string   // directory; empty: the user's own
	environ    []string // the daemon's own environment
	pool       pool.Options
	// openCode returns a code archive by digest, with its size.
	openCode func(ctx context.Context, digest string) (io.ReadCloser, error)
	// credentials returns the AWS_... variables of a new environment; nil:
	// placeholders.
	credentials func(fn *hearth.Function) map[string]string
	// sink returns where an environment's log goes.
	sink func(fn *hearth.Function, stream string) logs.Sink
	// keepSegment takes what functions send to their X-Ray daemon. Nil: they have
	// none.
	keepSegment func(segment []byte)
	logger      *slog.Logger
}

// openEngine starts the parts that environments need. Close it.
func openEngine(o engineOptions) (e *engine, err error) {
	if o.credentials == nil {
		o.credentials = func(*hearth.Function) map[string]string { return placeholderCredentials() }
	}
	e = &engine{opts: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	if e.driver, err = openDriver(o); err != nil {
		return e, err
	}
	if e.network = o.network; e.network == sandbox.NetworkNAT && !e.driver.Capabilities().Outbound {
		e.network = sandbox.NetworkNone
	}
	if e.bundles, err = bundle.New(filepath.Join(o.dir, "bundles"), bundle.Options{BootID: bootID()}); err != nil {
		return e, fmt.Errorf("open code cache: %w", err)
	}
	e.set, err = runtimes.New(runtimes.Options{Dir: filepath.Join(o.dir, "runtimes"), Env: o.environ, Substitutes: o.substitute, JavaClient: o.javaClient})
	if err != nil {
		return e, err
	}
	o.pool.Open = e.openEnvironment
	o.pool.Logger = o.logger
	e.pool = pool.New(o.pool)
	return e, nil
}

// bootID changes with every start of the machine; empty where that cannot be told.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// Close ends every environment, then what they stood on.
func (e *engine) Close() error {
	var errs []error
	if e.pool != nil {
		errs = append(errs, e.pool.Close())
	}
	if e.driver != nil {
		errs = append(errs, e.driver.Close())
	}
	return errors.Join(errs...)
}

// prepareUser gives an ordinary user's process what the namespace sandbox
// needs: it executes this program again as root of a user namespace, once, and
// then does not return. Nothing may have been started before. With "auto" a
// host that refuses is left to openDriver, which falls back and says so.
func (c *cli) prepareUser(sandbox string) error {
	if sandbox == sandboxProcess || c.enter == nil || !namespace.NeedsUserNamespace() {
		return nil
	}
	if err := c.enter(os.Args); err != nil && sandbox == sandboxNamespace {
		return fmt.Errorf("--sandbox namespace: %w", err)
	}
	return nil
}

// openDriver opens the sandbox driver that was asked for. "auto" is the best
// that works here, and says so when that isolates nothing.
func openDriver(o engineOptions) (sandbox.Driver, error) {
	openNamespace := func() (sandbox.Driver, error) {
		return namespace.New(namespace.Options{
			StateDir: filepath.Join(o.dir, "namespace"), Logger: o.logger, HardCPU: o.hardCPU, NAT: o.network == sandbox.NetworkNAT,
		})
	}
	openProcess := func() (sandbox.Driver, error) {
		return process.New(process.Options{StateDir: filepath.Join(o.dir, "process")})
	}
	var driver sandbox.Driver
	var err error
	switch o.sandbox {
	case sandboxProcess:
		driver, err = openProcess()
	case sandboxNamespace:
		driver, err = openNamespace()
	default:
		if driver, err = openNamespace(); err != nil {
			o.logger.Warn("functions are NOT isolated: the namespace sandbox does not work here; run hearth doctor", "error", err)
			driver, err = openProcess()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open sandbox %s: %w", o.sandbox, err)
	}
	for _, m := range driver.Capabilities().Missing {
		o.logger.Warn("not enforced: "+m.What, "sandbox", driver.Name(), "why", m.Why, "fix", m.Fix)
	}
	return driver, nil
}

// openEnvironment is the pool's Open.
func (e *engine) openEnvironment(ctx context.Context, fn *hearth.Function, initType string) (pool.Environment, error) {
	if fn.Managed != nil && fn.Logging.Format != hearth.LogJSON {
		// As on AWS: lines of several invocations can only be told apart so.
		own := *fn
		own.Logging.Format = hearth.LogJSON
		fn = &own
	}
	launch, plan, err := e.launch(ctx, fn)
	if err != nil {
		return nil, err
	}
	id := newID()
	stream := streamName(fn, id, time.Now())
	services := e.newServices(ctx, fn, e.opts.sink(fn, stream), logs.Runtime{
		Version: runtimeVersion(plan), ARN: control.RuntimeVersionARN(fn),
	})
	for _, warning := range []string{plan.Warning, architectureWarning(fn)} {
		if warning != "" {
			e.opts.logger.Warn("function runs on a substitute", "function", fn.Name.String(), "warning", warning)
			services.Output(hearth.SourceFunction, []byte("hearth: "+warning))
		}
	}
	opts := environment.Options{
		ID: id[:16], Function: fn, Driver: e.driver, Launch: launch, Recorder: services, Subscriptions: services, Services: services,
		Env: e.opts.credentials(fn), LogStream: stream, InitType: initType, Logger: e.opts.logger,
	}
	if fn.Managed != nil {
		return environment.OpenShared(ctx, opts)
	}
	return environment.Open(ctx, opts)
}

// placeholderCredentials are what AWS's SDKs insist on. They are good for nothing.
func placeholderCredentials() map[string]string {
	return map[string]string{
		"AWS_ACCESS_KEY_ID": "hearth", "AWS_SECRET_ACCESS_KEY": "hearth", "AWS_SESSION_TOKEN": "hearth",
	}
}

// architectureWarning says that a function was built for other processors than
// this host's, which only matters to its native code.
func architectureWarning(fn *hearth.Function) string {
	host := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	if len(fn.Architectures) == 0 || fn.Architectures[0] == host {
		return ""
	}
	return "the function is for " + fn.Architectures[0] + ", and runs on " + host + ": native code in its package and layers must be for that"
}

func newID() string {
	var raw [16]byte
	rand.Read(raw[:]) // never fails: see crypto/rand
	return hex.EncodeToString(raw[:])
}

// streamName is AWS's name of a log stream.
func streamName(fn *hearth.Function, id string, now time.Time) string {
	day := now.UTC().Format("2006/01/02/")
	if fn.Logging.Group != "/aws/lambda/"+fn.Name.Function {
		return day + fn.Name.Function + "[" + fn.Version + "][" + id + "]"
	}
	return day + "[" + fn.Version + "]" + id
}

// runtimeVersion is the version in INIT_START lines, such as
// python:3.12.v1; the last part is the interpreter's patch level.
func runtimeVersion(p *runtimes.Plan) string {
	version := string(p.Runtime.Family) + ":" + p.Runtime.Version
	parts := strings.Split(p.Interpreter.Version, ".")
	if len(parts) < 3 {
		return version + ".v1"
	}
	return version + ".v" + parts[2]
}

// launch is how the runtime of a function is started.
func (e *engine) launch(ctx context.Context, fn *hearth.Function) (*environment.Launch, *runtimes.Plan, error) {
	if fn.PackageType == hearth.PackageImage {
		return nil, nil, errImage
	}
	plan, err := e.set.Plan(ctx, fn)
	if err != nil {
		return nil, nil, err
	}
	t, err := e.trees(ctx, fn)
	if err != nil {
		return nil, nil, err
	}
	spec := sandbox.Spec{
		Task: t.task, Opt: t.opt, Runtime: plan.RuntimeDir, Lang: plan.LangDir,
		MemoryBytes: int64(fn.MemorySize) << 20,
		CPU:         float64(fn.MemorySize) / 1769,
		TmpBytes:    int64(fn.EphemeralStorage) << 20,
		Network:     e.network,
	}
	for _, m := range plan.Mounts {
		spec.Mounts = append(spec.Mounts, sandbox.Mount{Source: m.Source, Target: m.Target})
	}
	return &environment.Launch{
		Spec:    spec,
		Command: func(p sandbox.Paths) (environment.Command, error) { return command(plan, spec, p) },
		Release: t.release,
	}, plan, nil
}

// task is the directory with the function's code.
func (e *engine) task(ctx context.Context, fn *hearth.Function) (dir string, release func(), err error) {
	if fn.Code.Dir != "" {
		return fn.Code.Dir, nil, nil
	}
	dir, release, err = e.bundles.Acquire(ctx, fn.Code.Digest, func(ctx context.Context) (io.ReadCloser, int64, error) {
		r, err := e.opts.openCode(ctx, fn.Code.Digest)
		return r, fn.Code.Size, err
	})
	if err != nil {
		return "", nil, fmt.Errorf("unpack code of %s: %w", fn.Name, err)
	}
	return dir, release, nil
}

// command picks the first candidate whose program is there.
func command(plan *runtimes.Plan, spec sandbox.Spec, p sandbox.Paths) (environment.Command, error) {
	cmd := plan.Command(runtimes.Paths(p))
	env := map[string]string{}
	for _, kv := range cmd.Env {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	if len(cmd.Candidates) == 1 {
		return environment.Command{Args: cmd.Candidates[0], Env: env, FramedLog: cmd.FramedLog}, nil
	}
	var tried []string
	for _, args := range cmd.Candidates {
		if info, err := os.Stat(onHost(args[0], spec, p)); err == nil && !info.IsDir() {
			return environment.Command{Args: args, Env: env}, nil
		}
		tried = append(tried, args[0])
	}
	return environment.Command{}, &missingBootstrap{tried}
}

// onHost is the host's path of a file that a sandbox shows.
func onHost(path string, spec sandbox.Spec, p sandbox.Paths) string {
	for shown, host := range map[string]string{p.Task: spec.Task, p.Runtime: spec.Runtime, p.Opt: spec.Opt} {
		if rest, ok := strings.CutPrefix(path, shown+"/"); ok && host != "" {
			return filepath.Join(host, rest)
		}
	}
	return path
}

// missingBootstrap has AWS's text.
type missingBootstrap struct{ tried []string }

func (m *missingBootstrap) Error() string {
	return "Couldn't find valid bootstrap(s): [" + strings.Join(m.tried, " ") + "]"
}

func (m *missingBootstrap) Unwrap() error { return sandbox.ErrEntrypoint }

// CheckRuntime, CheckArchive and Prepare make the engine control's Host.
func (e *engine) CheckRuntime(ctx context.Context, name string) error { return e.set.Check(ctx, name) }

func (e *engine) CheckArchive(archive io.ReaderAt, size int64) (int64, error) {
	return bundle.Verify(archive, size)
}

// prepareAttempts is how often code is unpacked when the host is at fault: a
// machine that is busy for a moment must not leave a function Failed for good.
const prepareAttempts = 3

// Prepare unpacks a function's code and layers ahead of its first environment.
func (e *engine) Prepare(ctx context.Context, fn *hearth.Function) error {
	if fn.PackageType == hearth.PackageImage {
		return nil // nothing to unpack: it is the reference that was accepted
	}
	for attempt := 1; ; attempt++ {
		t, err := e.trees(ctx, fn)
		if err == nil {
			t.release()
		}
		if _, callers := errors.AsType[*hearth.Error](err); err == nil || callers || attempt == prepareAttempts {
			return err
		}
		e.opts.logger.Warn("unpack code again", "function", fn.Name.String(), "error", err)
		select {
		case <-time.After(time.Duration(attempt) * 200 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}
