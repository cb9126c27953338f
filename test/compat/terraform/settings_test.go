package terraform_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestFunctionURL(t *testing.T) {
	name := deploy(t, "with-url")
	resource{
		create: func(ctx context.Context) error {
			_, err := client.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{
				FunctionName: &name, AuthType: types.FunctionUrlAuthTypeAwsIam, InvokeMode: types.InvokeModeBuffered,
			})
			return err
		},
		read: func(ctx context.Context) (state, error) {
			out, err := client.GetFunctionUrlConfig(ctx, &lambda.GetFunctionUrlConfigInput{FunctionName: &name})
			if err != nil {
				return nil, err
			}
			s := state{"function_arn": *out.FunctionArn, "authorization_type": out.AuthType, "invoke_mode": out.InvokeMode, "has_url": aws.ToString(out.FunctionUrl) != ""}
			if out.Cors != nil {
				s["cors.allow_origins"], s["cors.max_age"] = out.Cors.AllowOrigins, aws.ToInt32(out.Cors.MaxAge)
				s["cors.allow_credentials"], s["cors.allow_methods"] = aws.ToBool(out.Cors.AllowCredentials), out.Cors.AllowMethods
			}
			return s, nil
		},
		created: state{
			"function_arn": arn + "function:with-url", "authorization_type": types.FunctionUrlAuthTypeAwsIam, "invoke_mode": types.InvokeModeBuffered, "has_url": true,
		},
		update: func(ctx context.Context) error {
			_, err := client.UpdateFunctionUrlConfig(ctx, &lambda.UpdateFunctionUrlConfigInput{
				FunctionName: &name, AuthType: types.FunctionUrlAuthTypeNone, InvokeMode: types.InvokeModeResponseStream,
				Cors: &types.Cors{AllowOrigins: []string{"*"}, AllowMethods: []string{"GET"}, AllowCredentials: aws.Bool(true), MaxAge: aws.Int32(60)},
			})
			return err
		},
		updated: state{
			"function_arn": arn + "function:with-url", "authorization_type": types.FunctionUrlAuthTypeNone, "invoke_mode": types.InvokeModeResponseStream,
			"has_url": true, "cors.allow_origins": []string{"*"}, "cors.allow_methods": []string{"GET"}, "cors.allow_credentials": true, "cors.max_age": int32(60),
		},
		destroy: func(ctx context.Context) error {
			_, err := client.DeleteFunctionUrlConfig(ctx, &lambda.DeleteFunctionUrlConfigInput{FunctionName: &name})
			return err
		},
	}.lifecycle(t)
}

func TestFunctionEventInvokeConfig(t *testing.T) {
	name, target := deploy(t, "with-events"), deploy(t, "with-events-target")
	put := func(in lambda.PutFunctionEventInvokeConfigInput) func(context.Context) error {
		return func(ctx context.Context) error {
			in.FunctionName, in.Qualifier = &name, aws.String("$LATEST")
			_, err := client.PutFunctionEventInvokeConfig(ctx, &in)
			return err
		}
	}
	resource{
		create: put(lambda.PutFunctionEventInvokeConfigInput{
			MaximumEventAgeInSeconds: aws.Int32(60), MaximumRetryAttempts: aws.Int32(0),
			DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("arn:aws:sqs:us-east-1:000000000000:q")}},
		}),
		read: func(ctx context.Context) (state, error) {
			out, err := client.GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: &name, Qualifier: aws.String("$LATEST")})
			if err != nil {
				return nil, err
			}
			s := state{"function_arn": *out.FunctionArn, "maximum_event_age_in_seconds": aws.ToInt32(out.MaximumEventAgeInSeconds), "maximum_retry_attempts": aws.ToInt32(out.MaximumRetryAttempts)}
			if d := out.DestinationConfig; d != nil && d.OnFailure != nil && d.OnFailure.Destination != nil {
				s["destination_config.on_failure"] = *d.OnFailure.Destination
			}
			if d := out.DestinationConfig; d != nil && d.OnSuccess != nil && d.OnSuccess.Destination != nil {
				s["destination_config.on_success"] = *d.OnSuccess.Destination
			}
			return s, nil
		},
		created: state{
			"function_arn": arn + "function:with-events:$LATEST", "maximum_event_age_in_seconds": int32(60), "maximum_retry_attempts": int32(0),
			"destination_config.on_failure": "arn:aws:sqs:us-east-1:000000000000:q",
		},
		update: put(lambda.PutFunctionEventInvokeConfigInput{
			MaximumEventAgeInSeconds: aws.Int32(21600), MaximumRetryAttempts: aws.Int32(2),
			DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: aws.String(arn + "function:" + target)}},
		}),
		updated: state{
			"function_arn": arn + "function:with-events:$LATEST", "maximum_event_age_in_seconds": int32(21600), "maximum_retry_attempts": int32(2),
			"destination_config.on_success": arn + "function:" + target,
		},
		destroy: func(ctx context.Context) error {
			_, err := client.DeleteFunctionEventInvokeConfig(ctx, &lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: &name, Qualifier: aws.String("$LATEST")})
			return err
		},
	}.lifecycle(t)
}

