package clients_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// archived is a directory as a ZIP archive.
func archived(t *testing.T, dir string) []byte {
	t.Helper()
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	if err := errors.Join(w.AddFS(os.DirFS(dir)), w.Close()); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

// concurrency is how many invocations an environment takes at a time.
const concurrency = 4

// deployManaged makes a function of a package that runs on managed instances.
func (d *daemon) deployManaged(t *testing.T, dir, handler string) function {
	t.Helper()
	const role = "arn:aws:iam::000000000000:role/lambda"
	name := strings.ReplaceAll(t.Name(), "/", "-")
	provider, err := d.client.CreateCapacityProvider(t.Context(), &lambda.CreateCapacityProviderInput{
		CapacityProviderName: &name,
		PermissionsConfig:    &types.CapacityProviderPermissionsConfig{CapacityProviderOperatorRoleArn: aws.String(role)},
		VpcConfig:            &types.CapacityProviderVpcConfig{SubnetIds: []string{"subnet-1"}, SecurityGroupIds: []string{"sg-1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.client.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: types.RuntimeProvidedal2023, Handler: &handler, Role: aws.String(role),
		Code: &types.FunctionCode{ZipFile: archived(t, dir)}, MemorySize: aws.Int32(2048), Timeout: aws.Int32(timeoutSeconds),
		Publish: true, PublishTo: types.FunctionVersionLatestPublishedLatestPublished,
		CapacityProviderConfig: &types.CapacityProviderConfig{LambdaManagedInstancesCapacityProviderConfig: &types.LambdaManagedInstancesCapacityProviderConfig{
			CapacityProviderArn: provider.CapacityProvider.CapacityProviderArn, PerExecutionEnvironmentMaxConcurrency: aws.Int32(concurrency),
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	waiter := lambda.NewFunctionActiveV2Waiter(d.client, func(o *lambda.FunctionActiveV2WaiterOptions) { o.MinDelay = 50 * time.Millisecond })
	if err := waiter.Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: &name}, patience); err != nil {
		t.Fatal(err)
	}
	return function{d, name}
}

// takesSeveral: on managed instances a client takes several invocations at a
// time, in one environment, each with its own answer and its own error.
func takesSeveral(t *testing.T, pkg, handler string) {
	fn := sandboxed.deployManaged(t, pkg, handler)
	fn.succeed(t, `{"do":"return","value":1}`) // the environment is there
	const pause = 2 * time.Second
	began := time.Now()
	events := make([]string, concurrency)
	for i := range events {
		events[i] = fmt.Sprintf(`{"do":"sleep","size":%d,"value":"call %d"}`, pause.Milliseconds(), i)
	}
	type answer struct {
		result
		err error
	}
	answers := make([]chan answer, concurrency)
	for i, event := range events {
		answers[i] = make(chan answer, 1)
		go func() {
			res, err := fn.tryInvoke(t.Context(), event)
			answers[i] <- answer{res, err}
		}()
	}
	for i := range answers {
		got := <-answers[i]
		if want := fmt.Sprintf(`"call %d"`, i); got.err != nil || got.Payload != want {
			t.Errorf("call %d came back as %s, want %s (%v)", i, got.Payload, want, got.err)
		}
	}
	if took := time.Since(began); took >= 2*pause {
		t.Errorf("%d invocations of %s at a time took %s", concurrency, pause, took)
	}
	if res := fn.invoke(t, failEvent); !strings.Contains(res.Payload, `"no such thing"`) || res.FunctionError == "" {
		t.Errorf("an error came back as %s %s", res.FunctionError, res.Payload)
	}
	streams := map[string]bool{}
	for _, entry := range fn.entries(t) {
		streams[entry.Stream] = true
	}
	if len(streams) != 1 {
		t.Errorf("%d environments have logged, want 1:\n%s", len(streams), fn.log(t))
	}
}
