package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthd/hearth/test/compile"
)

func TestReservedConcurrency_Zero_ThrottlesAtOnce(t *testing.T) {
	t.Parallel()
	d := shared(t)
	fn := d.create(t, newest(t, "python"), "app.handler", identified("x"))
	client, ctx := d.client(), ctxFor(t)
	fn.invoke(t, "{}")
	if _, err := client.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{
		FunctionName: &fn.name, ReservedConcurrentExecutions: aws.Int32(0),
	}); err != nil {
		t.Fatal(err)
	}
	_, err := fn.tryInvoke(t, "{}")
	throttle, ok := errors.AsType[*types.TooManyRequestsException](err)
	if !ok || throttle.Reason != types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded ||
		throttle.ErrorMessage() != "Rate Exceeded." || throttle.RetryAfterSeconds != nil {
		t.Errorf("got %v", err)
	}
	if _, err := client.DeleteFunctionConcurrency(ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: &fn.name}); err != nil {
		t.Fatal(err)
	}
	fn.invoke(t, "{}")
}

// initialized is code that says how its environment was started.
var initialized = files{"app.py": `import os, random
ID = "%032x" % random.SystemRandom().getrandbits(128)
def handler(event, context):
    return {"Type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], "Version": context.function_version, "ID": ID}
`}

type start struct{ Type, Version, ID string }

func (f function) start(t *testing.T, qualifier string) start {
	t.Helper()
	out, err := f.d.client().Invoke(ctxFor(t), &lambda.InvokeInput{FunctionName: &f.name, Qualifier: &qualifier})
	if err != nil {
		t.Fatal(err)
	}
	var s start
	if err := json.Unmarshal(out.Payload, &s); err != nil || out.FunctionError != nil {
		t.Fatalf("%s: %v", out.Payload, err)
	}
	return s
}

// awaitProvisioned waits until as much is available as was asked for.
func (f function) awaitProvisioned(t *testing.T, qualifier string) {
	t.Helper()
	eventually(t, "provisioned concurrency of "+qualifier, func() bool {
		out, err := f.d.client().GetProvisionedConcurrencyConfig(ctxFor(t), &lambda.GetProvisionedConcurrencyConfigInput{
			FunctionName: &f.name, Qualifier: &qualifier,
		})
		if err != nil {
			t.Fatal(err)
		}
		ready := out.Status == types.ProvisionedConcurrencyStatusEnumReady
		if ready && *out.AvailableProvisionedConcurrentExecutions != *out.RequestedProvisionedConcurrentExecutions {
			t.Errorf("ready with %d", *out.AvailableProvisionedConcurrentExecutions)
		}
		return ready
	})
}

func (f function) publish(t *testing.T) {
	t.Helper()
	if _, err := f.d.client().PublishVersion(ctxFor(t), &lambda.PublishVersionInput{FunctionName: &f.name}); err != nil {
		t.Fatal(err)
	}
}

func (f function) provision(t *testing.T, qualifier string, n int32) {
	t.Helper()
	out, err := f.d.client().PutProvisionedConcurrencyConfig(ctxFor(t), &lambda.PutProvisionedConcurrencyConfigInput{
		FunctionName: &f.name, Qualifier: &qualifier, ProvisionedConcurrentExecutions: &n,
	})
	if err != nil {
		t.Fatal(err)
	}
	if out.Status != types.ProvisionedConcurrencyStatusEnumInProgress {
		t.Errorf("status %s", out.Status)
	}
}

func TestProvisionedConcurrency_IsReadyBeforeAnybodyCalls_AndAfterARestart(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	fn := d.create(t, newest(t, "python"), "app.handler", initialized)
	fn.publish(t)
	fn.provision(t, "1", 1)
	fn.awaitProvisioned(t, "1")
	first := fn.start(t, "1")
	if first.Type != "provisioned-concurrency" || first.Version != "1" {
		t.Errorf("%+v", first)
	}
	if latest := fn.start(t, "$LATEST"); latest.Type != "on-demand" {
		t.Errorf("$LATEST: %+v", latest)
	}
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
	fn.awaitProvisioned(t, "1")
	if again := fn.start(t, "1"); again.Type != "provisioned-concurrency" || again.ID == first.ID {
		t.Errorf("after the restart: %+v", again)
	}
}