func TestProvisionedConcurrencyConfig(t *testing.T) {
	name := deploy(t, "provisioned")
	alias := live(t, name)
	get := func(ctx context.Context) (*lambda.GetProvisionedConcurrencyConfigOutput, error) {
		return client.GetProvisionedConcurrencyConfig(ctx, &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: &name, Qualifier: &alias})
	}
	put := func(n int32) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.PutProvisionedConcurrencyConfig(ctx, &lambda.PutProvisionedConcurrencyConfigInput{
				FunctionName: &name, Qualifier: &alias, ProvisionedConcurrentExecutions: &n,
			})
			if err != nil {
				return err
			}
			return until(ctx, func() (bool, error) {
				out, err := get(ctx)
				if err == nil && out.Status == types.ProvisionedConcurrencyStatusEnumFailed {
					err = errors.New(aws.ToString(out.StatusReason))
				}
				return err == nil && out.Status == types.ProvisionedConcurrencyStatusEnumReady, err
			})
		}
	}
	resource{
		create: put(1), update: put(2),
		read: func(ctx context.Context) (state, error) {
			out, err := get(ctx)
			if err != nil {
				return nil, err
			}
			return state{"provisioned_concurrent_executions": *out.AllocatedProvisionedConcurrentExecutions}, nil
		},
		created: state{"provisioned_concurrent_executions": int32(1)},
		updated: state{"provisioned_concurrent_executions": int32(2)},
		destroy: func(ctx context.Context) error {
			_, err := client.DeleteProvisionedConcurrencyConfig(ctx, &lambda.DeleteProvisionedConcurrencyConfigInput{FunctionName: &name, Qualifier: &alias})
			return err
		},
	}.lifecycle(t)
}

