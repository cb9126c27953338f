package resource_test

import (
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/edge/resource"
)

const noConfig = lambdas + "code-signing-config:csc-00000000000000000"

func (f *fixture) createSigning() *types.CodeSigningConfig {
	f.Helper()
	return ok[*lambda.CreateCodeSigningConfigOutput](f)(f.CreateCodeSigningConfig(f.Context(), &lambda.CreateCodeSigningConfigInput{
		Description:       aws.String("d"),
		AllowedPublishers: &types.AllowedPublishers{SigningProfileVersionArns: []string{"arn:aws:signer:us-east-1:000000000000:/signing-profiles/test"}},
		Tags:              map[string]string{"a": "1"},
	})).CodeSigningConfig
}

func TestCodeSigningConfig_Lifecycle(t *testing.T) {
	serve(t, func(f *fixture) {
		ctx := f.Context()
		created := f.createSigning()
		if created.CodeSigningPolicies.UntrustedArtifactOnDeployment != types.CodeSigningPolicyWarn || *created.CodeSigningConfigArn != lambdas+"code-signing-config:"+*created.CodeSigningConfigId {
			f.Errorf("created: %+v", created)
		}
		updated := ok[*lambda.UpdateCodeSigningConfigOutput](f)(f.UpdateCodeSigningConfig(ctx, &lambda.UpdateCodeSigningConfigInput{
			CodeSigningConfigArn: created.CodeSigningConfigArn,
			CodeSigningPolicies:  &types.CodeSigningPolicies{UntrustedArtifactOnDeployment: types.CodeSigningPolicyEnforce},
		})).CodeSigningConfig
		if *updated.Description != "d" || len(updated.AllowedPublishers.SigningProfileVersionArns) != 1 {
			f.Errorf("updated: %+v", updated)
		}
		got := ok[*lambda.GetCodeSigningConfigOutput](f)(f.GetCodeSigningConfig(ctx, &lambda.GetCodeSigningConfigInput{CodeSigningConfigArn: created.CodeSigningConfigArn})).CodeSigningConfig
		if diff := cmp.Diff(updated.CodeSigningPolicies.UntrustedArtifactOnDeployment, got.CodeSigningPolicies.UntrustedArtifactOnDeployment); diff != "" {
			f.Error(diff)
		}
		f.createSigning()
		n := 0
		pages := lambda.NewListCodeSigningConfigsPaginator(f.Client, &lambda.ListCodeSigningConfigsInput{MaxItems: aws.Int32(1)})
		for pages.HasMorePages() {
			n += len(ok[*lambda.ListCodeSigningConfigsOutput](f)(pages.NextPage(ctx)).CodeSigningConfigs)
		}
		if n != 2 {
			f.Errorf("listed %d", n)
		}
		ok[*lambda.DeleteCodeSigningConfigOutput](f)(f.DeleteCodeSigningConfig(ctx, &lambda.DeleteCodeSigningConfigInput{CodeSigningConfigArn: created.CodeSigningConfigArn}))
		_, err := f.GetCodeSigningConfig(ctx, &lambda.GetCodeSigningConfigInput{CodeSigningConfigArn: created.CodeSigningConfigArn})
		f.refused(err, "ResourceNotFoundException", "The Lambda code signing configuration "+*created.CodeSigningConfigArn+" can not be found.")
	})
}

