package runtimes

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	hearth "github.com/hearthd/hearth"
)

// Java has no bootstrap of hearth's own: AWS publishes the one that its managed
// runtimes use as a library, which hearth runs as it is. It is not embedded,
// being larger than hearth's own bootstraps together; `hearth runtimes install
// java` gets it.

// JavaClient is AWS's runtime interface client for Java, by Maven's
// coordinates. Its dependencies belong to it.
const JavaClient = "com.amazonaws:aws-lambda-java-runtime-interface-client:2.9.0"

// javaClientJar begins the name of the archive that a directory with the client
// must have.
const javaClientJar = "aws-lambda-java-runtime-interface-client-"

// javaMain is the client's program.
const javaMain = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda"

// JavaClientDir is where the client is kept for a user with this environment,
// given as KEY=value: HEARTH_JAVA_CLIENT, else below the user's data directory.
// Empty when the environment names no home.
func JavaClientDir(env []string) string {
	get := lookup(env)
	if dir := get("HEARTH_JAVA_CLIENT"); dir != "" {
		return dir
	}
	if data := get("XDG_DATA_HOME"); filepath.IsAbs(data) {
		return filepath.Join(data, "hearth", "java")
	}
	if home := get("HOME"); home != "" {
		return filepath.Join(home, ".local", "share", "hearth", "java")
	}
	return ""
}

// javaRuntimeDir returns the directory to show at /var/runtime: the client's
// archives below lib, as on AWS.
func (s *Set) javaRuntimeDir() (string, error) {
	client, jars, err := s.javaClient()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, jar := range jars {
		info, err := os.Stat(filepath.Join(client, jar))
		if err != nil {
			return "", fmt.Errorf("look at Java client: %w", err)
		}
		fmt.Fprintf(h, "%s %d %d\n", jar, info.Size(), info.ModTime().UnixNano())
	}
	return s.files.once("java-"+hex.EncodeToString(h.Sum(nil)[:6]), func(dir string) error {
		if err := os.Mkdir(filepath.Join(dir, "lib"), 0o755); err != nil {
			return fmt.Errorf("create lib: %w", err)
		}
		for _, jar := range jars {
			if err := copyFile(filepath.Join(client, jar), filepath.Join(dir, "lib", jar)); err != nil {
				return err
			}
		}
		wrapper, err := bootstraps.ReadFile("python/bootstrap") // knows nothing of Python
		if err != nil {
			return fmt.Errorf("open embedded bootstrap: %w", err)
		}
		return os.WriteFile(filepath.Join(dir, "bootstrap"), wrapper, 0o755)
	})
}

// javaClient finds the archives of AWS's client; a *hearth.Error that says how
// to get it when there are none.
func (s *Set) javaClient() (dir string, jars []string, err error) {
	dir = s.opts.JavaClient
	if dir == "" {
		dir = JavaClientDir(s.opts.Env)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.jar"))
	if err != nil {
		return "", nil, fmt.Errorf("look for Java client in %s: %w", dir, err)
	}
	complete := false
	for _, jar := range found {
		jars = append(jars, filepath.Base(jar))
		complete = complete || strings.HasPrefix(filepath.Base(jar), javaClientJar)
	}
	if dir == "" || !complete {
		return "", nil, hearth.Errorf(hearth.ErrInvalidRuntime,
			"Java functions need AWS's runtime interface client, which is not in %q. Get it with: hearth runtimes install java", dir)
	}
	return dir, jars, nil
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copy archive: %w", err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("copy archive: %w", err)
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// Options of the JVM that a function may set in JAVA_TOOL_OPTIONS in place of
// hearth's.
var (
	heapOption      = regexp.MustCompile(`^-Xmx|^-XX:(MaxHeapSize|MaxRAMPercentage|MaxRAM)=`)
	collectorOption = regexp.MustCompile(`^-XX:[+-]Use\w+GC$`)
	compilerOption  = regexp.MustCompile(`^-XX:([+-]TieredCompilation$|TieredStopAtLevel=)`)
)

// javaFlags sizes the JVM from the function's memory in AWS's proportions, and
// favours a short start, as AWS does: one collector and, since Java 17, one
// compiler. What the JVM reads in JAVA_TOOL_OPTIONS loses to its command line,
// and a second collector ends it: what the function sets there is left out here.
func (p *Plan) javaFlags() []string {
	own := func(option *regexp.Regexp) bool {
		return slices.ContainsFunc(strings.Fields(p.toolOptions), option.MatchString)
	}
	major, err := strconv.Atoi(p.Interpreter.minor())
	if err != nil { // an early build of the next version, which serves no runtime
		major = 0
	}
	flags := []string{
		"-Djava.net.preferIPv4Stack=true",
		// The client reaches into java.io for the descriptor of the log; JVMs
		// warn of that, in the function's log, or refuse it.
		"--add-opens=java.base/java.io=ALL-UNNAMED", "--add-opens=java.base/java.util=ALL-UNNAMED",
	}
	if p.memory > 0 && !own(heapOption) {
		flags = append(flags, "-XX:MaxHeapSize="+strconv.Itoa(p.memory*1024*85/100)+"k")
	}
	if !own(collectorOption) {
		flags = append(flags, "-XX:+UseSerialGC")
	}
	if major >= 17 && !own(compilerOption) {
		flags = append(flags, "-XX:TieredStopAtLevel=1")
	}
	if major >= 24 {
		flags = append(flags, "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow")
	}
	return flags
}

// javaCommand runs the client; the handler is its argument.
func (p *Plan) javaCommand(paths Paths) Command {
	args := append([]string{filepath.Join(paths.Lang, "bin", "java")}, p.javaFlags()...)
	args = append(args, "-cp", filepath.Join(paths.Runtime, "lib")+"/*", javaMain, p.handler)
	return p.managed(paths, args, nil)
}
