package single

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/cmd/hearth/engine"
	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
	"github.com/hearthd/hearth/edge/auth"
	"github.com/hearthd/hearth/edge/control"
	"github.com/hearthd/hearth/internal/functionfile"
	"github.com/hearthd/hearth/runtimes"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/telemetry/logs"
)

type runOptions struct {
	runtime, handler string
	event            string
	timeout, memory  int
	env              []string
	layers           []string
	sandbox          string
	network          string
	runtimeMap       string
	stayOpen         bool
	listen           string
	verbose          bool
}

// NewRunCommand returns `hearth run`.
func NewRunCommand(t *terminal.Terminal, enter engine.Enter) *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run DIR|ZIP",
		Short: "Run one function, without a daemon",
		Long: `Run a function from a directory or a ZIP archive, once: the event in, its
response on standard output, its log on standard error, and an exit code that
tells how it went (see "hearth help exit-codes"). A directory is used in place.

A directory's function.json gives runtime and handler, as for "hearth deploy";
flags override it. Without either the runtime is told from the files where that
is plain: a bootstrap, app.py, lambda_function.py, index.js or index.mjs.

With --stay-open the function stays up and warm, and is invoked over HTTP at
/2015-03-31/functions/function/invocations, as AWS's emulator does it.`,
		Example: `  hearth run examples/hello-python --event '{"name":"x"}'
  hearth run build.zip --runtime provided.al2023 --event @event.json
  echo '{}' | hearth run . --event -
  hearth run examples/hello-shell --layer examples/extension-shell
  hearth run examples/hello-node --stay-open`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(engine.Sandboxes(), o.sandbox) {
				return exit.Usagef("--sandbox: %q is none of %s", o.sandbox, strings.Join(engine.Sandboxes(), ", "))
			}
			if err := enter.Prepare(o.sandbox); err != nil {
				return err
			}
			return o.run(cmd.Context(), t, args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.runtime, "runtime", "", "runtime `ID`, such as python3.13, nodejs22.x, provided.al2023")
	f.StringVar(&o.handler, "handler", "", "handler, such as app.handler")
	f.StringVarP(&o.event, "event", "e", "{}", "event as `JSON`, @FILE, or - for standard input")
	f.IntVar(&o.timeout, "timeout", 0, "timeout in `SECONDS` (default 3, or function.json's)")
	f.IntVar(&o.memory, "memory", 0, "memory in `MB` (default 128, or function.json's)")
	f.StringArrayVar(&o.env, "env", nil, "environment variable `KEY=VALUE`; may be repeated")
	f.StringArrayVar(&o.layers, "layer", nil, "a layer in a directory or archive, `DIR|ZIP`; may be repeated: merged in this order into /opt")
	f.StringVar(&o.sandbox, "sandbox", engine.SandboxAuto, "what isolates the function: auto, namespace, or process (nothing does)")
	f.StringVar(&o.network, "network", string(sandbox.NetworkNAT), "what the function reaches: none, nat or host")
	f.StringVar(&o.runtimeMap, "runtime-map", "", "serve runtimes by others: `FROM=TO,...`, such as nodejs24.x=nodejs20.x")
	f.BoolVar(&o.stayOpen, "stay-open", false, "keep the function warm and serve invocations over HTTP")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`ADDRESS` for --stay-open; loopback only")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "show hearth's own warnings, such as what this host cannot enforce")
	return cmd
}

