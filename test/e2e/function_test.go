package e2e_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/hearthd/hearth/test/deployment"
)

const testRole = "arn:aws:iam::000000000000:role/e2e"

// client is the AWS SDK for Go. It does not retry: hearth has to be right at
// the first attempt.
func (d *daemon) client() *lambda.Client {
	return lambda.New(lambda.Options{
		Region:       "us-east-1",
		BaseEndpoint: &d.endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider("x", "x", ""),
		Retryer:      aws.NopRetryer{},
	})
}

// function is a function of a daemon.
type function struct {
	d    *daemon
	name string
}

// files is the code of a function: paths and contents.
type files map[string]string

func (f files) zip(t *testing.T) []byte {
	t.Helper()
	archive, err := deployment.Zip(f)
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

// testName is a function name from a test's.
func testName(t *testing.T) string {
	name := strings.NewReplacer("/", "-", ".", "_").Replace(strings.TrimPrefix(t.Name(), "Test"))
	return name[max(0, len(name)-64):]
}

// create creates a function named after the test and waits until it is active.
// It is deleted when the test ends.
func (d *daemon) create(t *testing.T, runtime, handler string, code files, options ...func(*lambda.CreateFunctionInput)) function {
	t.Helper()
	in := createInput(testName(t), runtime, handler, code.zip(t))
	in.Environment.Variables[markerVariable] = d.dir
	for _, option := range options {
		option(in)
	}
	fn := function{d, *in.FunctionName}
	client, ctx := d.client(), ctxFor(t)
	if _, err := client.CreateFunction(ctx, in); err != nil {
		t.Fatalf("create function: %v", err)
	}
	t.Cleanup(func() {
		if d.runner.ended() {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience) // the test's own has ended
		defer cancel()
		_, err := client.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &fn.name})
		if _, gone := errors.AsType[*types.ResourceNotFoundException](err); err != nil && !gone {
			t.Errorf("delete function: %v", err)
		}
	})
	waiter := lambda.NewFunctionActiveV2Waiter(client, func(o *lambda.FunctionActiveV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
	})
	if err := waiter.Wait(ctx, &lambda.GetFunctionInput{FunctionName: &fn.name}, patience); err != nil {
		t.Fatalf("wait for the function: %v", err)
	}
	return fn
}

func createInput(name, runtime, handler string, archive []byte) *lambda.CreateFunctionInput {
	return &lambda.CreateFunctionInput{
		FunctionName: &name,
		Runtime:      types.Runtime(runtime),
		Handler:      &handler,
		Role:         aws.String(testRole),
		Code:         &types.FunctionCode{ZipFile: archive},
		Timeout:      aws.Int32(20),
		Environment:  &types.Environment{Variables: map[string]string{}},
	}
}

// named is for the second function of a test.
func named(suffix string) func(*lambda.CreateFunctionInput) {
	return func(in *lambda.CreateFunctionInput) {
		name := *in.FunctionName + "-" + suffix
		in.FunctionName = aws.String(name[max(0, len(name)-64):])
	}
}

func timeout(seconds int32) func(*lambda.CreateFunctionInput) {
	return func(in *lambda.CreateFunctionInput) { in.Timeout = &seconds }
}

func environment(kv ...string) func(*lambda.CreateFunctionInput) {
	return func(in *lambda.CreateFunctionInput) {
		for i := 0; i < len(kv); i += 2 {
			in.Environment.Variables[kv[i]] = kv[i+1]
		}
	}
}

// result is the answer to an invocation.
type result struct {
	Payload       string
	FunctionError string
	Log           string
	RequestID     string
	Version       string
}

// invoke invokes the function, with the tail of its log.
func (f function) invoke(t *testing.T, payload string) result {
	t.Helper()
	res, err := f.tryInvoke(t, payload)
	if err != nil {
		t.Fatalf("invoke %s with %.100s: %v", f.name, payload, err)
	}
	return res
}

func (f function) tryInvoke(t *testing.T, payload string) (result, error) {
	out, err := f.d.client().Invoke(ctxFor(t), &lambda.InvokeInput{
		FunctionName: &f.name, Payload: []byte(payload), LogType: types.LogTypeTail,
	})
	if err != nil {
		return result{}, err
	}
	log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	id, _ := middleware.GetRequestIDMetadata(out.ResultMetadata)
	return result{string(out.Payload), aws.ToString(out.FunctionError), string(log), id, aws.ToString(out.ExecutedVersion)}, err
}

// call invokes the function, which must succeed, and decodes what it returns.
func (f function) call(t *testing.T, payload string, value any) {
	t.Helper()
	res := f.invoke(t, payload)
	if res.FunctionError != "" {
		t.Fatalf("%s failed: %s\n%s", f.name, res.Payload, res.Log)
	}
	if err := json.Unmarshal([]byte(res.Payload), value); err != nil {
		t.Fatalf("%s returned %s: %v", f.name, res.Payload, err)
	}
}

// apiError is how an AWS SDK reports an error of the API.
func apiError(t *testing.T, err error) smithy.APIError {
	t.Helper()
	answer, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("got %v, want an error of the API", err)
	}
	return answer
}

// tool returns the path of a program that the tests need, from PATH or .tools.
func tool(t *testing.T, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil && exec.Command(path, "--version").Run() == nil {
		return path
	}
	path := filepath.Join(repository, ".tools", "bin", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is not on this machine; scripts/install-test-deps installs it", name)
	}
	return path
}