// The function works, but for where it is provisioned: there is no error for callers in
// an init phase that fails ahead of them.
func TestProvisionedConcurrency_InitThatFails_LeavesInvocationsOnDemand(t *testing.T) {
	t.Parallel()
	fn := shared(t).create(t, newest(t, "python"), "app.handler", files{"app.py": `
import os
if os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] == "provisioned-concurrency":
    raise RuntimeError("not where it is provisioned")
` + initialized["app.py"]})
	fn.publish(t)
	fn.provision(t, "1", 1)
	for deadline := time.Now().Add(patience); ; {
		if got := fn.start(t, "1"); got.Type != "on-demand" {
			t.Fatalf("%+v", got)
		}
		out, err := fn.d.client().GetProvisionedConcurrencyConfig(ctxFor(t), &lambda.GetProvisionedConcurrencyConfigInput{
			FunctionName: &fn.name, Qualifier: aws.String("1"),
		})
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the provisioned environments have not failed: %v", err)
		}
		if out.Status == types.ProvisionedConcurrencyStatusEnumFailed {
			break
		}
	}
	if got := fn.start(t, "1"); got.Type != "on-demand" {
		t.Errorf("after the failure: %+v", got)
	}
}

func TestProvisionedConcurrency_OfAnAlias_MovesWithIt(t *testing.T) {
	t.Parallel()
	d := shared(t)
	fn := d.create(t, newest(t, "python"), "app.handler", initialized)
	client, ctx := d.client(), ctxFor(t)
	fn.publish(t)
	if _, err := client.CreateAlias(ctx, &lambda.CreateAliasInput{
		FunctionName: &fn.name, Name: aws.String("live"), FunctionVersion: aws.String("1"),
	}); err != nil {
		t.Fatal(err)
	}
	fn.provision(t, "live", 1)
	fn.awaitProvisioned(t, "live")
	if got := fn.start(t, "live"); got.Type != "provisioned-concurrency" || got.Version != "1" {
		t.Errorf("%+v", got)
	}
	if _, err := client.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &fn.name, Description: aws.String("another"),
	}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the update", func() bool {
		out, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &fn.name})
		return err == nil && out.LastUpdateStatus == types.LastUpdateStatusSuccessful
	})
	fn.publish(t)
	if _, err := client.UpdateAlias(ctx, &lambda.UpdateAliasInput{
		FunctionName: &fn.name, Name: aws.String("live"), FunctionVersion: aws.String("2"),
	}); err != nil {
		t.Fatal(err)
	}
	fn.awaitProvisioned(t, "live")
	if got := fn.start(t, "live"); got.Type != "provisioned-concurrency" || got.Version != "2" {
		t.Errorf("after the move: %+v", got)
	}
}

