package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hearthd/hearth/runtimes"
	"github.com/hearthd/hearth/runtimes/sdk"
)

// Errors of an installation that are its caller's.
var (
	// ErrNoHome: it is not known where the user's own files are.
	ErrNoHome = errors.New("no home directory to install to")
	// ErrPackageName: what was given is no name of an npm package.
	ErrPackageName = errors.New("not the name of a package of npm")
)

// Output is where an installation says what it does.
type Output struct {
	Progress io.Writer
	Result   io.Writer // the directories that were installed to, a line each
}

// sdkInstaller installs SDKs to where functions of this user get them from.
func sdkInstaller(w Output) (sdk.Installer, error) {
	dir := sdk.Dir(os.Getenv)
	if dir == "" {
		return sdk.Installer{}, fmt.Errorf("%w: set HEARTH_SDK_DIR", ErrNoHome)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return sdk.Installer{}, fmt.Errorf("find directory of SDKs: %w", err)
	}
	return sdk.Installer{Store: sdk.Store(dir), Env: os.Environ(), Log: w.Progress}, nil
}

// InstallPythonSDK gets boto3 for every Python that serves a runtime. What one
// of them lacks does not keep it from the others.
func InstallPythonSDK(ctx context.Context, w Output) (err error) {
	installer, err := sdkInstaller(w)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "hearth-install-")
	if err != nil {
		return fmt.Errorf("look for interpreters: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	set, err := runtimes.New(runtimes.Options{Dir: dir, Env: os.Environ(), SDKDir: string(installer.Store)})
	if err != nil {
		return fmt.Errorf("look for interpreters: %w", err)
	}
	found := 0
	var errs []error
	for _, r := range runtimes.All() {
		if r.Family != runtimes.Python || !r.Served {
			continue
		}
		python, err := set.Find(ctx, r)
		if ctx.Err() != nil {
			return fmt.Errorf("look for interpreters: %w", ctx.Err())
		}
		if err != nil { // a Python that this host lacks needs no boto3
			continue
		}
		found++
		fmt.Fprintf(w.Progress, "getting boto3 for %s with the pip of %s ...\n", r.Name, python.Executable)
		installed, err := installer.Python(ctx, r.Version, python.Executable)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Fprintf(w.Progress, "%s has %s\n", r.Name, sdk.Version(installed))
		fmt.Fprintln(w.Result, installed)
	}
	if found == 0 {
		return errors.New("get boto3: this host has no Python that serves a runtime; hearth runtimes lists what to install")
	}
	return errors.Join(errs...)
}

func InstallNodeSDK(ctx context.Context, w Output, more []string) error {
	if slices.ContainsFunc(more, func(name string) bool { return name == "" || strings.HasPrefix(name, "-") }) {
		return ErrPackageName
	}
	installer, err := sdkInstaller(w)
	if err != nil {
		return err
	}
	fmt.Fprintln(w.Progress, "getting the AWS SDK for JavaScript with npm ...")
	installed, err := installer.Node(ctx, more)
	if err != nil {
		return err
	}
	fmt.Fprintln(w.Progress, "Node.js runtimes have", sdk.Version(filepath.Join(installed, "node_modules")))
	fmt.Fprintln(w.Result, installed)
	return nil
}

// installTime is how long Maven may take.
const installTime = 10 * time.Minute

// InstallJavaClient has Maven copy the client and what it needs into a directory
// beside the right one, which then takes its place.
func InstallJavaClient(ctx context.Context, w Output) (err error) {
	dir := runtimes.JavaClientDir(os.Environ())
	if dir == "" {
		return fmt.Errorf("%w: set HEARTH_JAVA_CLIENT", ErrNoHome)
	}
	if _, err := exec.LookPath("mvn"); err != nil {
		return fmt.Errorf("install %s: mvn is not installed (apt-get install maven); or copy its archive and those that it depends on to %s by hand: %w",
			runtimes.JavaClient, dir, err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("install Java client: %w", err)
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".java-")
	if err != nil {
		return fmt.Errorf("install Java client: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	if err := os.WriteFile(filepath.Join(temp, "pom.xml"), []byte(javaClientProject()), 0o600); err != nil {
		return fmt.Errorf("install Java client: %w", err)
	}
	fmt.Fprintln(w.Progress, "getting", runtimes.JavaClient, "with mvn ...")
	ctx, cancel := context.WithTimeout(ctx, installTime)
	defer cancel()
	jars := filepath.Join(temp, "jars")
	mvn := exec.CommandContext(ctx, "mvn", "--batch-mode", "--quiet", "dependency:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+jars)
	mvn.Dir, mvn.Stdout, mvn.Stderr = temp, w.Progress, w.Progress
	if err := mvn.Run(); err != nil {
		return fmt.Errorf("get %s with mvn: %w", runtimes.JavaClient, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("replace Java client: %w", err)
	}
	if err := os.Rename(jars, dir); err != nil {
		return fmt.Errorf("install Java client: %w", err)
	}
	fmt.Fprintln(w.Result, dir)
	return nil
}

// javaClientProject is a Maven project that depends on the client.
func javaClientProject() string {
	parts := strings.Split(runtimes.JavaClient, ":")
	return `<project><modelVersion>4.0.0</modelVersion><groupId>hearth</groupId><artifactId>java</artifactId><version>0</version>
<dependencies><dependency><groupId>` + parts[0] + `</groupId><artifactId>` + parts[1] + `</artifactId><version>` + parts[2] +
		`</version></dependency></dependencies></project>
`
}
