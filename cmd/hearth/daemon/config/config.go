// Package config is what `hearth serve` can be told, by flags, environment and a file:
// the settings, what they are by default, whether they make sense, and what they are
// in the terms of the parts that take them.
package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/hearthd/hearth/api/client"
	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/internal/loopback"
	"github.com/hearthd/hearth/node"
	"github.com/hearthd/hearth/node/launch"
)

// Config has a value for each setting. It comes from the setting's flag, else from
// the environment (HEARTH_ and the flag's name, in capitals), else from the file,
// else from Default.
type Config struct {
	Listen         string        `yaml:"listen"`
	DataDir        string        `yaml:"data-dir"`
	Sandbox        string        `yaml:"sandbox"`
	Network        string        `yaml:"network"`
	Account        string        `yaml:"account"`
	Region         string        `yaml:"region"`
	RuntimeMap     string        `yaml:"runtime-map"`
	LayerMap       string        `yaml:"layer-map"`
	S3Endpoint     string        `yaml:"s3-endpoint"`
	S3Dir          string        `yaml:"s3-dir"`
	JavaClient     string        `yaml:"java-client"`
	SDKDir         string        `yaml:"sdk-dir"`
	IdleTimeout    time.Duration `yaml:"idle-timeout"`
	FreezeAfter    time.Duration `yaml:"freeze-after"`
	MaxAge         time.Duration `yaml:"max-environment-age"`
	MaxConcurrency int           `yaml:"max-concurrency"`
	MaxMemory      int           `yaml:"max-memory"`
	HardCPU        bool          `yaml:"hard-cpu"`
	ShapeStreams   bool          `yaml:"shape-streams"`
	LogRetention   time.Duration `yaml:"log-retention"`
	LogLevel       string        `yaml:"log-level"`
	DebugListen    string        `yaml:"debug-listen"`

	Auth            bool   `yaml:"auth"`
	Credentials     string `yaml:"credentials"`
	FunctionActions string `yaml:"function-actions"`

	FunctionEndpoint string      `yaml:"function-endpoint"`
	AccessKeys       []AccessKey `yaml:"access-keys"` // in files only: see credentials.go
	Clock            string      `yaml:"clock"`
}

// The clocks that --clock takes.
const (
	ClockReal = "real"
	ClockTest = "test"
)

// Default returns what holds when nothing else is said.
func Default(getenv func(string) string) Config {
	return Config{
		Listen:         strings.TrimPrefix(client.DefaultEndpoint, "http://"),
		DataDir:        defaultDataDir(getenv),
		Sandbox:        launch.SandboxAuto,
		Network:        launch.NetworkNAT,
		Account:        "000000000000",
		Region:         client.DefaultRegion,
		IdleTimeout:    10 * time.Minute,
		FreezeAfter:    500 * time.Millisecond,
		MaxAge:         4 * time.Hour,
		MaxConcurrency: 1000,
		LogRetention:   14 * 24 * time.Hour,
		LogLevel:       "info",

		FunctionActions:  "lambda:InvokeFunction",
		FunctionEndpoint: node.EndpointHearth,
		Clock:            ClockReal,
	}
}

func defaultDataDir(getenv func(string) string) string {
	if dir := getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "hearth")
	}
	if os.Getuid() == 0 && !launch.InUserNamespace() {
		return "/var/lib/hearth"
	}
	return filepath.Join(getenv("HOME"), ".local", "share", "hearth")
}