func (o *runOptions) run(ctx context.Context, t *terminal.Terminal, path string) (err error) {
	fn, archive, err := o.function(path)
	if err != nil {
		return err
	}
	event, err := readEvent(t, o.event)
	if err != nil {
		return err
	}
	if o.stayOpen && !auth.Loopback(o.listen) {
		return exit.Usagef("--listen: %s is not a loopback address", o.listen)
	}
	substitutes, err := runtimes.ParseSubstitutes(o.runtimeMap)
	if err != nil {
		return exit.Usagef("--runtime-map: %w", err)
	}
	level := slog.LevelError
	if o.verbose {
		level = slog.LevelWarn
	}
	local := localCode{archive: archive}
	if err := local.addLayers(ctx, fn, o.layers); err != nil {
		return err
	}
	stop := sync.OnceFunc(t.Spin("starting " + fn.Name.Function))
	defer stop()
	s, err := openSingle(ctx, fn, engine.Options{
		Sandbox: o.sandbox, Network: sandbox.Network(o.network), Substitutes: substitutes, Environ: os.Environ(),
		OpenCode: local.Open,
		Sink:     func(*hearth.Function, string) logs.Sink { return stderrSink{t.Stderr, stop} },
		Logger:   slog.New(slog.NewTextHandler(t.Stderr, &slog.HandlerOptions{Level: level})),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if o.stayOpen {
		stop()
		return s.serve(ctx, t, o.listen)
	}
	return s.once(ctx, t, event, stop)
}

// function describes the function at a path. archive is empty for a directory.
func (o *runOptions) function(path string) (fn *hearth.Function, archive string, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, "", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, "", exit.Usagef("run: %w", err)
	}
	fn = singleFunction()
	if info.IsDir() {
		if err := o.describeDir(fn, path); err != nil {
			return nil, "", err
		}
	} else if err := describeZip(fn, path); err != nil {
		return nil, "", err
	} else {
		archive = path
	}
	return fn, archive, o.override(fn)
}

// singleFunction has the names that AWS's emulator gives to its one function.
func singleFunction() *hearth.Function {
	name := hearth.Name{Account: "012345678912", Region: "us-east-1", Function: "function"}
	fn := control.NewFunction(name)
	fn.State, fn.Generation, fn.LastModified = hearth.StateActive, "1", time.Now()
	return fn
}

func (o *runOptions) describeDir(fn *hearth.Function, dir string) error {
	fn.Code.Dir = dir
	file, err := functionfile.Load(os.DirFS(dir))
	if errors.Is(err, fs.ErrNotExist) {
		fn.Runtime, fn.Handler = guess(dir)
		return nil
	}
	if err != nil {
		return exit.Usagef("%s: %w", dir, err)
	}
	if err := o.checkLayers(file); err != nil {
		return err
	}
	fn.Runtime, fn.Handler = file.Runtime, file.Handler
	if file.Timeout > 0 {
		fn.Timeout = file.Timeout
	}
	if file.MemorySize > 0 {
		fn.MemorySize = file.MemorySize
	}
	if file.EphemeralStorage != nil {
		fn.EphemeralStorage = file.EphemeralStorage.Size
	}
	if file.Environment != nil {
		fn.Environment = file.Environment.Variables
	}
	return nil
}

// Runtimes that were not told, to be served by the newest interpreter here.
const (
	anyPython = string(runtimes.Python)
	anyNode   = string(runtimes.Node)
)

// guess tells runtime and handler from files that leave no doubt.
func guess(dir string) (runtime, handler string) {
	for _, g := range []struct{ file, runtime, handler string }{
		{"bootstrap", "provided.al2023", "bootstrap"},
		{"app.py", anyPython, "app.handler"},
		{"lambda_function.py", anyPython, "lambda_function.lambda_handler"},
		{"index.mjs", anyNode, "index.handler"},
		{"index.js", anyNode, "index.handler"},
	} {
		if _, err := os.Stat(filepath.Join(dir, g.file)); err == nil {
			return g.runtime, g.handler
		}
	}
	return "", ""
}

func describeZip(fn *hearth.Function, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return exit.Usagef("run: %w", err)
	}
	defer f.Close() // read only
	sum := sha256.New()
	if fn.Code.Size, err = io.Copy(sum, f); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	fn.Code.Digest = hex.EncodeToString(sum.Sum(nil))
	fn.Code.SHA256 = base64.StdEncoding.EncodeToString(sum.Sum(nil))
	return nil
}

// override applies the flags and checks that nothing is missing.
func (o *runOptions) override(fn *hearth.Function) error {
	if o.runtime != "" {
		fn.Runtime = o.runtime
	}
	if o.handler != "" {
		fn.Handler = o.handler
	}
	if o.timeout > 0 {
		fn.Timeout = o.timeout
	}
	if o.memory > 0 {
		fn.MemorySize = o.memory
	}
	if len(o.env) > 0 && fn.Environment == nil {
		fn.Environment = map[string]string{}
	}
	for _, assignment := range o.env {
		key, value, ok := strings.Cut(assignment, "=")
		if !ok {
			return exit.Usagef("--env: %q is not KEY=VALUE", assignment)
		}
		fn.Environment[key] = value
	}
	if strings.HasPrefix(fn.Runtime, "provided") && fn.Handler == "" {
		fn.Handler = "bootstrap"
	}
	if fn.Runtime == "" || fn.Handler == "" {
		return exit.Usagef("runtime and handler are not known: give --runtime and --handler, or a function.json")
	}
	return nil
}

// readEvent reads --event and checks that it is JSON.
func readEvent(t *terminal.Terminal, arg string) ([]byte, error) {
	event, err := t.ReadValue("--event", arg)
	if err != nil {
		return nil, err
	}
	if !json.Valid(event) {
		return nil, fmt.Errorf("--event: %w: not JSON", hearth.ErrInvalidContent)
	}
	return event, nil
}