func TestCodeSigningConfig_OfFunctions(t *testing.T) {
	serve(t, func(f *fixture) {
		ctx, arn := f.Context(), f.createSigning().CodeSigningConfigArn
		_, err := f.PutFunctionCodeSigningConfig(ctx, &lambda.PutFunctionCodeSigningConfigInput{FunctionName: aws.String("nope"), CodeSigningConfigArn: aws.String(noConfig)})
		f.refused(err, "CodeSigningConfigNotFoundException", "The code signing configuration cannot be found. Check that the provided configuration is not deleted: "+noConfig+".")
		none := ok[*lambda.GetFunctionCodeSigningConfigOutput](f)(f.GetFunctionCodeSigningConfig(ctx, &lambda.GetFunctionCodeSigningConfigInput{FunctionName: aws.String("f")}))
		if none.CodeSigningConfigArn != nil {
			f.Errorf("before: %+v", none)
		}
		for _, fn := range []string{"g", "f"} {
			ok[*lambda.PutFunctionCodeSigningConfigOutput](f)(f.PutFunctionCodeSigningConfig(ctx, &lambda.PutFunctionCodeSigningConfigInput{FunctionName: &fn, CodeSigningConfigArn: arn}))
		}
		var listed []string
		pages := lambda.NewListFunctionsByCodeSigningConfigPaginator(f.Client, &lambda.ListFunctionsByCodeSigningConfigInput{CodeSigningConfigArn: arn, MaxItems: aws.Int32(1)})
		for pages.HasMorePages() {
			listed = append(listed, ok[*lambda.ListFunctionsByCodeSigningConfigOutput](f)(pages.NextPage(ctx)).FunctionArns...)
		}
		if diff := cmp.Diff([]string{arnF, lambdas + "function:g"}, listed); diff != "" {
			f.Error(diff)
		}
		_, err = f.DeleteCodeSigningConfig(ctx, &lambda.DeleteCodeSigningConfigInput{CodeSigningConfigArn: arn})
		f.refused(err, "ResourceConflictException", "")
		for range 2 { // the second time there is nothing to delete
			ok[*lambda.DeleteFunctionCodeSigningConfigOutput](f)(f.DeleteFunctionCodeSigningConfig(ctx, &lambda.DeleteFunctionCodeSigningConfigInput{FunctionName: aws.String("f")}))
		}
		left := ok[*lambda.ListFunctionsByCodeSigningConfigOutput](f)(f.ListFunctionsByCodeSigningConfig(ctx, &lambda.ListFunctionsByCodeSigningConfigInput{CodeSigningConfigArn: arn}))
		if diff := cmp.Diff([]string{lambdas + "function:g"}, left.FunctionArns); diff != "" {
			f.Error(diff)
		}
	})
}

func TestTags_AreChangedByARN(t *testing.T) {
	serve(t, func(f *fixture) {
		mapping := f.createMapping(&lambda.CreateEventSourceMappingInput{EventSourceArn: aws.String(queue), Tags: map[string]string{"a": "1"}})
		for arn, service := range map[string]resource.Tagged{*f.createSigning().CodeSigningConfigArn: f.signing.Tagged(), *mapping.EventSourceMappingArn: f.mappings.Tagged()} {
			if !service.Owns(arn) || service.Owns(arnF) {
				f.Errorf("%T.Owns", service)
			}
			err := service.UpdateTags(f.Context(), arn, func(tags map[string]string) (map[string]string, error) {
				changed := maps.Clone(tags)
				changed["b"] = "2"
				return changed, nil
			})
			if err != nil {
				f.Error(err)
			}
			tags := ok[map[string]string](f)(service.Tags(f.Context(), arn))
			if diff := cmp.Diff(map[string]string{"a": "1", "b": "2"}, tags); diff != "" {
				f.Errorf("%s: %s", arn, diff)
			}
			if _, err := service.Tags(f.Context(), arn[:len(arn)-1]+"_"); err == nil {
				f.Errorf("%T found what is not there", service)
			}
		}
	})
}

func TestCodeSigningConfig_OfAnotherRegion_IsNotAttached(t *testing.T) {
	serve(t, func(f *fixture) {
		elsewhere := *f
		elsewhere.Client = lambda.New(f.Options(), func(o *lambda.Options) { o.Region = "eu-west-1" })
		arn := elsewhere.createSigning().CodeSigningConfigArn
		_, err := f.PutFunctionCodeSigningConfig(f.Context(), &lambda.PutFunctionCodeSigningConfigInput{FunctionName: aws.String("f"), CodeSigningConfigArn: arn})
		f.refused(err, "CodeSigningConfigNotFoundException",
			"The code signing configuration cannot be found. Check that the provided configuration is not deleted: "+*arn+".")
	})
}
