package terraform_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// function is an aws_lambda_function.
type function struct {
	input *lambda.CreateFunctionInput
}

func (f function) create(ctx context.Context) error {
	if _, err := client.CreateFunction(ctx, f.input); err != nil {
		return err
	}
	return f.settled(ctx)
}

// settled waits as the provider does: for the state, then for the last update.
func (f function) settled(ctx context.Context) error {
	return until(ctx, func() (bool, error) {
		out, err := client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: f.input.FunctionName})
		if err != nil {
			return false, err
		}
		c := out.Configuration
		if c.State == types.StateFailed || c.LastUpdateStatus == types.LastUpdateStatusFailed {
			return false, errors.New(aws.ToString(c.StateReason) + aws.ToString(c.LastUpdateStatusReason))
		}
		return c.State == types.StateActive && c.LastUpdateStatus == types.LastUpdateStatusSuccessful, nil
	})
}

func (f function) destroy(ctx context.Context) error {
	_, err := client.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: f.input.FunctionName})
	return err
}

// read is the provider's read: GetFunction, the code signing config, the
// versions.
func (f function) read(ctx context.Context) (state, error) {
	out, err := client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: f.input.FunctionName})
	if err != nil {
		return nil, err
	}
	c := out.Configuration
	s := state{
		"arn": *c.FunctionArn, "function_name": *c.FunctionName, "role": *c.Role, "package_type": c.PackageType,
		"timeout": *c.Timeout, "memory_size": *c.MemorySize, "description": *c.Description, "architectures": c.Architectures,
		"source_code_hash": *c.CodeSha256, "tracing_config.mode": c.TracingConfig.Mode, "ephemeral_storage.size": *c.EphemeralStorage.Size,
		"logging_config.log_format": c.LoggingConfig.LogFormat, "logging_config.log_group": *c.LoggingConfig.LogGroup,
		"snap_start.apply_on": c.SnapStart.ApplyOn, "tags": out.Tags,
	}
	if c.PackageType == types.PackageTypeImage {
		s["image_uri"] = *out.Code.ImageUri
		if c.ImageConfigResponse != nil {
			s["image_config.command"] = c.ImageConfigResponse.ImageConfig.Command
		}
	} else {
		s["runtime"], s["handler"] = c.Runtime, *c.Handler
	}
	// Blocks that hold nothing are no difference to blocks that are not there.
	if c.Environment != nil && len(c.Environment.Variables) > 0 {
		s["environment.variables"] = c.Environment.Variables
	}
	if c.DeadLetterConfig != nil && aws.ToString(c.DeadLetterConfig.TargetArn) != "" {
		s["dead_letter_config.target_arn"] = *c.DeadLetterConfig.TargetArn
	}
	if c.VpcConfig != nil && len(c.VpcConfig.SubnetIds) > 0 {
		s["vpc_config.subnet_ids"], s["vpc_config.security_group_ids"] = c.VpcConfig.SubnetIds, c.VpcConfig.SecurityGroupIds
	}
	for i, l := range c.Layers {
		s["layers."+strconv.Itoa(i)] = *l.Arn
	}
	for _, file := range c.FileSystemConfigs {
		s["file_system_config.local_mount_path"] = *file.LocalMountPath
	}
	if out.Concurrency != nil {
		s["reserved_concurrent_executions"] = *out.Concurrency.ReservedConcurrentExecutions
	}
	return s, f.readMore(ctx, s)
}

