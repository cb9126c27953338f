package sdks_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/test/compat/daemon"
)

var update = flag.Bool("update", false, "rewrite testdata/life.txt with what boto3 tells")

// patience is how long a client may take for its story, and how long one may
// take to be built. Machines that run tests are busy.
const patience = 8 * time.Minute

// repository is the root of the module, as seen from here.
const repository = "../../.."

// A client is a program that tells the life of a function. It gets a directory
// with the function's archives, to which it may write, as its last argument.
type client struct {
	region  string   // a namespace of its own, in a daemon that others use too
	command []string // paths are relative to this package
	env     []string
	// silent matches what this client does not show of testdata/life.txt.
	silent *regexp.Regexp
}

func TestBoto3(t *testing.T) {
	t.Parallel()
	c := client{region: "us-east-1", command: []string{"python3", "testdata/boto3/life.py"}}
	tellsBoth(t, c)
}

func TestJavaScript(t *testing.T) {
	t.Parallel()
	modules, err := filepath.Abs(filepath.Join(repository, ".tools", "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	c := client{region: "us-west-2", command: []string{"node", "testdata/javascript/life.cjs"}, env: []string{"NODE_PATH=" + modules}}
	tellsBoth(t, c)
}

// One command is one process here, and there are many: with --auth, where more
// can go wrong, is enough.
func TestAWSCLI(t *testing.T) {
	t.Parallel()
	tools, err := filepath.Abs(filepath.Join(repository, ".tools", "bin"))
	if err != nil {
		t.Fatal(err)
	}
	c := client{
		region: "eu-central-1", command: []string{"sh", "testdata/awscli/life.sh"},
		env:    []string{"PATH=" + os.Getenv("PATH") + ":" + tools},
		silent: regexp.MustCompile(`(?m) \(\d{3}\)|^(stream|throttle|layers?|in the layer|(no )?event configs?|urls?|mapping|tags): .*\n`),
	}
	t.Run("Auth", func(t *testing.T) { tells(t, theSuite.auth, c) })
}

func TestJava(t *testing.T) {
	t.Parallel()
	built := buildJava(t)
	c := client{region: "eu-west-1", command: []string{
		"java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", // it is over soon
		"-cp", filepath.Join(built, "classes") + ":" + filepath.Join(built, "lib", "*"), "Life",
	}}
	tellsBoth(t, c)
}

func TestRust(t *testing.T) {
	t.Parallel()
	tellsBoth(t, client{region: "sa-east-1", command: []string{filepath.Join(buildRust(t), "life")}})
}

// tellsBoth has a client tell the story to a daemon that serves everybody, and
// to one that asks for signatures.
func tellsBoth(t *testing.T, c client) {
	t.Helper()
	t.Run("Open", func(t *testing.T) { tells(t, theSuite.open, c) })
	t.Run("Auth", func(t *testing.T) { tells(t, theSuite.auth, c) })
}

// tells has a client tell the story, which must be that of testdata/life.txt.
func tells(t *testing.T, d *daemon.Daemon, c client) {
	t.Helper()
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(theSuite.archives)); err != nil {
		t.Fatal(err)
	}
	told, err := run(t, append(c.command, dir), append(c.env,
		"AWS_ENDPOINT_URL="+d.Endpoint, "AWS_ACCESS_KEY_ID="+accessKey, "AWS_SECRET_ACCESS_KEY="+secretKey,
		"AWS_REGION="+c.region, "AWS_DEFAULT_REGION="+c.region, "RUNTIME="+hostPython(t),
		// Nothing of the user's takes part, and hearth has to be right at the
		// first attempt.
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1")...)
	told = strings.ReplaceAll(told, c.region, "REGION")
	if err != nil {
		t.Fatalf("%v\nIt told:\n%s", err, told)
	}
	const golden = "testdata/life.txt"
	if *update && c.command[0] == "python3" && d == theSuite.open {
		if err := os.WriteFile(golden, []byte(told), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	story := string(want)
	if c.silent != nil {
		story = c.silent.ReplaceAllString(story, "")
	}
	if diff := cmp.Diff(strings.Split(story, "\n"), strings.Split(told, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
}

// run runs a program and returns what it printed; the error has what it said
// besides.
func run(t *testing.T, command []string, env ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env, cmd.WaitDelay = append(os.Environ(), env...), 2*time.Second
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Logf("%s: %s", strings.Join(command, " "), stderr.String())
	}
	return string(out), err
}

// hostPython is the runtime of this machine's Python.
func hostPython(t *testing.T) string {
	t.Helper()
	version, err := run(t, []string{"python3", "-c", "import sys; print('python%d.%d' % sys.version_info[:2], end='')"})
	if err != nil {
		t.Fatal(err)
	}
	return version
}
