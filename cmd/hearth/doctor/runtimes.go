package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
	"github.com/hearthd/hearth/runtimes"
)

// NewRuntimesCommand returns `hearth runtimes`.
func NewRuntimesCommand(t *terminal.Terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "runtimes",
		Short: "List the managed runtimes that this host serves, and install what they need",
		Long: `List Lambda's managed runtimes and the interpreter of this host that serves
each, or what to install for it. provided.* runtimes need nothing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			checks, err := probeRuntimes(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return t.PrintJSON(checks)
			}
			rows := make([][]string, len(checks))
			for i, check := range checks {
				rows[i] = []string{check.Name, check.Detail, check.Fix}
			}
			return t.PrintTable([]string{"RUNTIME", "SERVED BY", "TO GET IT"}, rows)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.AddCommand(newRuntimesInstallCommand(t))
	return cmd
}

func newRuntimesInstallCommand(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "install java",
		Short: "Get what a family of runtimes needs besides its interpreter",
		Long: `Get AWS's runtime interface client for Java with Maven, and put it where the
daemon looks for it. Java is the only family that needs anything of the kind.`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"java"},
		RunE:      func(cmd *cobra.Command, _ []string) error { return installJavaClient(cmd.Context(), t) },
	}
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

// probeRuntimes looks for the interpreters of the managed runtimes.
func probeRuntimes(ctx context.Context) ([]hostCheck, error) {
	dir, err := os.MkdirTemp("", "hearth-doctor-")
	if err != nil {
		return nil, fmt.Errorf("look for interpreters: %w", err)
	}
	defer os.RemoveAll(dir)
	set, err := runtimes.New(runtimes.Options{Dir: dir, Env: os.Environ()})
	if err != nil {
		return nil, fmt.Errorf("look for interpreters: %w", err)
	}
	var checks []hostCheck
	for _, r := range runtimes.All() {
		if !r.Served || r.Family == runtimes.Provided {
			continue
		}
		check := hostCheck{Name: r.Name, Status: checkOK}
		interpreter, err := set.Find(ctx, r)
		if err == nil {
			err = set.Check(ctx, r.Name) // Java needs more than the interpreter
		}
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("look for interpreters: %w", ctx.Err())
		case err != nil:
			check.Status, check.Detail, check.Fix = checkMissing, "not on this host", err.Error()
		default:
			check.Detail = interpreter.Executable + " (" + interpreter.Version + ")"
		}
		checks = append(checks, check)
	}
	return checks, nil
}