func (f function) readMore(ctx context.Context, s state) error {
	signing, err := client.GetFunctionCodeSigningConfig(ctx, &lambda.GetFunctionCodeSigningConfigInput{FunctionName: f.input.FunctionName})
	if err != nil {
		return err
	}
	if config := aws.ToString(signing.CodeSigningConfigArn); config != "" {
		s["code_signing_config_arn"] = config
	}
	if !f.input.Publish {
		return nil
	}
	versions, err := client.ListVersionsByFunction(ctx, &lambda.ListVersionsByFunctionInput{FunctionName: f.input.FunctionName})
	if err != nil {
		return err
	}
	last := versions.Versions[len(versions.Versions)-1]
	s["version"], s["qualified_arn"] = *last.Version, *last.FunctionArn
	return nil
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// with returns the state with some attributes changed; nil takes one away.
func (s state) with(changes state) state {
	changed := state{}
	for name, value := range s {
		changed[name] = value
	}
	for name, value := range changes {
		if changed[name] = value; value == nil {
			delete(changed, name)
		}
	}
	return changed
}

// defaults is what is read of a function whose configuration says no more than
// it must.
func defaults(name string, runtime types.Runtime, code []byte) state {
	return state{
		"arn": arn + "function:" + name, "function_name": name, "role": role, "package_type": types.PackageTypeZip,
		"runtime": runtime, "handler": "app.handler", "timeout": int32(3), "memory_size": int32(128), "description": "",
		"architectures": []types.Architecture{types.ArchitectureX8664}, "source_code_hash": hash(code),
		"tracing_config.mode": types.TracingModePassThrough, "ephemeral_storage.size": int32(512),
		"logging_config.log_format": types.LogFormatText, "logging_config.log_group": "/aws/lambda/" + name,
		"snap_start.apply_on": types.SnapStartApplyOnNone, "tags": map[string]string(nil),
	}
}

func TestFunction_OfAnArchiveWithDefaults(t *testing.T) {
	first, second := archive(t, "app.py", "handler = str"), archive(t, "app.py", "handler = repr")
	f := function{&lambda.CreateFunctionInput{
		FunctionName: aws.String("plain"), Role: aws.String(role), Runtime: python(t), Handler: aws.String("app.handler"),
		Code: &types.FunctionCode{ZipFile: first},
	}}
	created := defaults("plain", python(t), first)
	resource{
		create: f.create, read: f.read, destroy: f.destroy, created: created,
		update: func(ctx context.Context) error {
			_, err := client.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: f.input.FunctionName, ZipFile: second})
			return errors.Join(err, f.settled(ctx))
		},
		updated: created.with(state{"source_code_hash": hash(second)}),
	}.lifecycle(t)
}

// everything is a function of which each attribute is configured.
func everything(t *testing.T, name string, code []byte, layer string) function {
	return function{&lambda.CreateFunctionInput{
		FunctionName: &name, Role: aws.String(role), Runtime: python(t), Handler: aws.String("app.handler"), Publish: true,
		Code: &types.FunctionCode{ZipFile: code}, Description: aws.String("all of it"), Timeout: aws.Int32(30), MemorySize: aws.Int32(512),
		Architectures: []types.Architecture{types.ArchitectureX8664}, EphemeralStorage: &types.EphemeralStorage{Size: aws.Int32(1024)},
		Environment:      &types.Environment{Variables: map[string]string{"COLOR": "red"}},
		TracingConfig:    &types.TracingConfig{Mode: types.TracingModeActive},
		DeadLetterConfig: &types.DeadLetterConfig{TargetArn: aws.String("arn:aws:sqs:us-east-1:000000000000:dead")},
		VpcConfig:        &types.VpcConfig{SubnetIds: []string{"subnet-1"}, SecurityGroupIds: []string{"sg-1"}},
		LoggingConfig:    &types.LoggingConfig{LogFormat: types.LogFormatJson, LogGroup: aws.String("/my/logs")},
		Layers:           []string{layer}, Tags: map[string]string{"team": "blue"},
	}}
}