// AddFlags defines a flag for each field.
func (c *Config) AddFlags(f *pflag.FlagSet) {
	f.StringVar(&c.Listen, "listen", c.Listen, "`ADDRESS` to serve on; loopback only, but with --auth")
	f.StringVar(&c.DataDir, "data-dir", c.DataDir, "`DIR` for functions, code, logs and sandboxes")
	f.StringVar(&c.Sandbox, "sandbox", c.Sandbox, "what isolates functions: auto, namespace, or process (nothing does)")
	f.StringVar(&c.Network, "network", c.Network, "what functions reach: none, nat or host; nat falls back to none, loudly, where the host forbids it")
	f.StringVar(&c.Account, "account", c.Account, "account `ID` in ARNs, twelve digits")
	f.StringVar(&c.Region, "region", c.Region, "`REGION` of requests that name none")
	f.StringVar(&c.JavaClient, "java-client", c.JavaClient, "`DIR` with AWS's runtime interface client for Java (default where \"hearth runtimes install java\" puts it)")
	f.StringVar(&c.SDKDir, "sdk-dir", c.SDKDir, "`DIR` with AWS's SDKs for Python and JavaScript (default where \"hearth runtimes install python\" and \"node\" put them)")
	f.StringVar(&c.RuntimeMap, "runtime-map", c.RuntimeMap, "serve runtimes by others: `FROM=TO,...`, such as nodejs24.x=nodejs20.x")
	f.StringVar(&c.LayerMap, "layer-map", c.LayerMap, "layers that were not published here, such as other accounts': `ARN=PATH,...`, PATH being a zip or a directory; * in the ARN stands for any text, such as a version")
	f.StringVar(&c.S3Endpoint, "s3-endpoint", c.S3Endpoint, "read code that requests name by S3Bucket and S3Key from this `URL`; signed when AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set")
	f.StringVar(&c.S3Dir, "s3-dir", c.S3Dir, "read code that requests name by S3Bucket and S3Key from this `DIR`, a sub-directory per bucket")
	f.DurationVar(&c.IdleTimeout, "idle-timeout", c.IdleTimeout, "close environments that were not used for this long")
	f.DurationVar(&c.FreezeAfter, "freeze-after", c.FreezeAfter, "freeze environments that were not used for this long")
	f.DurationVar(&c.MaxAge, "max-environment-age", c.MaxAge, "close environments that have lived for this long, between invocations; provisioned ones are replaced before")
	f.IntVar(&c.MaxConcurrency, "max-concurrency", c.MaxConcurrency, "invocations at a time; more are throttled with 429")
	f.IntVar(&c.MaxMemory, "max-memory", c.MaxMemory, "`MB` for all environments together; 0: nine tenths of this machine's")
	f.BoolVar(&c.HardCPU, "hard-cpu", c.HardCPU, "hold functions to their CPU share (memory size / 1769 MB) on an idle machine too, as AWS does")
	f.BoolVar(&c.ShapeStreams, "shape-streams", c.ShapeStreams, "hold streamed responses to AWS's bandwidth: the first 6 MiB at once, then 2 MiB a second")
	f.DurationVar(&c.LogRetention, "log-retention", c.LogRetention, "keep log streams for this long after their last line; 0: for ever")
	f.StringVar(&c.LogLevel, "log-level", c.LogLevel, "least level of the daemon's own log: debug, info, warn, error")
	f.StringVar(&c.Clock, "clock", c.Clock, "what retries, ages and idle times follow: real, or test, a clock that stands still until \"hearth clock advance\"")
	f.StringVar(&c.DebugListen, "debug-listen", c.DebugListen, "`ADDRESS` to serve Go's profiles of the daemon on, under /debug/pprof/; loopback only; empty: nowhere")
	f.BoolVar(&c.Auth, "auth", c.Auth, "serve only requests that are signed (AWS Signature Version 4) with an access key of --credentials or of the --config file")
	f.StringVar(&c.Credentials, "credentials", c.Credentials, "`FILE` with access keys for --auth, that nobody else can read (mode 0600)")
	f.StringVar(&c.FunctionActions, "function-actions", c.FunctionActions, "what functions may do with the API, besides what resource-based policies allow them: `ACTION,...`; none: \"\"")
	f.StringVar(&c.FunctionEndpoint, "function-endpoint", c.FunctionEndpoint, "where AWS's SDKs in functions find services: hearth (Lambda alone, beside the Runtime API), aws, or a `URL`; more after commas as SERVICE=URL, such as dynamodb=http://10.0.0.7:8000")
}

