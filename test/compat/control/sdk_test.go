package control_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/hearthd/hearth/api"
)

// The SDK calls all operations with inputs that are good: each answer must be
// one that it can decode, none may be an error but for the operations on
// durable executions, of which there are none.

// sdkCalls are inputs in the order in which they make sense. Those that need
// what an earlier answer said come from functions of the answers so far.
type sdkCalls struct {
	client  *lambda.Client
	answers map[string]any // by operation, the last one
}

func TestSDK_CallsEveryOperation(t *testing.T) {
	s := &sdkCalls{
		client: lambda.New(lambda.Options{
			BaseEndpoint: &theSuite.shared.Endpoint, Region: "eu-sdk-1", Retryer: aws.NopRetryer{},
			Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", ""),
		}),
		answers: map[string]any{},
	}
	for _, inputs := range []func(*testing.T) []any{s.functions, s.afterFunctions, s.concurrency, s.settings, s.mappings, s.layers, s.providers, s.durable, s.cleanUp} {
		for _, in := range inputs(t) {
			s.call(t, in)
		}
	}
	for _, operation := range api.NewRouter(api.Options{}).Operations() {
		if _, called := s.answers[operation]; !called {
			t.Errorf("%s was not called", operation)
		}
	}
}

// call makes the call that an input is for.
func (s *sdkCalls) call(t *testing.T, in any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	operation := strings.TrimSuffix(reflect.TypeOf(in).Elem().Name(), "Input")
	results := reflect.ValueOf(s.client).MethodByName(operation).Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(in)})
	err, _ := results[1].Interface().(error)
	s.answers[operation] = results[0].Interface()
	var answer smithy.APIError
	switch {
	case err == nil:
	case errors.As(err, &answer) && answer.ErrorCode() == "NotImplementedException" && isDurable(operation):
	default:
		t.Errorf("%s: %v", operation, err)
	}
}

func isDurable(operation string) bool {
	return strings.Contains(operation, "DurableExecution")
}

// settled waits until the function can be changed again.
func (s *sdkCalls) settled(t *testing.T) {
	t.Helper()
	fast := func(o *lambda.FunctionUpdatedV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, 50*time.Millisecond
	}
	in := &lambda.GetFunctionInput{FunctionName: aws.String("f")}
	if err := lambda.NewFunctionUpdatedV2Waiter(s.client).Wait(t.Context(), in, patience, fast); err != nil {
		t.Fatal(err)
	}
}

const sdkRole = "arn:aws:iam::000000000000:role/r"

func sdkARN(resource string) *string {
	return aws.String("arn:aws:lambda:eu-sdk-1:000000000000:" + resource)
}

func (s *sdkCalls) functions(t *testing.T) []any {
	f := aws.String("f")
	code, err := archives.get("echo")
	if err != nil {
		t.Fatal(err)
	}
	python, err := hostPython()
	if err != nil {
		t.Fatal(err)
	}
	s.call(t, &lambda.CreateFunctionInput{
		FunctionName: f, Role: aws.String(sdkRole), Runtime: types.Runtime(python), Handler: aws.String("app.handler"),
		Code: &types.FunctionCode{ZipFile: code},
	})
	s.settled(t)
	s.call(t, &lambda.UpdateFunctionConfigurationInput{FunctionName: f, Timeout: aws.Int32(5)})
	s.settled(t)
	s.call(t, &lambda.UpdateFunctionCodeInput{FunctionName: f, ZipFile: code})
	s.settled(t)
	return []any{
		&lambda.GetFunctionInput{FunctionName: f},
		&lambda.GetFunctionConfigurationInput{FunctionName: f},
		&lambda.ListFunctionsInput{},
		&lambda.GetAccountSettingsInput{},
		&lambda.PublishVersionInput{FunctionName: f},
		&lambda.ListVersionsByFunctionInput{FunctionName: f},
		&lambda.CreateAliasInput{FunctionName: f, Name: aws.String("live"), FunctionVersion: aws.String("1")},
		&lambda.GetAliasInput{FunctionName: f, Name: aws.String("live")},
		&lambda.UpdateAliasInput{FunctionName: f, Name: aws.String("live"), Description: aws.String("d")},
		&lambda.ListAliasesInput{FunctionName: f},
	}
}

