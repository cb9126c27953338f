package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// installTime is how long one run of pip or npm may take.
const installTime = 10 * time.Minute

// Installer gets SDKs from the registries that pip and npm are configured for.
type Installer struct {
	Store Store     // where to
	Env   []string  // of pip and npm, as KEY=value
	Log   io.Writer // takes what they print
}

// NodePackages returns what Installer.Node gets. On AWS all clients are there, some
// four hundred; these are for the services that functions are used with most,
// and what helps with them.
func NodePackages() []string {
	packages := strings.Fields(`
		client-apigatewaymanagementapi client-bedrock-runtime client-cloudwatch client-cloudwatch-logs
		client-cognito-identity client-cognito-identity-provider client-dynamodb client-dynamodb-streams client-ecs
		client-eventbridge client-firehose client-kinesis client-kms client-lambda client-rds-data client-s3
		client-scheduler client-secrets-manager client-ses client-sesv2 client-sfn client-sns client-sqs client-ssm
		client-sts client-xray
		credential-providers lib-dynamodb lib-storage s3-presigned-post s3-request-presigner util-dynamodb`)
	for i, name := range packages {
		packages[i] = "@aws-sdk/" + name
	}
	return packages
}

// Python gets boto3 for one minor version of Python (3.12) with the pip of
// python, an interpreter of that version, and returns where it is. An error for
// want of a pip says how to get one. ErrBusy when somebody else installs.
func (i Installer) Python(ctx context.Context, version, python string) (string, error) {
	// Options of a pip that is too old for them are harmless in the environment.
	env := []string{"PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_ROOT_USER_ACTION=ignore", "PIP_NO_INPUT=1", "PIP_USER=0"}
	probe := Installer{Env: i.Env, Log: io.Discard}
	if err := probe.run(ctx, os.TempDir(), env, python, "-m", "pip", "--version"); err != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("get boto3: %w", err)
		}
		return "", fmt.Errorf("get boto3 for python%s: %s has no pip that works (%s -m ensurepip; of a distribution: apt-get install python3-pip): %w",
			version, python, python, err)
	}
	return i.Store.replace("python"+version, func(dir string) error {
		err := i.run(ctx, dir, env, python, "-m", "pip", "install", "--quiet", "--no-warn-conflicts", "--target", dir, "boto3")
		if err != nil {
			return fmt.Errorf("get boto3 for python%s with pip: %w", version, err)
		}
		return complete(dir)
	})
}

// Node gets NodePackages with npm, the packages that were added at earlier times
// and those in more, and returns where they are. An error for want of npm says
// how to get it. ErrBusy when somebody else installs.
func (i Installer) Node(ctx context.Context, more []string) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", fmt.Errorf("get the SDK for JavaScript: npm is not installed (apt-get install npm; nvm and Node.js's own archives have it): %w", err)
	}
	packages := slices.Concat(NodePackages(), i.Store.added(), more)
	slices.Sort(packages)
	packages = slices.Compact(packages)
	return i.Store.replace(Node, func(dir string) error {
		if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte("{\"private\":true}\n"), 0o644); err != nil {
			return fmt.Errorf("write package.json: %w", err)
		}
		args := []string{npm, "install", "--prefix", dir, "--no-audit", "--no-fund", "--ignore-scripts", "--save", "--loglevel=error", "--"}
		if err := i.run(ctx, dir, nil, append(args, packages...)...); err != nil {
			return fmt.Errorf("get the SDK for JavaScript with npm: %w", err)
		}
		return complete(filepath.Join(dir, "node_modules"))
	})
}

// added returns the packages that the installed SDK was asked for.
func (s Store) added() []string {
	text, err := os.ReadFile(filepath.Join(s.Find(Node), "package.json"))
	if err != nil { // there was none
		return nil
	}
	var project struct{ Dependencies map[string]string }
	if err := json.Unmarshal(text, &project); err != nil { // not npm's; it is about to be replaced
		return nil
	}
	var names []string
	for name := range project.Dependencies {
		names = append(names, name)
	}
	return names
}

// complete is an error unless a directory of packages has an SDK: a mirror, or a
// stand-in for pip or npm, may succeed with nothing.
func complete(packages string) error {
	if Version(packages) == "" {
		return errors.New("the installation ended well, but the SDK is not there")
	}
	return nil
}

// run runs a program until it ends or installTime is over. env is added to its
// environment.
func (i Installer) run(ctx context.Context, dir string, env []string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, installTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, slices.Concat(i.Env, env), 2*time.Second
	cmd.Stdout, cmd.Stderr = i.Log, i.Log
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	return nil
}