// Load completes c, whose flags have been parsed, from the file and the
// environment, in this order, and puts the flags that were given on top again.
func (c *Config) Load(file string, flags *pflag.FlagSet, getenv func(string) string) error {
	given := map[string]string{}
	flags.Visit(func(f *pflag.Flag) { given[f.Name] = f.Value.String() })
	*c = Default(getenv)
	if file != "" {
		if err := c.read(file); err != nil {
			return exit.Usagef("--config: %w", err)
		}
	}
	var errs []error
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	all.SortFlags = false
	values := *c // AddFlags sets every field to its default: the current value
	values.AddFlags(all)
	all.VisitAll(func(f *pflag.Flag) {
		source, value := "HEARTH_"+strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_")), ""
		if value = getenv(source); value == "" {
			return
		}
		if err := f.Value.Set(value); err != nil {
			errs = append(errs, exit.Usagef("%s: %w", source, err))
		}
	})
	for name, value := range given {
		if f := all.Lookup(name); f != nil {
			errs = append(errs, f.Value.Set(value))
		}
	}
	*c = values
	errs = append(errs, absolute(&c.DataDir, &c.S3Dir))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := c.validate(); err != nil {
		return err
	}
	if err := c.loadKeys(file); err != nil {
		return err
	}
	return c.validateNode()
}

// read fills c from a YAML file. Unknown keys are errors.
func (c *Config) read(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close() // read only
	dec := yaml.NewDecoder(f)
	dec.KnownFields(true)
	if err := dec.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", file, plain(err))
	}
	return nil
}

// plain is an error of the YAML decoder without the names of Go's types.
func plain(err error) error {
	var types *yaml.TypeError
	if !errors.As(err, &types) {
		return err
	}
	lines := make([]string, len(types.Errors))
	for i, line := range types.Errors {
		lines[i], _, _ = strings.Cut(line, " in type ")
	}
	return errors.New(strings.Join(lines, "; "))
}

// validate names the field that makes no sense.
func (c *Config) validate() error {
	switch {
	case !loopback.Address(c.Listen) && !c.Auth:
		return exit.Usagef("listen: %s is not a loopback address: whoever reaches it would own the functions; "+
			"ask for signatures with --auth, or listen on 127.0.0.1", c.Listen)
	case c.DebugListen != "" && !loopback.Address(c.DebugListen):
		return exit.Usagef("debug-listen: %s is not a loopback address", c.DebugListen)
	case !slices.Contains(launch.Sandboxes(), c.Sandbox):
		return exit.Usagef("sandbox: %q is none of %s", c.Sandbox, strings.Join(launch.Sandboxes(), ", "))
	case c.Clock != ClockReal && c.Clock != ClockTest:
		return exit.Usagef("clock: %q is none of real, test", c.Clock)
	}
	if _, err := c.Level(); err != nil {
		return exit.Usagef("log-level: %w", err)
	}
	return nil
}

// validateNode names the setting of the node that makes no sense, once the keys of both
// files are there, and completes them.
func (c *Config) validateNode() error {
	o := c.Node(func(string) string { return "" })
	if err := o.Validate(); err != nil {
		return exit.Usagef("%w", err)
	}
	if c.MaxMemory == 0 {
		c.MaxMemory = hostMemory() * 9 / 10
	}
	return nil
}

// absolute makes the settings that are paths good for every directory.
func absolute(paths ...*string) error {
	for _, p := range paths {
		if *p == "" {
			continue
		}
		abs, err := filepath.Abs(*p)
		if err != nil {
			return err
		}
		*p = abs
	}
	return nil
}

// Level returns the least level of the daemon's own log.
func (c *Config) Level() (slog.Level, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return 0, fmt.Errorf("%q is none of debug, info, warn, error", c.LogLevel)
	}
	return l, nil
}

// hostMemory is this machine's memory in MB; 0 when it cannot be told.
func hostMemory() int {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "MemTotal:" {
			kb, err := strconv.Atoi(fields[1])
			if err == nil {
				return kb / 1024
			}
		}
	}
	return 0
}
