package single

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
	"github.com/hearthd/hearth/node"
	"github.com/hearthd/hearth/node/launch"
)

// NewRIECommand returns `hearth rie`.
func NewRIECommand(t *terminal.Terminal) *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "rie BOOTSTRAP [ARG...] [HANDLER]",
		Short: "Serve one runtime program over HTTP, in place of AWS's emulator",
		Long: `Start a program that speaks the Runtime API, such as the entry point of a Lambda
container image, as a plain process of this machine, and serve invocations of it
at /2015-03-31/functions/function/invocations. The last of several arguments is
the handler (_HANDLER). The program sees this command's environment.

Requests that come while it works get a process of their own. As with AWS's
emulator, AWS_LAMBDA_FUNCTION_NAME, _TIMEOUT (seconds) and _MEMORY_SIZE are read
from the environment.`,
		Example: `  hearth rie ./bootstrap
  hearth rie python3 -m awslambdaric app.handler`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runRIE(cmd.Context(), t, args, listen) },
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "`ADDRESS` to serve on; use 0.0.0.0:8080 inside a container only")
	cmd.Flags().SetInterspersed(false) // the program's flags are its own
	return cmd
}

func runRIE(ctx context.Context, t *terminal.Terminal, args []string, listen string) (err error) {
	fn, err := emulatedFunction(t, args)
	if err != nil {
		return err
	}
	// A plain process is what was asked for: what does not isolate it is no news.
	driver := launch.DriverOptions{Sandbox: launch.SandboxProcess, Logger: slog.New(slog.DiscardHandler)}
	s, err := openSingle(ctx, driver, node.Options{
		Program: &launch.Program{Args: args, Env: os.Environ()}, Logs: stderrLog{t.Stderr, func() {}},
		Logger: slog.New(slog.NewTextHandler(t.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.node.Put(ctx, fn); err != nil {
		return err
	}
	s.fn = fn
	return s.serve(ctx, t, listen)
}

// emulatedFunction describes the program in the terms of AWS's emulator, and
// makes the program's path absolute in args.
func emulatedFunction(t *terminal.Terminal, args []string) (*hearth.Function, error) {
	fn := singleFunction()
	fn.Timeout, fn.MemorySize = 300, 3008 // the emulator's
	for _, setting := range []struct {
		name string
		to   *int
	}{{"AWS_LAMBDA_FUNCTION_TIMEOUT", &fn.Timeout}, {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &fn.MemorySize}} {
		if v := t.Getenv(setting.name); v != "" {
			n, err := strconv.Atoi(v)
			if err != nil || n <= 0 {
				return nil, exit.Usagef("%s: %q is not a positive number", setting.name, v)
			}
			*setting.to = n
		}
	}
	path, err := lookPath(args[0], t.Getenv("PATH"))
	if err != nil {
		return nil, err
	}
	args[0] = path
	if len(args) > 1 {
		fn.Handler = args[len(args)-1]
	} else {
		fn.Handler = t.Getenv("_HANDLER")
	}
	fn.LastModified = time.Now()
	if fn.Code.Dir, err = os.Getwd(); err != nil {
		return nil, err
	}
	return fn, nil
}

// lookPath finds a program as a shell would.
func lookPath(name, path string) (string, error) {
	if strings.Contains(name, "/") {
		if _, err := os.Stat(name); err != nil {
			return "", exit.Usagef("%s: no such program", name)
		}
		if !executable(name) {
			return "", exit.Usagef("%s cannot be executed; is it a program? chmod +x %[1]s", name)
		}
		return filepath.Abs(name)
	}
	for _, dir := range filepath.SplitList(path) {
		if file := filepath.Join(dir, name); executable(file) {
			return filepath.Abs(file)
		}
	}
	return "", exit.Usagef("%s: no such program on PATH", name)
}

func executable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}
