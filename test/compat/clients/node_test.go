package clients_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthd/hearth/test/compat/fetch"
)

const awsLambdaRIC = "4.0.2"

func TestNode(t *testing.T) {
	t.Parallel()
	node, noNode := fetch.Visible("node")
	headers, noHeaders := nodeHeaders(node)
	// A part of the client is C++: npm builds it, and a libcurl, here.
	toolchains.Require(t, noNode, noHeaders, fetch.Installed("npm", "cmake", "make", "g++", "python3", "tar", "xz"))
	version := fetch.Run(t, ".", nil, node, "--version")
	major, _, _ := strings.Cut(version, ".")
	ric := fetch.Cached(t, "node", []string{awsLambdaRIC, major}, func(dir string) {
		fetch.Run(t, dir, []string{"npm_config_nodedir=" + headers},
			"npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "--loglevel=error", "aws-lambda-ric@"+awsLambdaRIC)
		if _, err := os.Stat(filepath.Join(dir, "node_modules/aws-lambda-ric/rapid-client.node")); err != nil {
			t.Fatalf("npm did not run the scripts that build the client: %v", err)
		}
	})
	pkg := fetch.Assemble(t, ric, "testdata/node")
	fn := contract(t, client{
		pkg: pkg, handler: "app.handler", entrypoint: []string{"npx", "aws-lambda-ric"},
		refusal: `\{"errorType":"Refusal","errorMessage":"no such thing","trace":\["Refusal: no such thing","    at .*app\.mjs:\d+:\d+.*"\]\}`,
	})
	// The client leaves it to Node, which ends the process.
	t.Run("DiesOfUnhandledRejection", func(t *testing.T) {
		endsProcess(t, fn, `{"do":"reject"}`,
			`\{"errorType":"Runtime\.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 1"\}`)
	})
	t.Run("LogsWithRequestID", func(t *testing.T) { nodeLogsWithRequestID(t, fn) })
	t.Run("Streams", func(t *testing.T) { nodeStreams(t, pkg) })
	t.Run("LogsJSON", func(t *testing.T) {
		fn := sandboxed.deploy(t, pkg, "app.handler", timeoutSeconds)
		info, failure := map[string]any{"level": "INFO", "requestId": "ID"}, map[string]any{"level": "ERROR", "requestId": "ID"}
		logsJSON(t, fn, types.ApplicationLogLevelInfo, map[string]map[string]any{"to standard output": info, "to standard error": failure})
		logsJSON(t, fn, types.ApplicationLogLevelError, map[string]map[string]any{"to standard output": nil, "to standard error": failure})
	})
	t.Run("LogsFramed", func(t *testing.T) { logsFramed(t, pkg, "nodejs"+strings.TrimPrefix(major, "v")+".x") })
	t.Run("TakesSeveral", func(t *testing.T) { takesSeveral(t, withoutLinks(t, pkg), "app.handler") })
	t.Run("ReportsImportError", func(t *testing.T) {
		failsInit(t, pkg, "missing.handler",
			`\{"errorType":"Runtime\.ImportModuleError","errorMessage":"Error: Cannot find module 'missing'.*","trace":\[.*\]\}`)
	})
	t.Run("ReportsInitError", func(t *testing.T) {
		failsInit(t, pkg, "broken.handler",
			`\{"errorType":"RangeError","errorMessage":"not today","trace":\["RangeError: not today",.*\]\}`)
	})
}

// nodeHeaders returns the directory whose include/node holds the headers of a
// node: without them, node-gyp would download those of every node it meets.
func nodeHeaders(node string) (string, error) {
	if node == "" {
		return "", nil
	}
	program, err := filepath.EvalSymlinks(node)
	if err != nil {
		return "", err
	}
	prefix := filepath.Dir(filepath.Dir(program))
	if _, err := os.Stat(filepath.Join(prefix, "include/node/node_api.h")); err != nil {
		return "", fmt.Errorf("the headers of %s are not here: %w", node, errors.Unwrap(err))
	}
	return prefix, nil
}

func nodeLogsWithRequestID(t *testing.T, fn function) {
	res := fn.invoke(t, `{"do":"log"}`)
	for _, entry := range []string{`INFO\tto standard output`, `ERROR\tto standard error`} {
		line := regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t` + res.RequestID + `\t` + entry + `$`)
		if len(line.FindAllString(res.Log, -1)) != 1 {
			t.Errorf("the log is %q, want one line like %s", res.Log, line)
		}
	}
}

// withoutLinks is a copy of a package without its symbolic links: npm makes
// them for programs.
func withoutLinks(t *testing.T, pkg string) string {
	t.Helper()
	pkg = fetch.Assemble(t, pkg)
	err := filepath.WalkDir(pkg, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type() != fs.ModeSymlink {
			return err
		}
		return os.Remove(path)
	})
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}
