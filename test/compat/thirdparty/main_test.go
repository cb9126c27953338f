// Package thirdparty_test runs what other people made for Lambda, unchanged, in
// execution environments of hearth: extensions with the layers they come in,
// libraries that wrap AWS's runtimes, and an adapter that stands in for one.
//
//	package registry ──► layers ─┐
//	testdata, web      ──► code ─┴─► function ──► 127.0.0.1:9999 ──► sink ──► log of the function
//
// What they send goes to an extension of the tests, sink, in the same
// environment: it prints what it gets, so a sandbox without a network will do,
// and the log shows what came when.
//
// Each is built or fetched at a pinned version, once (package cache). Where a
// toolchain is absent a test is skipped with the reason, and the package fails
// when that leaves none.
package thirdparty_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthd/hearth/test/compat/daemon"
	"github.com/hearthd/hearth/test/compat/fetch"
	"github.com/hearthd/hearth/test/compile"
)

var (
	hearthBinary string
	endpoint     string         // of the daemon
	client       *lambda.Client // of it, without retries
	programs     string         // directory of the tests' own: sink and web
	toolchains   fetch.Attendance
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "thirdparty:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "hearth-thirdparty-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if hearthBinary, err = daemon.Build(context.Background(), dir); err != nil {
		return 0, err
	}
	programs = filepath.Join(dir, "programs")
	for _, name := range []string{"sink", "web"} {
		if err := compile.Program(context.Background(), "test/compat/thirdparty/"+name, filepath.Join(programs, name)); err != nil {
			return 0, err
		}
	}
	d, err := daemon.Start(hearthBinary, daemon.Options{Dir: filepath.Join(dir, "data"), Flags: []string{"--sandbox", "namespace"}})
	if err != nil {
		return 0, err
	}
	endpoint = d.Endpoint
	client = lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
	})
	code = m.Run()
	return code, errors.Join(d.Stop(), toolchains.Check())
}