func TestFunction_OfAnArchiveWithEverything(t *testing.T) {
	code := archive(t, "app.py", "handler = str")
	layer := publishLayer(t, "for-everything")
	f := everything(t, "everything", code, layer)
	created := defaults("everything", python(t), code).with(state{
		"description": "all of it", "timeout": int32(30), "memory_size": int32(512), "ephemeral_storage.size": int32(1024),
		"environment.variables": map[string]string{"COLOR": "red"}, "tracing_config.mode": types.TracingModeActive,
		"dead_letter_config.target_arn": "arn:aws:sqs:us-east-1:000000000000:dead",
		"vpc_config.subnet_ids":         []string{"subnet-1"}, "vpc_config.security_group_ids": []string{"sg-1"},
		"logging_config.log_format": types.LogFormatJson, "logging_config.log_group": "/my/logs",
		"layers.0": layer, "tags": map[string]string{"team": "blue"}, "version": "1", "qualified_arn": arn + "function:everything:1",
	})
	resource{
		create: f.create, read: f.read, destroy: f.destroy, created: created,
		update: func(ctx context.Context) error { return f.changeEverything(ctx) },
		updated: created.with(state{
			"description": "less", "timeout": int32(5), "environment.variables": nil, "layers.0": nil,
			"dead_letter_config.target_arn": nil, "vpc_config.subnet_ids": nil, "vpc_config.security_group_ids": nil,
			"tags": map[string]string{"team": "red", "stage": "test"}, "reserved_concurrent_executions": int32(2),
			"version": "2", "qualified_arn": arn + "function:everything:2",
		}),
	}.lifecycle(t)
}

// changeEverything makes the calls of an apply that takes blocks out of the
// configuration: tags, configuration, concurrency, version.
func (f function) changeEverything(ctx context.Context) error {
	name := f.input.FunctionName
	_, err := client.UntagResource(ctx, &lambda.UntagResourceInput{Resource: aws.String(arn + "function:" + *name), TagKeys: []string{"team"}})
	if err != nil {
		return err
	}
	_, err = client.TagResource(ctx, &lambda.TagResourceInput{
		Resource: aws.String(arn + "function:" + *name), Tags: map[string]string{"team": "red", "stage": "test"},
	})
	if err != nil {
		return err
	}
	_, err = client.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: name, Description: aws.String("less"), Timeout: aws.Int32(5),
		Environment:      &types.Environment{Variables: map[string]string{}},
		DeadLetterConfig: &types.DeadLetterConfig{TargetArn: aws.String("")},
		VpcConfig:        &types.VpcConfig{SubnetIds: []string{}, SecurityGroupIds: []string{}},
		Layers:           []string{},
	})
	if err = errors.Join(err, f.settled(ctx)); err != nil {
		return err
	}
	_, err = client.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(2)})
	if err != nil {
		return err
	}
	_, err = client.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: name})
	return err
}

func TestFunction_OfAnObjectInABucket(t *testing.T) {
	first, second := archive(t, "app.py", "handler = str"), archive(t, "app.py", "handler = repr")
	must(t, "put the object", os.WriteFile(filepath.Join(bucket, "first.zip"), first, 0o644))
	must(t, "put the object", os.WriteFile(filepath.Join(bucket, "second.zip"), second, 0o644))
	f := function{&lambda.CreateFunctionInput{
		FunctionName: aws.String("stored"), Role: aws.String(role), Runtime: python(t), Handler: aws.String("app.handler"),
		Code: &types.FunctionCode{S3Bucket: aws.String("code"), S3Key: aws.String("first.zip")},
	}}
	created := defaults("stored", python(t), first)
	resource{
		create: f.create, read: f.read, destroy: f.destroy, created: created,
		update: func(ctx context.Context) error {
			_, err := client.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{
				FunctionName: f.input.FunctionName, S3Bucket: aws.String("code"), S3Key: aws.String("second.zip"),
			})
			return errors.Join(err, f.settled(ctx))
		},
		updated: created.with(state{"source_code_hash": hash(second)}),
	}.lifecycle(t)
}

func TestFunction_OfAnImage(t *testing.T) {
	const first, second = "000000000000.dkr.ecr.us-east-1.amazonaws.com/app:1", "000000000000.dkr.ecr.us-east-1.amazonaws.com/app:2"
	f := function{&lambda.CreateFunctionInput{
		FunctionName: aws.String("image"), Role: aws.String(role), PackageType: types.PackageTypeImage,
		Code: &types.FunctionCode{ImageUri: aws.String(first)}, ImageConfig: &types.ImageConfig{Command: []string{"app.handler"}},
	}}
	read := func(ctx context.Context) (state, error) {
		s, err := f.read(ctx)
		delete(s, "source_code_hash") // the image's digest, which the configuration cannot know
		return s, err
	}
	created := defaults("image", "", nil).with(state{
		"source_code_hash": nil, "runtime": nil, "handler": nil, "package_type": types.PackageTypeImage,
		"image_uri": first, "image_config.command": []string{"app.handler"},
	})
	resource{
		create: f.create, read: read, destroy: f.destroy, created: created,
		update: func(ctx context.Context) error {
			_, err := client.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: f.input.FunctionName, ImageUri: aws.String(second)})
			return errors.Join(err, f.settled(ctx))
		},
		updated: created.with(state{"image_uri": second}),
	}.lifecycle(t)
}

