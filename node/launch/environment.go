package launch

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"maps"
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
	"github.com/hearthd/hearth/telemetry/logs"
)

// Open builds an environment of a function, without its init phase. It is the pool's
// Open.
func (l *Launcher) Open(ctx context.Context, fn *hearth.Function, initType string) (pool.Environment, error) {
	if fn.Managed != nil && fn.Logging.Format != hearth.LogJSON {
		// As on AWS: lines of several invocations can only be told apart so.
		own := *fn
		own.Logging.Format = hearth.LogJSON
		fn = &own
	}
	launch, plan, err := l.launch(ctx, fn)
	if err != nil {
		return nil, err
	}
	id := NewID()
	stream := streamName(fn, id, time.Now())
	services := l.newServices(ctx, fn, l.opts.Logs.Sink(fn, stream), logs.Runtime{
		Version: runtimeVersion(plan), ARN: control.RuntimeVersionARN(fn),
	})
	for _, warning := range []string{plan.Warning, architectureWarning(fn)} {
		if warning != "" {
			l.opts.Logger.Warn("function runs on a substitute", "function", fn.Name.String(), "warning", warning)
			services.Output(hearth.SourceFunction, []byte("hearth: "+warning))
		}
	}
	opts := environment.Options{
		ID: id[:16], Function: fn, Driver: l.opts.Driver, Launch: launch, Recorder: services, Subscriptions: services, Services: services,
		Env: l.platform(fn), LogStream: stream, InitType: initType, Logger: l.opts.Logger,
	}
	if l.opts.API != nil {
		opts.API = l.opts.API.For(fn)
	}
	if fn.Managed != nil {
		return environment.OpenMultiConcurrent(ctx, opts)
	}
	return environment.Open(ctx, opts)
}

// platform is what the platform gives the processes of an environment: the
// function's credentials, or what AWS's SDKs insist on, good for nothing. A Program
// has its own environment in their place.
func (l *Launcher) platform(fn *hearth.Function) map[string]string {
	if l.opts.Program != nil {
		return variables(l.opts.Program.Env)
	}
	env := maps.Clone(l.opts.Endpoints)
	if env == nil {
		env = map[string]string{}
	}
	maps.Copy(env, l.credentials(fn))
	return env
}

func (l *Launcher) credentials(fn *hearth.Function) map[string]string {
	if l.opts.Credentials != nil {
		if issued := l.opts.Credentials.Credentials(fn); issued != nil {
			return issued
		}
	}
	return map[string]string{
		"AWS_ACCESS_KEY_ID": placeholderKey(fn), "AWS_SECRET_ACCESS_KEY": "no-secret", "AWS_SESSION_TOKEN": "no-session",
	}
}

// placeholderKey is an access key id of AWS's form that is no key, another one for
// each function as on AWS: what an application caches or compares by it stays apart.
func placeholderKey(fn *hearth.Function) string {
	sum := sha256.Sum256([]byte(fn.Name.ARN("")))
	return "ASIA" + base32.StdEncoding.EncodeToString(sum[:10])
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

// NewID returns the id of a new environment: 32 hexadecimal digits.
func NewID() string {
	var raw [16]byte
	rand.Read(raw[:]) // never fails: see crypto/rand
	return hex.EncodeToString(raw[:])
}

// streamName is AWS's name of a log stream.
func streamName(fn *hearth.Function, id string, now time.Time) string {
	day := now.UTC().Format("2006/01/02/")
	if fn.Logging.Group != fn.Name.LogGroup() {
		return day + fn.Name.Function + "[" + fn.Version + "][" + id + "]"
	}
	return day + "[" + fn.Version + "]" + id
}

// runtimeVersion is the version in INIT_START lines, such as
// python:3.12.v1; the last part is the interpreter's patch level. A Program has
// none.
func runtimeVersion(p *runtimes.Plan) string {
	if p.Runtime.Family == "" {
		return ""
	}
	version := string(p.Runtime.Family) + ":" + p.Runtime.Version
	parts := strings.Split(p.Interpreter.Version, ".")
	if len(parts) < 3 {
		return version + ".v1"
	}
	return version + ".v" + parts[2]
}

// launch is how the runtime of a function is started. The plan says what it is.
func (l *Launcher) launch(ctx context.Context, fn *hearth.Function) (*environment.Launch, *runtimes.Plan, error) {
	if l.opts.Program != nil {
		return l.opts.Program.launch(fn), &runtimes.Plan{}, nil
	}
	if fn.PackageType == hearth.PackageImage {
		return nil, nil, errImage
	}
	plan, err := l.set.Plan(ctx, fn)
	if err != nil {
		return nil, nil, err
	}
	t, err := l.trees(ctx, fn)
	if err != nil {
		return nil, nil, err
	}
	spec := sandbox.Spec{
		Task: t.task, Opt: t.opt, Runtime: plan.RuntimeDir, Lang: plan.LangDir,
		MemoryBytes: int64(fn.MemorySize) << 20,
		CPU:         float64(fn.MemorySize) / 1769,
		TmpBytes:    int64(fn.EphemeralStorage) << 20,
		Network:     l.network,
	}
	for _, m := range plan.Mounts {
		spec.Mounts = append(spec.Mounts, sandbox.Mount{Source: m.Source, Target: m.Target})
	}
	return &environment.Launch{Spec: spec, Runtime: &planned{plan, spec, t}}, plan, nil
}

// planned is a runtime as the runtimes of this host have planned it.
type planned struct {
	plan  *runtimes.Plan
	spec  sandbox.Spec
	trees *trees
}

func (p *planned) Command(paths sandbox.Paths) (environment.Command, error) {
	return command(p.plan, p.spec, paths)
}

func (p *planned) Release() { p.trees.release() }

// launch starts the program as it would be from a shell.
func (p *Program) launch(fn *hearth.Function) *environment.Launch {
	return &environment.Launch{Spec: sandbox.Spec{Task: fn.Code.Dir, Network: sandbox.NetworkHost}, Runtime: p}
}

// Command and Release make a Program an environment's Runtime.
func (p *Program) Command(sandbox.Paths) (environment.Command, error) {
	return environment.Command{Args: p.Args}, nil
}

// Release has nothing to give back.
func (p *Program) Release() {}

// variables takes KEY=value apart.
func variables(env []string) map[string]string {
	m := make(map[string]string, len(env))
	for _, kv := range env {
		k, v, _ := strings.Cut(kv, "=")
		m[k] = v
	}
	return m
}

// command picks the first candidate whose program is there.
func command(plan *runtimes.Plan, spec sandbox.Spec, p sandbox.Paths) (environment.Command, error) {
	cmd := plan.Command(runtimes.Paths(p))
	env := variables(cmd.Env)
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
