package single

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/internal/functionfile"
	"github.com/hearthd/hearth/node"
	"github.com/hearthd/hearth/node/launch"
)

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
	} else {
		archive = path
	}
	return fn, archive, o.override(fn)
}

// singleFunction is the one function as it is before anything is known of it.
func singleFunction() *hearth.Function {
	fn := node.NewFunction(theFunction)
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
	anyPython = launch.AnyPython
	anyNode   = launch.AnyNode
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
	environment := functionfile.Environment{Variables: fn.Environment}
	if err := environment.Assign(o.env); err != nil {
		return exit.Usagef("--env: %w", err)
	}
	fn.Environment = environment.Variables
	if strings.HasPrefix(fn.Runtime, "provided") && fn.Handler == "" {
		fn.Handler = "bootstrap"
	}
	if fn.Runtime == "" || fn.Handler == "" {
		return exit.Usagef("runtime and handler are not known: give --runtime and --handler, or a function.json")
	}
	return nil
}

// checkLayers refuses layers that only a daemon could have, unless the flag
// gives others in their place.
func (o *runOptions) checkLayers(file functionfile.File) error {
	if len(file.Layers) > 0 && len(o.layers) == 0 {
		return exit.Usagef("%s names layers by ARN, which only a daemon has: give each as --layer DIR|ZIP, or use hearth deploy", functionfile.Name)
	}
	return nil
}