func TestAlias(t *testing.T) {
	name := deploy(t, "aliased")
	read := func(ctx context.Context) (state, error) {
		out, err := client.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &name, Name: aws.String("live")})
		if err != nil {
			return nil, err
		}
		s := state{"arn": *out.AliasArn, "name": *out.Name, "function_version": *out.FunctionVersion, "description": *out.Description}
		if out.RoutingConfig != nil && len(out.RoutingConfig.AdditionalVersionWeights) > 0 {
			s["routing_config.additional_version_weights"] = out.RoutingConfig.AdditionalVersionWeights
		}
		return s, nil
	}
	created := state{"arn": arn + "function:aliased:live", "name": "live", "function_version": "1", "description": "d"}
	resource{
		create: func(ctx context.Context) error {
			_, err := client.CreateAlias(ctx, &lambda.CreateAliasInput{
				FunctionName: &name, Name: aws.String("live"), FunctionVersion: aws.String("1"), Description: aws.String("d"),
				RoutingConfig: &types.AliasRoutingConfiguration{}, // the provider always sends it
			})
			return err
		},
		read: read, created: created,
		update: func(ctx context.Context) error {
			_, err := client.UpdateAlias(ctx, &lambda.UpdateAliasInput{
				FunctionName: &name, Name: aws.String("live"), FunctionVersion: aws.String("$LATEST"), Description: aws.String(""),
				RoutingConfig: &types.AliasRoutingConfiguration{},
			})
			return err
		},
		updated: created.with(state{"function_version": "$LATEST", "description": ""}),
		destroy: func(ctx context.Context) error {
			_, err := client.DeleteAlias(ctx, &lambda.DeleteAliasInput{FunctionName: &name, Name: aws.String("live")})
			return err
		},
	}.lifecycle(t)
}

// An aws_lambda_invocation keeps the result of a call. The provider makes it at
// creation, and at each change; with lifecycle_scope CRUD at the end too.
func TestInvocation(t *testing.T) {
	name := deploy(t, "invoked")
	for _, payload := range []string{`{"tf":{"action":"create","prev_input":null}}`, `{"tf":{"action":"update"}}`, `{"tf":{"action":"delete"}}`} {
		out, err := client.Invoke(t.Context(), &lambda.InvokeInput{
			FunctionName: &name, Qualifier: aws.String("$LATEST"), InvocationType: types.InvocationTypeRequestResponse, Payload: []byte(payload),
		})
		must(t, "invoke", err)
		if out.FunctionError != nil || len(out.Payload) == 0 || out.StatusCode != 200 {
			t.Errorf("%s came back as %d %s %s", payload, out.StatusCode, aws.ToString(out.FunctionError), out.Payload)
		}
	}
}

// The provider gives a function that was just created a moment before it
// manages what belongs to it; hearth must not need that.
func TestFunction_IsThereAtOnce(t *testing.T) {
	name := "at-once"
	f := function{&lambda.CreateFunctionInput{
		FunctionName: &name, Role: aws.String(role), Runtime: python(t), Handler: aws.String("app.handler"),
		Code: &types.FunctionCode{ZipFile: archive(t, "app.py", "handler = str")},
	}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := client.CreateFunction(ctx, f.input)
	must(t, "create", err)
	_, err = client.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: &name, StatementId: aws.String("s"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("s3.amazonaws.com"),
	})
	must(t, "add a permission at once", err)
	must(t, "wait", f.settled(ctx))
	must(t, "destroy", f.destroy(ctx))
}