func (s *sdkCalls) afterFunctions(*testing.T) []any {
	f, function := aws.String("f"), sdkARN("function:f")
	return []any{
		&lambda.InvokeInput{FunctionName: f, Payload: []byte(`{}`)},
		&lambda.InvokeWithResponseStreamInput{FunctionName: f, Payload: []byte(`{}`)},
		&lambda.InvokeAsyncInput{FunctionName: f, InvokeArgs: strings.NewReader(`{}`)},
		&lambda.TagResourceInput{Resource: function, Tags: map[string]string{"k": "v"}},
		&lambda.ListTagsInput{Resource: function},
		&lambda.UntagResourceInput{Resource: function, TagKeys: []string{"k"}},
		&lambda.AddPermissionInput{FunctionName: f, StatementId: aws.String("s"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("s3.amazonaws.com")},
		&lambda.GetPolicyInput{FunctionName: f},
		&lambda.RemovePermissionInput{FunctionName: f, StatementId: aws.String("s")},
		&lambda.PutResourcePolicyInput{ResourceArn: function, Policy: aws.String(`{"Version":"2012-10-17","Statement":[{"Sid":"s","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + *function + `"}]}`)},
		&lambda.GetResourcePolicyInput{ResourceArn: function},
		&lambda.DeleteResourcePolicyInput{ResourceArn: function},
	}
}

func (s *sdkCalls) concurrency(*testing.T) []any {
	f, live := aws.String("f"), aws.String("live")
	return []any{
		&lambda.PutFunctionConcurrencyInput{FunctionName: f, ReservedConcurrentExecutions: aws.Int32(5)},
		&lambda.GetFunctionConcurrencyInput{FunctionName: f},
		&lambda.DeleteFunctionConcurrencyInput{FunctionName: f},
		&lambda.PutProvisionedConcurrencyConfigInput{FunctionName: f, Qualifier: live, ProvisionedConcurrentExecutions: aws.Int32(1)},
		&lambda.GetProvisionedConcurrencyConfigInput{FunctionName: f, Qualifier: live},
		&lambda.ListProvisionedConcurrencyConfigsInput{FunctionName: f},
		&lambda.DeleteProvisionedConcurrencyConfigInput{FunctionName: f, Qualifier: live},
	}
}

func (s *sdkCalls) settings(t *testing.T) []any {
	f := aws.String("f")
	publishers := &types.AllowedPublishers{SigningProfileVersionArns: []string{"arn:aws:signer:eu-sdk-1:000000000000:/signing-profiles/p/v"}}
	s.call(t, &lambda.CreateCodeSigningConfigInput{AllowedPublishers: publishers})
	var config *string
	if out, ok := s.answers["CreateCodeSigningConfig"].(*lambda.CreateCodeSigningConfigOutput); ok && out != nil {
		config = out.CodeSigningConfig.CodeSigningConfigArn
	}
	return []any{
		&lambda.PutFunctionEventInvokeConfigInput{FunctionName: f, MaximumRetryAttempts: aws.Int32(1)},
		&lambda.UpdateFunctionEventInvokeConfigInput{FunctionName: f, MaximumEventAgeInSeconds: aws.Int32(60)},
		&lambda.GetFunctionEventInvokeConfigInput{FunctionName: f},
		&lambda.ListFunctionEventInvokeConfigsInput{FunctionName: f},
		&lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: f},
		&lambda.CreateFunctionUrlConfigInput{FunctionName: f, AuthType: types.FunctionUrlAuthTypeNone},
		&lambda.UpdateFunctionUrlConfigInput{FunctionName: f, AuthType: types.FunctionUrlAuthTypeAwsIam},
		&lambda.GetFunctionUrlConfigInput{FunctionName: f},
		&lambda.ListFunctionUrlConfigsInput{FunctionName: f},
		&lambda.DeleteFunctionUrlConfigInput{FunctionName: f},
		&lambda.GetCodeSigningConfigInput{CodeSigningConfigArn: config},
		&lambda.UpdateCodeSigningConfigInput{CodeSigningConfigArn: config, Description: aws.String("d")},
		&lambda.ListCodeSigningConfigsInput{},
		&lambda.PutFunctionCodeSigningConfigInput{FunctionName: f, CodeSigningConfigArn: config},
		&lambda.GetFunctionCodeSigningConfigInput{FunctionName: f},
		&lambda.ListFunctionsByCodeSigningConfigInput{CodeSigningConfigArn: config},
		&lambda.DeleteFunctionCodeSigningConfigInput{FunctionName: f},
		&lambda.DeleteCodeSigningConfigInput{CodeSigningConfigArn: config},
		&lambda.PutRuntimeManagementConfigInput{FunctionName: f, UpdateRuntimeOn: types.UpdateRuntimeOnAuto},
		&lambda.GetRuntimeManagementConfigInput{FunctionName: f},
		&lambda.PutFunctionRecursionConfigInput{FunctionName: f, RecursiveLoop: types.RecursiveLoopAllow},
		&lambda.GetFunctionRecursionConfigInput{FunctionName: f},
	}
}

func (s *sdkCalls) mappings(t *testing.T) []any {
	s.call(t, &lambda.CreateEventSourceMappingInput{
		FunctionName: aws.String("f"), EventSourceArn: aws.String("arn:aws:sqs:eu-sdk-1:000000000000:q"), Enabled: aws.Bool(false),
	})
	out, ok := s.answers["CreateEventSourceMapping"].(*lambda.CreateEventSourceMappingOutput)
	if !ok || out == nil {
		return nil
	}
	s.disabled(t, out.UUID)
	s.call(t, &lambda.UpdateEventSourceMappingInput{UUID: out.UUID, BatchSize: aws.Int32(5)})
	s.disabled(t, out.UUID)
	return []any{
		&lambda.ListEventSourceMappingsInput{},
		&lambda.DeleteEventSourceMappingInput{UUID: out.UUID},
	}
}

// disabled waits until a mapping can be changed again: until then it is in use.
func (s *sdkCalls) disabled(t *testing.T, uuid *string) {
	t.Helper()
	s.await(t, "the mapping is disabled", func() bool {
		s.call(t, &lambda.GetEventSourceMappingInput{UUID: uuid})
		out, ok := s.answers["GetEventSourceMapping"].(*lambda.GetEventSourceMappingOutput)
		return ok && out != nil && aws.ToString(out.State) == "Disabled"
	})
}

// await fails the test when something does not come true.
func (s *sdkCalls) await(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func (s *sdkCalls) layers(t *testing.T) []any {
	// Version numbers are never used again, and the test may run more than once.
	l, one := aws.String(fmt.Sprintf("l-%d", time.Now().UnixNano())), aws.Int64(1)
	code, err := archives.get("hello")
	if err != nil {
		t.Fatal(err)
	}
	return []any{
		&lambda.PublishLayerVersionInput{LayerName: l, Content: &types.LayerVersionContentInput{ZipFile: code}},
		&lambda.GetLayerVersionInput{LayerName: l, VersionNumber: one},
		&lambda.GetLayerVersionByArnInput{Arn: sdkARN("layer:" + *l + ":1")},
		&lambda.ListLayersInput{},
		&lambda.ListLayerVersionsInput{LayerName: l},
		&lambda.AddLayerVersionPermissionInput{LayerName: l, VersionNumber: one, StatementId: aws.String("s"), Action: aws.String("lambda:GetLayerVersion"), Principal: aws.String("*")},
		&lambda.GetLayerVersionPolicyInput{LayerName: l, VersionNumber: one},
		&lambda.RemoveLayerVersionPermissionInput{LayerName: l, VersionNumber: one, StatementId: aws.String("s")},
		&lambda.DeleteLayerVersionInput{LayerName: l, VersionNumber: one},
	}
}

func (s *sdkCalls) providers(t *testing.T) []any {
	p, managed, version := aws.String("p"), aws.String("managed"), aws.String("$LATEST.PUBLISHED")
	s.call(t, &lambda.CreateCapacityProviderInput{
		CapacityProviderName: p, PermissionsConfig: &types.CapacityProviderPermissionsConfig{CapacityProviderOperatorRoleArn: aws.String(sdkRole)},
		VpcConfig: &types.CapacityProviderVpcConfig{SubnetIds: []string{"subnet-1"}, SecurityGroupIds: []string{"sg-1"}},
	})
	s.await(t, "the capacity provider becomes active", func() bool {
		s.call(t, &lambda.GetCapacityProviderInput{CapacityProviderName: p})
		out, ok := s.answers["GetCapacityProvider"].(*lambda.GetCapacityProviderOutput)
		return ok && out != nil && out.CapacityProvider.State == types.CapacityProviderStateActive
	})
	code, err := archives.get("echo")
	if err != nil {
		t.Fatal(err)
	}
	python, err := hostPython()
	if err != nil {
		t.Fatal(err)
	}
	return []any{
		&lambda.ListCapacityProvidersInput{},
		&lambda.UpdateCapacityProviderInput{CapacityProviderName: p, CapacityProviderScalingConfig: &types.CapacityProviderScalingConfig{MaxVCpuCount: aws.Int32(12)}},
		&lambda.CreateFunctionInput{
			FunctionName: managed, Role: aws.String(sdkRole), Runtime: types.Runtime(python), Handler: aws.String("app.handler"), MemorySize: aws.Int32(2048),
			Code: &types.FunctionCode{ZipFile: code}, Publish: true, PublishTo: types.FunctionVersionLatestPublishedLatestPublished,
			CapacityProviderConfig: &types.CapacityProviderConfig{LambdaManagedInstancesCapacityProviderConfig: &types.LambdaManagedInstancesCapacityProviderConfig{
				CapacityProviderArn: sdkARN("capacity-provider:p"),
			}},
		},
		&lambda.ListFunctionVersionsByCapacityProviderInput{CapacityProviderName: p},
		&lambda.PutFunctionScalingConfigInput{FunctionName: managed, Qualifier: version, FunctionScalingConfig: &types.FunctionScalingConfig{MinExecutionEnvironments: aws.Int32(0), MaxExecutionEnvironments: aws.Int32(2)}},
		&lambda.GetFunctionScalingConfigInput{FunctionName: managed, Qualifier: version},
		&lambda.DeleteFunctionInput{FunctionName: managed},
		&lambda.DeleteCapacityProviderInput{CapacityProviderName: p},
	}
}

func (s *sdkCalls) durable(*testing.T) []any {
	execution, callback := sdkARN("function:f:1/durable-execution/name/id"), aws.String(strings.Repeat("c2FtcGxl", 4))
	token := aws.String("dG9rZW4=")
	return []any{
		&lambda.ListDurableExecutionsByFunctionInput{FunctionName: aws.String("f")},
		&lambda.GetDurableExecutionInput{DurableExecutionArn: execution},
		&lambda.GetDurableExecutionHistoryInput{DurableExecutionArn: execution},
		&lambda.GetDurableExecutionStateInput{DurableExecutionArn: execution, CheckpointToken: token},
		&lambda.CheckpointDurableExecutionInput{DurableExecutionArn: execution, CheckpointToken: token},
		&lambda.StopDurableExecutionInput{DurableExecutionArn: execution},
		&lambda.SendDurableExecutionCallbackSuccessInput{CallbackId: callback},
		&lambda.SendDurableExecutionCallbackFailureInput{CallbackId: callback},
		&lambda.SendDurableExecutionCallbackHeartbeatInput{CallbackId: callback},
	}
}

func (s *sdkCalls) cleanUp(*testing.T) []any {
	return []any{
		&lambda.DeleteAliasInput{FunctionName: aws.String("f"), Name: aws.String("live")},
		&lambda.DeleteFunctionInput{FunctionName: aws.String("f")},
	}
}

// TestSDK_FindsErrors holds the SDK to typed errors: it needs the code in the
// header and the message in the member that the model names.
func TestSDK_FindsErrors(t *testing.T) {
	client := lambda.New(lambda.Options{
		BaseEndpoint: &theSuite.shared.Endpoint, Region: "eu-sdk-1", Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", ""),
	})
	_, err := client.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("nope")})
	var missing *types.ResourceNotFoundException
	if !errors.As(err, &missing) || aws.ToString(missing.Message) != "Function not found: "+*sdkARN("function:nope") || aws.ToString(missing.Type) != "User" {
		t.Errorf("GetFunction: %v", err)
	}
	_, err = client.TagResource(t.Context(), &lambda.TagResourceInput{Resource: sdkARN("function:nope"), Tags: map[string]string{"k": "v"}})
	if !errors.As(err, &missing) {
		t.Errorf("TagResource: %v", err)
	}
	_, err = client.ListAliases(t.Context(), &lambda.ListAliasesInput{FunctionName: aws.String("!")})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "ValidationException" || !slices.Contains(strings.Fields(refused.ErrorMessage()), "'functionName'") {
		t.Errorf("ListAliases: %v", err)
	}
}
