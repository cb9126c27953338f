package single

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
	"github.com/hearthd/hearth/internal/loopback"
	"github.com/hearthd/hearth/node"
	"github.com/hearthd/hearth/node/launch"
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
func NewRunCommand(t *terminal.Terminal, enter launch.Enter) *cobra.Command {
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
			if !slices.Contains(launch.Sandboxes(), o.sandbox) {
				return exit.Usagef("--sandbox: %q is none of %s", o.sandbox, strings.Join(launch.Sandboxes(), ", "))
			}
			if !slices.Contains(launch.Networks(), o.network) {
				return exit.Usagef("--network: %q is none of %s", o.network, strings.Join(launch.Networks(), ", "))
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
	f.StringVar(&o.sandbox, "sandbox", launch.SandboxAuto, "what isolates the function: auto, namespace, or process (nothing does)")
	f.StringVar(&o.network, "network", launch.NetworkNAT, "what the function reaches: none, nat or host")
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
	if o.stayOpen && !loopback.Address(o.listen) {
		return exit.Usagef("--listen: %s is not a loopback address", o.listen)
	}
	if err := launch.CheckRuntimeMap(o.runtimeMap); err != nil {
		return exit.Usagef("--runtime-map: %w", err)
	}
	level := slog.LevelError
	if o.verbose {
		level = slog.LevelWarn
	}
	code, err := readCode(ctx, fn, archive, o.layers)
	if err != nil {
		return err
	}
	stop := sync.OnceFunc(t.Spin("starting " + fn.Name.Function))
	defer stop()
	s, err := openSingle(ctx, launch.DriverOptions{Sandbox: o.sandbox, Network: o.network}, node.Options{
		Network: o.network, RuntimeMap: o.runtimeMap, Environ: os.Environ(), Logs: stderrLog{t.Stderr, stop},
		Logger: slog.New(slog.NewTextHandler(t.Stderr, &slog.HandlerOptions{Level: level})),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if fn.Runtime, err = s.node.PickRuntime(ctx, fn.Runtime); err != nil {
		return err
	}
	if err := s.node.Put(ctx, fn, code...); err != nil {
		return err
	}
	s.fn = fn
	if o.stayOpen {
		stop()
		return s.serve(ctx, t, o.listen)
	}
	return s.once(ctx, t, event, stop)
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
