// Package deploy changes what a daemon has: functions (`hearth deploy`,
// `hearth functions`) and layers (`hearth layers`).
package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/api/client"
	"github.com/hearthd/hearth/cmd/hearth/code"
	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote"
	"github.com/hearthd/hearth/internal/functionfile"
)

const (
	// defaultAccount is the caller's unless the daemon names another; see defaultRole.
	defaultAccount = "000000000000"
	// settleTimeout bounds the wait for a function to become active.
	settleTimeout = 2 * time.Minute
)

type options struct {
	name    string
	runtime string
	handler string
	role    string
	timeout int
	memory  int
	env     []string
	layers  []string
	json    bool
}

// NewCommand returns `hearth deploy`.
func NewCommand(d *remote.Daemon) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "deploy DIR|ZIP",
		Short: "Create a function from a directory or archive, or update it",
		Long: `Create a function from a directory or a ZIP archive, or update the one of that
name: its code, and those of its settings that are given.

A directory's function.json describes the function in the terms of AWS's
CreateFunction; flags override it. Without one, --runtime and --handler are
needed, and the function is named after the directory.`,
		Example: `  hearth deploy examples/hello-python
  hearth deploy build/ --name api --runtime provided.al2023 --handler bootstrap
  hearth deploy app/ --env LEVEL=debug --layer arn:aws:lambda:us-east-1:000000000000:layer:deps:3`,
		Args: cobra.ExactArgs(1),
		RunE: d.Run(func(ctx context.Context, c *client.Client, args []string) error {
			return o.run(ctx, d, c, args[0])
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.name, "name", "", "function name")
	flags.StringVar(&o.runtime, "runtime", "", "runtime `ID`, such as python3.13, nodejs22.x, provided.al2023")
	flags.StringVar(&o.handler, "handler", "", "handler, such as app.handler")
	flags.StringVar(&o.role, "role", "", "IAM role `ARN` that the function reports (nothing assumes it)")
	flags.IntVar(&o.timeout, "timeout", 0, "timeout in `SECONDS`")
	flags.IntVar(&o.memory, "memory", 0, "memory in `MB`")
	flags.StringArrayVar(&o.env, "env", nil, "environment variable `KEY=VALUE`; may be repeated")
	flags.StringArrayVar(&o.layers, "layer", nil, "layer version `ARN`, in place of those that the function has; may be repeated: up to five, merged in this order")
	flags.BoolVar(&o.json, "json", false, "print the function's configuration as JSON")
	// Fails for a flag that is not there, only.
	_ = cmd.RegisterFlagCompletionFunc("layer", completeLayerARN(d))
	return cmd
}

func (o options) run(ctx context.Context, d *remote.Daemon, c *client.Client, path string) error {
	file, err := o.describe(path)
	if err != nil {
		return err
	}
	archive, err := code.Read(ctx, path)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	stop := d.Spin("deploying " + file.FunctionName)
	verb, configuration, err := putFunction(ctx, c, file, archive)
	stop()
	if err != nil {
		return err
	}
	if warning := bootstrapWarning(configuration.Runtime, archive); warning != "" {
		fmt.Fprintln(d.Stderr, "hearth: warning:", warning)
	}
	if o.json {
		return d.PrintJSON(configuration)
	}
	_, err = fmt.Fprintf(d.Stdout, "%s %s (%s, %d bytes)\n", verb, configuration.FunctionName, configuration.Runtime, len(archive))
	return err
}

// describe merges function.json, if there is one, with the flags.
func (o options) describe(path string) (functionfile.File, error) {
	file, err := load(path)
	if err != nil {
		return file, err
	}
	for _, override := range []struct {
		to   *string
		flag string
	}{{&file.FunctionName, o.name}, {&file.Runtime, o.runtime}, {&file.Handler, o.handler}, {&file.Role, o.role}} {
		if override.flag != "" {
			*override.to = override.flag
		}
	}
	if o.timeout != 0 {
		file.Timeout = o.timeout
	}
	if o.memory != 0 {
		file.MemorySize = o.memory
	}
	if len(o.layers) > 0 {
		file.Layers = o.layers
	}
	if len(o.env) == 0 {
		return file, nil // without an Environment where there was none
	}
	if file.Environment == nil {
		file.Environment = &functionfile.Environment{}
	}
	if err := file.Environment.Assign(o.env); err != nil {
		return file, exit.Usagef("--env: %w", err)
	}
	return file, nil
}

// load reads a directory's function.json, if there is one, and names a function
// that has no name after its path.
func load(path string) (functionfile.File, error) {
	var file functionfile.File
	info, err := os.Stat(path)
	if err != nil {
		return file, exit.Usagef("deploy: %w", err)
	}
	if info.IsDir() {
		file, err = functionfile.Load(os.DirFS(path))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return file, exit.Usagef("%s: %w", path, err)
		}
	}
	if file.FunctionName == "" {
		file.FunctionName, err = nameOf(path)
		return file, err
	}
	return file, nil
}

// nameOf names a function after its directory or archive.
func nameOf(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("name the function: %w", err)
	}
	return strings.TrimSuffix(filepath.Base(absolute), ".zip"), nil
}

// putFunction creates the function, or updates the one of that name, and
// returns what it did, as a word, and the configuration that came of it.
func putFunction(ctx context.Context, c *client.Client, file functionfile.File, archive []byte) (string, client.Configuration, error) {
	name := file.FunctionName
	_, err := c.GetFunction(ctx, name)
	answer, _ := errors.AsType[*client.Error](err)
	verb := "updated"
	switch {
	case answer != nil && answer.StatusCode == 404:
		verb = "created"
		if file.Role == "" {
			file.Role = defaultRole(answer.Message)
		}
		err = createFunction(ctx, c, file, archive)
	case err == nil:
		err = updateFunction(ctx, c, file, archive)
	}
	if err != nil {
		return "", client.Configuration{}, err
	}
	configuration, err := c.Settle(ctx, name)
	return verb, configuration, err
}

func createFunction(ctx context.Context, c *client.Client, file functionfile.File, archive []byte) error {
	if file.Runtime == "" || file.Handler == "" {
		return exit.Usagef("a new function needs a runtime and a handler: in %s, or with --runtime and --handler", functionfile.Name)
	}
	return c.CreateFunction(ctx, file, archive)
}

// defaultRole stands in for the IAM role that CreateFunction asks for. Nothing assumes
// it, but a daemon with accounts wants it to be of the caller's, which is in what the
// daemon says of a function that is missing: it names the function's ARN.
func defaultRole(missing string) string {
	account := defaultAccount
	if _, arn, ok := strings.Cut(missing, "arn:"); ok {
		if parts := strings.Split(arn, ":"); len(parts) > 3 && len(parts[3]) == len(defaultAccount) {
			account = parts[3]
		}
	}
	return "arn:aws:iam::" + account + ":role/hearth"
}

// updateFunction changes settings before code: settings are what a daemon may
// refuse, such as a runtime that Lambda no longer has, and then the code stays too.
func updateFunction(ctx context.Context, c *client.Client, file functionfile.File, archive []byte) error {
	if err := c.UpdateFunctionConfiguration(ctx, file.FunctionName, file.Role, file.Settings); err != nil {
		return err
	}
	if _, err := c.Settle(ctx, file.FunctionName); err != nil {
		return err
	}
	return c.UpdateFunctionCode(ctx, file.FunctionName, archive, file.Architectures)
}
