// Package clients_test runs functions on AWS's own runtime clients, unchanged,
// as the bootstraps of provided.al2023 functions: aws-lambda-go, awslambdaric,
// aws-lambda-ric, the Rust crate lambda_runtime and the Java runtime interface
// client. Each is held to one contract, and to what only it does: streaming,
// word of its end, several invocations at a time, logs in JSON and in frames.
// Extensions on the Rust crate lambda-extension run beside them, and libraries
// that other people made for Lambda in functions of managed runtimes.
//
//	testdata/CLIENT + the pinned client ──► package ──► hearth deploy ──► SDK Invoke   (namespace sandbox)
//	   (the function)   (from its registry)        └──► hearth rie    ──► HTTP         (process sandbox)
//
// What is fetched or built is kept in the user's cache directory, keyed by
// versions and sources, so that only the first run is slow. A download that
// fails fails the test. A client whose toolchain is absent is skipped with the
// reason, and the package fails when that leaves none but Go's.
package clients_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/hearthd/hearth/test/compat/cache"
	"github.com/hearthd/hearth/test/compat/fetch"
	"github.com/hearthd/hearth/test/compile"
)

var (
	hearthBinary string // the program under test, built by TestMain
	sandboxed    *daemon
	toolchains   fetch.Attendance
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "clients:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	// The default, nat, would change the firewall of the machine that tests run on.
	if err := os.Setenv("HEARTH_NETWORK", "none"); err != nil {
		return 0, err
	}
	if err := errors.Join(pointToJava(), pointToSDKs()); err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "hearth-clients-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	hearthBinary = filepath.Join(dir, "hearth")
	if err := compile.Program(context.Background(), "cmd/hearth", hearthBinary); err != nil {
		return 0, err
	}
	sandboxed, err = startDaemon(filepath.Join(dir, "data"))
	if err != nil {
		return 0, err
	}
	code = m.Run()
	return code, errors.Join(sandboxed.stop(), toolchains.Check())
}

// pointToJava tells the daemons of the tests where Java is: AWS's client, and
// the JDKs that tests fetch.
func pointToJava() error {
	root, err := cache.Root()
	if err != nil {
		return err
	}
	if err := os.Setenv("HEARTH_JAVA_CLIENT", filepath.Join(root, "java-client")); err != nil {
		return err
	}
	for _, java := range javaRuntimes() {
		if java.wheel == "" {
			continue
		}
		home, err := java.home()
		if err == nil {
			err = os.Setenv(java.homeVariable(), home)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