func TestProvisionedConcurrency_InitThatFails_IsSaid(t *testing.T) {
	t.Parallel()
	d := shared(t)
	fn := d.create(t, newest(t, "python"), "app.handler", files{"app.py": "raise RuntimeError('no')\n"})
	fn.publish(t)
	fn.provision(t, "1", 1)
	eventually(t, "the failure", func() bool {
		out, err := d.client().GetProvisionedConcurrencyConfig(ctxFor(t), &lambda.GetProvisionedConcurrencyConfigInput{
			FunctionName: &fn.name, Qualifier: aws.String("1"),
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.Status == types.ProvisionedConcurrencyStatusEnumFailed && aws.ToString(out.StatusReason) == "FUNCTION_ERROR_INIT_FAILURE"
	})
}

// managed makes a function one on managed instances, published at once.
func managed(t *testing.T, d *daemon, concurrency int32) func(*lambda.CreateFunctionInput) {
	t.Helper()
	name := testName(t)
	out, err := d.client().CreateCapacityProvider(ctxFor(t), &lambda.CreateCapacityProviderInput{
		CapacityProviderName: &name,
		PermissionsConfig:    &types.CapacityProviderPermissionsConfig{CapacityProviderOperatorRoleArn: aws.String(testRole)},
		VpcConfig:            &types.CapacityProviderVpcConfig{SubnetIds: []string{"subnet-1"}, SecurityGroupIds: []string{"sg-1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience) // the test's own has ended
		defer cancel()
		if _, err := d.client().DeleteCapacityProvider(ctx, &lambda.DeleteCapacityProviderInput{CapacityProviderName: &name}); err != nil {
			t.Error(err)
		}
	})
	return func(in *lambda.CreateFunctionInput) {
		in.MemorySize = aws.Int32(2048)
		in.Publish, in.PublishTo = true, types.FunctionVersionLatestPublishedLatestPublished
		in.CapacityProviderConfig = &types.CapacityProviderConfig{
			LambdaManagedInstancesCapacityProviderConfig: &types.LambdaManagedInstancesCapacityProviderConfig{
				CapacityProviderArn: out.CapacityProvider.CapacityProviderArn, PerExecutionEnvironmentMaxConcurrency: &concurrency,
			},
		}
	}
}

// sideBySide invokes a function that takes a second eight times at once, and
// checks that one environment had them all.
func sideBySide(t *testing.T, fn function) {
	t.Helper()
	fn.invoke(t, "{}") // the environment is there
	var mu sync.Mutex
	environments := map[string]int{}
	var calls sync.WaitGroup
	began := time.Now()
	for range 8 {
		calls.Go(func() {
			out, err := fn.d.client().Invoke(ctxFor(t), &lambda.InvokeInput{FunctionName: &fn.name, Payload: []byte("{}")})
			if err != nil || out.FunctionError != nil {
				t.Errorf("invoke: %v %v", err, out)
				return
			}
			var answer struct{ Stream string }
			if err := json.Unmarshal(out.Payload, &answer); err != nil {
				t.Errorf("%s: %v", out.Payload, err)
			}
			mu.Lock()
			defer mu.Unlock()
			environments[answer.Stream]++
		})
	}
	calls.Wait()
	if len(environments) != 1 {
		t.Errorf("invocations by environment: %v", environments)
	}
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("eight invocations of a second took %s", took)
	}
}

func TestManagedInstances_Python_SeveralInvocationsInOneEnvironment(t *testing.T) {
	t.Parallel()
	d := shared(t)
	sideBySide(t, d.create(t, newest(t, "python"), "app.handler", files{"app.py": `import os, time
def handler(event, context):
    time.sleep(1)
    return {"Stream": context.log_stream_name}
`}, managed(t, d, 8)))
}

// What eight processes log at a time is more than a pipe takes at once. Each
// event comes whole all the same.
func TestManagedInstances_Python_LogsAreKeptApart(t *testing.T) {
	t.Parallel()
	d := shared(t)
	fn := d.create(t, newest(t, "python"), "app.handler", files{"app.py": `import logging, time
def handler(event, context):
    time.sleep(1) # until all are here
    for i in range(4):
        logging.warning("%d" % i * 20_000)
    return {"Stream": context.log_stream_name}
`}, managed(t, d, 8))
	sideBySide(t, fn)
	eventually(t, "find every event", func() bool {
		whole := 0
		for line := range strings.Lines(hearth(t, nil, "logs", fn.name, "--endpoint", fn.d.endpoint).stdout) {
			_, entry, _ := strings.Cut(line, " ")
			var event struct{ Message string }
			if err := json.Unmarshal([]byte(entry), &event); err != nil {
				t.Fatalf("an entry that is not JSON: %.200q", entry)
			}
			if len(event.Message) == 20_000 {
				whole++
			}
		}
		return whole == 9*4 // sideBySide calls it once before
	})
}

func TestManagedInstances_Node_SeveralInvocationsInOneEnvironment(t *testing.T) {
	t.Parallel()
	d := shared(t)
	sideBySide(t, d.create(t, newest(t, "nodejs"), "app.handler", files{"app.mjs": `export const handler = async (event, context) => {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return { Stream: context.logStreamName };
};
`}, managed(t, d, 8)))
}

func TestManagedInstances_Go_SeveralInvocationsInOneEnvironment(t *testing.T) {
	t.Parallel()
	d := shared(t)
	program := filepath.Join(t.TempDir(), "bootstrap")
	if err := compile.Program(t.Context(), "test/e2e/testdata/sidebyside", program); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	sideBySide(t, d.create(t, "provided.al2023", "bootstrap", files{"bootstrap": string(content)}, managed(t, d, 8)))
}