func TestCodeSigningConfig(t *testing.T) {
	const profile = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/"
	var config string
	resource{
		create: func(ctx context.Context) error {
			out, err := client.CreateCodeSigningConfig(ctx, &lambda.CreateCodeSigningConfigInput{
				AllowedPublishers: &types.AllowedPublishers{SigningProfileVersionArns: []string{profile + "one"}},
				Tags:              map[string]string{"team": "blue"},
			})
			if err == nil {
				config = *out.CodeSigningConfig.CodeSigningConfigArn
			}
			return err
		},
		read: func(ctx context.Context) (state, error) {
			out, err := client.GetCodeSigningConfig(ctx, &lambda.GetCodeSigningConfigInput{CodeSigningConfigArn: &config})
			if err != nil {
				return nil, err
			}
			tags, err := client.ListTags(ctx, &lambda.ListTagsInput{Resource: &config})
			if err != nil {
				return nil, err
			}
			c := out.CodeSigningConfig
			return state{
				"description": aws.ToString(c.Description), "allowed_publishers": c.AllowedPublishers.SigningProfileVersionArns,
				"policies": c.CodeSigningPolicies.UntrustedArtifactOnDeployment, "tags": tags.Tags,
			}, nil
		},
		created: state{
			"description": "", "allowed_publishers": []string{profile + "one"}, "policies": types.CodeSigningPolicyWarn, "tags": map[string]string{"team": "blue"},
		},
		update: func(ctx context.Context) error {
			_, err := client.UpdateCodeSigningConfig(ctx, &lambda.UpdateCodeSigningConfigInput{
				CodeSigningConfigArn: &config, Description: aws.String("d"),
				AllowedPublishers:   &types.AllowedPublishers{SigningProfileVersionArns: []string{profile + "one", profile + "two"}},
				CodeSigningPolicies: &types.CodeSigningPolicies{UntrustedArtifactOnDeployment: types.CodeSigningPolicyEnforce},
			})
			return err
		},
		updated: state{
			"description": "d", "allowed_publishers": []string{profile + "one", profile + "two"}, "policies": types.CodeSigningPolicyEnforce, "tags": map[string]string{"team": "blue"},
		},
		destroy: func(ctx context.Context) error {
			_, err := client.DeleteCodeSigningConfig(ctx, &lambda.DeleteCodeSigningConfigInput{CodeSigningConfigArn: &config})
			return err
		},
	}.lifecycle(t)
}

func TestFunctionRecursionConfig(t *testing.T) {
	name := deploy(t, "recursive")
	put := func(loop types.RecursiveLoop) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.PutFunctionRecursionConfig(ctx, &lambda.PutFunctionRecursionConfigInput{FunctionName: &name, RecursiveLoop: loop})
			return err
		}
	}
	resource{
		create: put(types.RecursiveLoopAllow), update: put(types.RecursiveLoopTerminate), destroy: put(types.RecursiveLoopTerminate), remains: true,
		read: func(ctx context.Context) (state, error) {
			out, err := client.GetFunctionRecursionConfig(ctx, &lambda.GetFunctionRecursionConfigInput{FunctionName: &name})
			if err != nil {
				return nil, err
			}
			return state{"recursive_loop": out.RecursiveLoop}, nil
		},
		created: state{"recursive_loop": types.RecursiveLoopAllow},
		updated: state{"recursive_loop": types.RecursiveLoopTerminate},
	}.lifecycle(t)
}

func TestRuntimeManagementConfig(t *testing.T) {
	name := deploy(t, "managed")
	put := func(on types.UpdateRuntimeOn) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.PutRuntimeManagementConfig(ctx, &lambda.PutRuntimeManagementConfigInput{FunctionName: &name, UpdateRuntimeOn: on})
			return err
		}
	}
	resource{
		create: put(types.UpdateRuntimeOnFunctionUpdate), update: put(types.UpdateRuntimeOnAuto), destroy: put(types.UpdateRuntimeOnAuto), remains: true,
		read: func(ctx context.Context) (state, error) {
			out, err := client.GetRuntimeManagementConfig(ctx, &lambda.GetRuntimeManagementConfigInput{FunctionName: &name})
			if err != nil {
				return nil, err
			}
			return state{"function_arn": *out.FunctionArn, "update_runtime_on": out.UpdateRuntimeOn, "runtime_version_arn": aws.ToString(out.RuntimeVersionArn)}, nil
		},
		created: state{"function_arn": arn + "function:managed", "update_runtime_on": types.UpdateRuntimeOnFunctionUpdate, "runtime_version_arn": ""},
		updated: state{"function_arn": arn + "function:managed", "update_runtime_on": types.UpdateRuntimeOnAuto, "runtime_version_arn": ""},
	}.lifecycle(t)
}
