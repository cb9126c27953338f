package runtimes

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	hearth "github.com/hearthd/hearth"
)

// Paths are the places of an environment as its processes see them.
type Paths struct {
	Task    string // the function's code: /var/task
	Runtime string // Plan.RuntimeDir: /var/runtime
	Opt     string // layers: /opt
	Lang    string // Plan.LangDir: /var/lang
	Tmp     string // /tmp
}

// Plan is what an environment of a function needs besides the function's own
// code and layers. It is plain data; the directories belong to the Set and the
// host and must not be written to.
type Plan struct {
	// Runtime is what the function asks for, Served what serves it; they
	// differ under a substitution.
	Runtime, Served Runtime
	// Interpreter runs the function. Zero for provided runtimes.
	Interpreter Interpreter
	// Warning is to be logged at every start of an environment; empty unless
	// the runtime is substituted.
	Warning string

	// RuntimeDir and LangDir are host directories to show at /var/runtime and
	// /var/lang. Empty for provided runtimes.
	RuntimeDir, LangDir string
	// Mounts are further host paths that must be seen, most at their own path:
	// an interpreter finds its libraries by absolute names.
	Mounts []Mount

	memory      int    // MB
	nodeOptions string // the function's NODE_OPTIONS
	toolOptions string // the function's JAVA_TOOL_OPTIONS
	wrapped     bool   // the function sets AWS_LAMBDA_EXEC_WRAPPER
	handler     string // the function's
}

// Plan works out how to run a function of PackageType Zip. Errors for the
// caller are *hearth.Error, of kind hearth.ErrInvalidRuntime when this build or
// this host cannot run the runtime. ctx bounds the probing of interpreters, which happens once.
func (s *Set) Plan(ctx context.Context, fn *hearth.Function) (*Plan, error) {
	if fn.PackageType == hearth.PackageImage {
		return nil, fmt.Errorf("plan runtime: %s is an image, which brings its own", fn.Name)
	}
	asked, served, err := s.resolve(fn.Runtime)
	if err != nil {
		return nil, err
	}
	plan := &Plan{
		Runtime:     asked,
		Served:      served,
		memory:      fn.MemorySize,
		nodeOptions: fn.Environment["NODE_OPTIONS"],
		toolOptions: fn.Environment["JAVA_TOOL_OPTIONS"],
		wrapped:     fn.Environment["AWS_LAMBDA_EXEC_WRAPPER"] != "",
		handler:     fn.Handler,
	}
	if served.Family != Provided {
		if err := s.planInterpreter(ctx, plan); err != nil {
			return nil, err
		}
	}
	if asked.Name != served.Name {
		plan.Warning = fmt.Sprintf("%s is served by %s", asked.Name, served.Name)
		if plan.Interpreter.Version != "" {
			plan.Warning += " (version " + plan.Interpreter.Version + ")"
		}
		plan.Warning += ", as the runtime map says; the function may behave differently on AWS"
	}
	return plan, nil
}

func (s *Set) planInterpreter(ctx context.Context, plan *Plan) error {
	interp, err := s.Find(ctx, plan.Served)
	if err != nil {
		return err
	}
	plan.Interpreter = interp
	sdkDir := s.installedSDK(interp)
	if interp.Family == Java {
		plan.RuntimeDir, err = s.javaRuntimeDir()
	} else {
		plan.RuntimeDir, err = s.files.runtimeDir(ctx, interp, sdkDir)
	}
	if err != nil {
		return fmt.Errorf("plan %s: %w", plan.Runtime.Name, err)
	}
	if interp.standsAlone() {
		plan.LangDir = interp.Prefix
	} else if plan.LangDir, err = s.files.langDir(interp); err != nil {
		return fmt.Errorf("plan %s: %w", plan.Runtime.Name, err)
	}
	plan.Mounts = interp.mounts()
	if sdkDir != "" {
		plan.Mounts = show(plan.Mounts, sdkDir, sdkDir)
	}
	return nil
}

// Command is how to start a runtime.
type Command struct {
	// Candidates are command lines in the order to try: the first whose
	// program exists is the runtime, and Runtime.InvalidEntrypoint is the
	// error when none does. Managed runtimes have exactly one.
	Candidates [][]string
	// Env holds the variables, as KEY=value, that the runtime sets on AWS on
	// top of those that every environment has. The function's own variables
	// win over them, except over AWS_EXECUTION_ENV, which is reserved.
	Env []string
	// FramedLog says that the runtime writes its log in frames, to the
	// descriptor that _LAMBDA_TELEMETRY_LOG_FD names, if there is one.
	FramedLog bool
}

