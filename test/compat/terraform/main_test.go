// Package terraform_test shows that Terraform's AWS provider can manage every
// Lambda resource type on hearth. The provider itself is not at hand in CI, so
// the tests make the calls that it makes, through the SDK that it is built on
// (aws-sdk-go-v2), one file per group of resource types, and hold the answers
// to what it relies on:
//
//	create ──► wait ──► read ──► read again: no difference ──► update in place ──► wait ──► read ──► destroy ──► gone
//
// What is read is put into the provider's normalised form, by the names of its
// attributes (timeout, memory_size, ...), and must be exactly the configuration
// that was applied: any other value would be a difference in the next plan.
package terraform_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/test/compat/daemon"
	"github.com/hearthd/hearth/test/deployment"
)

const (
	region = "us-east-1"
	role   = "arn:aws:iam::000000000000:role/lambda"
	arn    = "arn:aws:lambda:us-east-1:000000000000:"
)

// The daemon that all tests share, and the provider's client of it.
var (
	hearth *daemon.Daemon
	client *lambda.Client
	bucket string // the directory that is the bucket "code"
)

var binary = flag.String("binary", "", "test this `FILE` instead of building hearth")

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "terraform:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "hearth-terraform-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	bucket = filepath.Join(dir, "s3", "code")
	if err := os.MkdirAll(bucket, 0o755); err != nil {
		return 0, err
	}
	flag.Parse()
	if *binary == "" {
		if *binary, err = daemon.Build(context.Background(), dir); err != nil {
			return 0, err
		}
	}
	hearth, err = daemon.Start(*binary, daemon.Options{Dir: filepath.Join(dir, "data"), Flags: []string{"--s3-dir", filepath.Dir(bucket)}})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, hearth.Stop()) }()
	client = lambda.New(lambda.Options{
		BaseEndpoint: &hearth.Endpoint, Region: region, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", ""),
	})
	if code = m.Run(); code != 0 {
		fmt.Printf("log of the daemon:\n%s", hearth.Log())
	}
	return code, nil
}

// state is what the provider keeps of a resource: attributes by their names in
// its schema.
type state map[string]any

// resource is one resource in a test's configuration.
type resource struct {
	create  func(context.Context) error
	read    func(context.Context) (state, error) // as the provider reads it
	update  func(context.Context) error          // nil: the type has no update in place
	destroy func(context.Context) error
	created state // what must be read after create
	updated state // and after update
	// remains says that destroying only takes the resource's settings back.
	remains bool
}

// lifecycle applies, plans, updates, plans and destroys a resource.
func (r resource) lifecycle(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must(t, "create", r.create(ctx))
	r.plan(ctx, t, "after create", r.created)
	if r.update != nil {
		must(t, "update", r.update(ctx))
		r.plan(ctx, t, "after update", r.updated)
	}
	must(t, "destroy", r.destroy(ctx))
	if r.remains {
		return
	}
	if left, err := r.read(ctx); !isNotFound(err) {
		t.Errorf("after destroy: %v %v, want a ResourceNotFoundException", left, err)
	}
}

// plan reads twice, as an apply and the plan after it do.
func (r resource) plan(ctx context.Context, t *testing.T, when string, want state) {
	t.Helper()
	for _, reading := range []string{"read", "read again"} {
		got, err := r.read(ctx)
		must(t, reading+" "+when, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s %s: the plan is not empty (-configured +read):\n%s", reading, when, diff)
		}
	}
}

func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// isNotFound says whether the provider takes an error for a resource that is
// gone.
func isNotFound(err error) bool {
	var missing *types.ResourceNotFoundException
	var provisioned *types.ProvisionedConcurrencyConfigNotFoundException
	return errors.As(err, &missing) || errors.As(err, &provisioned)
}

// until waits for something, as the provider's state waiters do.
func until(ctx context.Context, done func() (bool, error)) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// archive is a deployment package with one file.
func archive(t *testing.T, name, text string) []byte {
	t.Helper()
	b, err := deployment.Zip(map[string]string{name: text})
	must(t, "make an archive", err)
	return b
}

// python is the runtime of this machine's Python.
func python(t *testing.T) types.Runtime {
	t.Helper()
	out, err := exec.Command("python3", "--version").Output()
	must(t, "python3 --version", err)
	return types.Runtime("python" + regexp.MustCompile(`3\.\d+`).FindString(string(out)))
}

// deploy makes a function for resources that need one, and its first version.
func deploy(t *testing.T, name string) string {
	t.Helper()
	ctx := t.Context()
	_, err := client.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &name, Role: aws.String(role), Runtime: python(t), Handler: aws.String("app.handler"),
		Code:    &types.FunctionCode{ZipFile: archive(t, "app.py", "def handler(event, context):\n    return event\n")},
		Publish: true,
	})
	must(t, "create "+name, err)
	must(t, "wait for "+name, lambda.NewFunctionActiveV2Waiter(client).Wait(ctx, &lambda.GetFunctionInput{FunctionName: &name}, time.Minute,
		func(o *lambda.FunctionActiveV2WaiterOptions) {
			o.MinDelay, o.MaxDelay = 20*time.Millisecond, 50*time.Millisecond
		}))
	t.Cleanup(func() {
		_, err := client.DeleteFunction(context.WithoutCancel(ctx), &lambda.DeleteFunctionInput{FunctionName: &name})
		must(t, "delete "+name, err)
	})
	return name
}

// live makes an alias of a function's first version.
func live(t *testing.T, function string) string {
	t.Helper()
	_, err := client.CreateAlias(t.Context(), &lambda.CreateAliasInput{
		FunctionName: &function, Name: aws.String("live"), FunctionVersion: aws.String("1"),
	})
	must(t, "create an alias", err)
	return "live"
}
