package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
	"github.com/hearthd/hearth/runtimes"
	"github.com/hearthd/hearth/runtimes/sdk"
)

func newRuntimesInstallCommand(t *terminal.Terminal) *cobra.Command {
	var packages []string
	cmd := &cobra.Command{
		Use:   "install java|python|node",
		Short: "Get what a family of runtimes has on AWS besides its interpreter",
		Long: `Get what a family of runtimes has on AWS besides its interpreter, and put it
where the daemon looks for it. Functions that start later have it.

  java     AWS's runtime interface client, without which Java functions do not
           run; with Maven
  python   boto3, for each Python that serves a runtime; with its own pip
  node     the AWS SDK for JavaScript, for all versions of Node.js; with npm.
           That is the clients of the services that functions use most;
           --package adds others, which later installations get again

What a function packages itself, or has in a layer, goes before these SDKs.
Another installation gets what is newest then.`,
		Example: `  hearth runtimes install python
  hearth runtimes install node --package @aws-sdk/client-athena`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"java", "python", "node"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(packages) > 0 && args[0] != "node" {
				return exit.Usagef("--package is for node alone")
			}
			switch args[0] {
			case "python":
				return installPythonSDK(cmd.Context(), t)
			case "node":
				return installNodeSDK(cmd.Context(), t, packages)
			}
			return installJavaClient(cmd.Context(), t)
		},
	}
	cmd.Flags().StringArrayVar(&packages, "package", nil, "get this npm package `NAME` as well; may be given several times")
	return cmd
}

// sdkInstaller installs SDKs to where functions of this user get them from.
func sdkInstaller(t *terminal.Terminal) (sdk.Installer, error) {
	dir := sdk.Dir(os.Getenv)
	if dir == "" {
		return sdk.Installer{}, exit.Usagef("no home directory to install to: set HEARTH_SDK_DIR")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return sdk.Installer{}, fmt.Errorf("find directory of SDKs: %w", err)
	}
	return sdk.Installer{Store: sdk.Store(dir), Env: os.Environ(), Log: t.Stderr}, nil
}

// installPythonSDK gets boto3 for every Python that serves a runtime. What one
// of them lacks does not keep it from the others.
func installPythonSDK(ctx context.Context, t *terminal.Terminal) (err error) {
	installer, err := sdkInstaller(t)
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
		fmt.Fprintf(t.Stderr, "getting boto3 for %s with the pip of %s ...\n", r.Name, python.Executable)
		installed, err := installer.Python(ctx, r.Version, python.Executable)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Fprintf(t.Stderr, "%s has %s\n", r.Name, sdk.Version(installed))
		fmt.Fprintln(t.Stdout, installed)
	}
	if found == 0 {
		return errors.New("get boto3: this host has no Python that serves a runtime; hearth runtimes lists what to install")
	}
	return errors.Join(errs...)
}

func installNodeSDK(ctx context.Context, t *terminal.Terminal, more []string) error {
	if slices.ContainsFunc(more, func(name string) bool { return name == "" || strings.HasPrefix(name, "-") }) {
		return exit.Usagef("--package takes the name of a package of npm")
	}
	installer, err := sdkInstaller(t)
	if err != nil {
		return err
	}
	fmt.Fprintln(t.Stderr, "getting the AWS SDK for JavaScript with npm ...")
	installed, err := installer.Node(ctx, more)
	if err != nil {
		return err
	}
	fmt.Fprintln(t.Stderr, "Node.js runtimes have", sdk.Version(filepath.Join(installed, "node_modules")))
	fmt.Fprintln(t.Stdout, installed)
	return nil
}

// installTime is how long Maven may take.
const installTime = 10 * time.Minute

// installJavaClient has Maven copy the client and what it needs into a directory
// beside the right one, which then takes its place.
func installJavaClient(ctx context.Context, t *terminal.Terminal) (err error) {
	dir := runtimes.JavaClientDir(os.Environ())
	if dir == "" {
		return exit.Usagef("no home directory to install to: set HEARTH_JAVA_CLIENT")
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
	fmt.Fprintln(t.Stderr, "getting", runtimes.JavaClient, "with mvn ...")
	ctx, cancel := context.WithTimeout(ctx, installTime)
	defer cancel()
	jars := filepath.Join(temp, "jars")
	mvn := exec.CommandContext(ctx, "mvn", "--batch-mode", "--quiet", "dependency:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+jars)
	mvn.Dir, mvn.Stdout, mvn.Stderr = temp, t.Stderr, t.Stderr
	if err := mvn.Run(); err != nil {
		return fmt.Errorf("get %s with mvn: %w", runtimes.JavaClient, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("replace Java client: %w", err)
	}
	if err := os.Rename(jars, dir); err != nil {
		return fmt.Errorf("install Java client: %w", err)
	}
	fmt.Fprintln(t.Stdout, dir)
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