// Command returns the command for a sandbox whose places are paths.
func (p *Plan) Command(paths Paths) Command {
	switch p.Served.Family {
	case Python:
		args := []string{
			filepath.Join(paths.Lang, "bin", p.Interpreter.names()[0]),
			filepath.Join(paths.Runtime, "bootstrap.py"),
		}
		if paths.Opt != "/opt" { // no variable tells where layers are
			args = append(args, paths.Opt)
		}
		return p.managed(paths, args, p.pythonEnv(paths))
	case Node:
		args := append([]string{filepath.Join(paths.Lang, "bin", "node")}, p.nodeFlags()...)
		if p.mayImport() {
			args = append(args, "--require="+filepath.Join(paths.Runtime, "preload.cjs"))
		}
		return p.managed(paths, append(args, filepath.Join(paths.Runtime, "bootstrap.cjs")), p.nodeEnv(paths))
	case Java:
		return p.javaCommand(paths)
	default: // provided
		return Command{Candidates: [][]string{
			{filepath.Join(paths.Runtime, "bootstrap")},
			{filepath.Join(paths.Task, "bootstrap")},
			{filepath.Join(paths.Opt, "bootstrap")},
		}}
	}
}

// managed runs args directly, or through /var/runtime/bootstrap where the
// function wants a wrapper: a shell is worth its milliseconds only then.
func (p *Plan) managed(paths Paths, args, env []string) Command {
	if p.wrapped {
		args = append([]string{filepath.Join(paths.Runtime, "bootstrap")}, args...)
	}
	return Command{
		Candidates: [][]string{args},
		Env:        append(env, "AWS_EXECUTION_ENV=AWS_Lambda_"+p.Runtime.Name),
		FramedLog:  true,
	}
}

// shellEnv is what the shell leaves behind that starts these runtimes on AWS.
func shellEnv(paths Paths) []string { return []string{"PWD=" + paths.Task, "SHLVL=0"} }

func (p *Plan) pythonEnv(paths Paths) []string {
	env := append(shellEnv(paths), "PYTHONPATH="+paths.Runtime)
	if p.Interpreter.UserBase != "" {
		env = append(env, "PYTHONUSERBASE="+p.Interpreter.UserBase)
	}
	return env
}

// nodeFlags sizes the heap from the function's memory, as AWS does: 90 % for
// the old space and 5 % for each half of the young one. Language features that
// AWS turns off are off, unless the function's NODE_OPTIONS turn them on.
func (p *Plan) nodeFlags() []string {
	flags := []string{"--max-http-header-size=81920"}
	if p.memory > 0 {
		flags = append(flags,
			"--max-semi-space-size="+strconv.Itoa(max(1, p.memory*5/100)),
			"--max-old-space-size="+strconv.Itoa(p.memory*90/100))
	}
	var off []string
	switch p.Served.Version {
	case "20":
		off = []string{"--experimental-require-module"}
	case "22":
		off = []string{"--experimental-require-module", "--experimental-detect-module"}
	}
	for _, flag := range off {
		if slices.Contains(p.Interpreter.Flags, flag) && !slices.Contains(strings.Fields(p.nodeOptions), flag) {
			flags = append(flags, strings.Replace(flag, "--", "--no-", 1))
		}
	}
	return flags
}

// mayImport reports whether Node may be told to import something before the
// bootstrap runs: by the function's NODE_OPTIONS, or by those that its wrapper
// sets.
func (p *Plan) mayImport() bool {
	return p.wrapped || strings.Contains(p.nodeOptions, "--import") || strings.Contains(p.nodeOptions, "loader")
}

func (p *Plan) nodeEnv(paths Paths) []string {
	dirs := []string{
		filepath.Join(paths.Opt, "nodejs", "node"+p.Runtime.Version, "node_modules"),
		filepath.Join(paths.Opt, "nodejs", "node_modules"),
		filepath.Join(paths.Runtime, "node_modules"),
		paths.Runtime,
		paths.Task,
	}
	return append(shellEnv(paths), "NODE_PATH="+strings.Join(append(dirs, p.Interpreter.Packages...), ":"))
}
