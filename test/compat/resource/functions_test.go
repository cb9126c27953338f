package resource_test

import (
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestEventInvokeConfig_PutAndUpdate_ReplaceAndMerge(t *testing.T) {
	serve(t, func(f *fixture) {
		ctx := f.Context()
		put := ok[*lambda.PutFunctionEventInvokeConfigOutput](f)(f.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{
			FunctionName: aws.String("f"), MaximumRetryAttempts: aws.Int32(1),
			DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String(lambdas + "function:g")}},
		}))
		if *put.FunctionArn != arnF+":$LATEST" || put.LastModified == nil || put.MaximumEventAgeInSeconds != nil ||
			put.DestinationConfig.OnSuccess == nil || put.DestinationConfig.OnSuccess.Destination != nil {
			f.Errorf("put: %+v", put)
		}
		update := ok[*lambda.UpdateFunctionEventInvokeConfigOutput](f)(f.UpdateFunctionEventInvokeConfig(ctx, &lambda.UpdateFunctionEventInvokeConfigInput{
			FunctionName: aws.String("f"), MaximumEventAgeInSeconds: aws.Int32(60),
		}))
		if *update.MaximumRetryAttempts != 1 || *update.MaximumEventAgeInSeconds != 60 || *update.DestinationConfig.OnFailure.Destination != lambdas+"function:g" {
			f.Errorf("update: %+v", update)
		}
		ok[*lambda.PutFunctionEventInvokeConfigOutput](f)(f.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{
			FunctionName: aws.String("f"), Qualifier: aws.String("$LATEST"), MaximumRetryAttempts: aws.Int32(0),
		}))
		get := ok[*lambda.GetFunctionEventInvokeConfigOutput](f)(f.GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: aws.String("f")}))
		if *get.MaximumRetryAttempts != 0 || get.MaximumEventAgeInSeconds != nil || get.DestinationConfig.OnFailure.Destination != nil {
			f.Errorf("after another put: %+v", get)
		}
	})
}

func TestEventInvokeConfig_OfQualifiers_ArePaged(t *testing.T) {
	serve(t, func(f *fixture) {
		ctx := f.Context()
		for _, qualifier := range []string{"$LATEST", "1", "live"} {
			ok[*lambda.PutFunctionEventInvokeConfigOutput](f)(f.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{
				FunctionName: aws.String("f"), Qualifier: &qualifier, MaximumRetryAttempts: aws.Int32(0),
			}))
		}
		var listed []string
		pages := lambda.NewListFunctionEventInvokeConfigsPaginator(f.Client, &lambda.ListFunctionEventInvokeConfigsInput{FunctionName: aws.String("f"), MaxItems: aws.Int32(2)})
		for pages.HasMorePages() {
			page := ok[*lambda.ListFunctionEventInvokeConfigsOutput](f)(pages.NextPage(ctx))
			for _, c := range page.FunctionEventInvokeConfigs {
				listed = append(listed, *c.FunctionArn)
			}
		}
		if len(listed) != 3 || listed[0] != arnF+":$LATEST" || listed[1] != arnF+":1" || listed[2] != arnF+":live" {
			f.Errorf("listed %v", listed)
		}
		ok[*lambda.DeleteFunctionEventInvokeConfigOutput](f)(f.DeleteFunctionEventInvokeConfig(ctx, &lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: aws.String("f:live")}))
		_, err := f.GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: aws.String("f"), Qualifier: aws.String("live")})
		f.refused(err, "ResourceNotFoundException", "The function "+arnF+":live doesn't have an EventInvokeConfig")
	})
}

func TestEventInvokeConfig_Destinations_AreChecked(t *testing.T) {
	serve(t, func(f *fixture) {
		for destination, message := range map[string]string{
			arnF:                             "You can't specify the function as a destination for itself.",
			arnF + ":live":                   "You can't specify the function as a destination for itself.",
			lambdas + "function:nope":        "The destination ARN " + lambdas + "function:nope is invalid.",
			"arn:aws:iam::000000000000:x":    "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:iam::000000000000:x), onFailure=null) is invalid.",
			"arn:aws:s3:::bucket-of-success": "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:s3:::bucket-of-success), onFailure=null) is invalid.",
		} {
			_, err := f.PutFunctionEventInvokeConfig(f.Context(), &lambda.PutFunctionEventInvokeConfigInput{
				FunctionName: aws.String("f"), DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: &destination}},
			})
			f.refused(err, "InvalidParameterValueException", message)
		}
	})
}

func TestFunctionURL_Lifecycle(t *testing.T) {
	serve(t, func(f *fixture) {
		ctx, fn := f.Context(), aws.String("f")
		created := ok[*lambda.CreateFunctionUrlConfigOutput](f)(f.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{
			FunctionName: fn, AuthType: types.FunctionUrlAuthTypeNone, Cors: &types.Cors{AllowOrigins: []string{"*"}, MaxAge: aws.Int32(9)},
		}))
		if !regexp.MustCompile(`^http://[a-z0-9]{32}\.lambda-url\.us-east-1\.localhost:4566/$`).MatchString(*created.FunctionUrl) ||
			*created.FunctionArn != arnF || created.InvokeMode != "" || *created.Cors.MaxAge != 9 {
			f.Errorf("created: %+v", created)
		}
		_, err := f.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{FunctionName: fn, AuthType: types.FunctionUrlAuthTypeNone})
		f.refused(err, "ResourceConflictException",
			"Failed to create function url config for [functionArn = "+arnF+"]. Error message:  FunctionUrlConfig exists for this Lambda function")
		updated := ok[*lambda.UpdateFunctionUrlConfigOutput](f)(f.UpdateFunctionUrlConfig(ctx, &lambda.UpdateFunctionUrlConfigInput{
			FunctionName: fn, AuthType: types.FunctionUrlAuthTypeAwsIam, Cors: &types.Cors{},
		}))
		if updated.AuthType != types.FunctionUrlAuthTypeAwsIam || updated.InvokeMode != "" || updated.Cors != nil || *updated.FunctionUrl != *created.FunctionUrl {
			f.Errorf("updated: %+v", updated)
		}
		got := ok[*lambda.GetFunctionUrlConfigOutput](f)(f.GetFunctionUrlConfig(ctx, &lambda.GetFunctionUrlConfigInput{FunctionName: fn}))
		if got.InvokeMode != types.InvokeModeBuffered || got.AuthType != types.FunctionUrlAuthTypeAwsIam || *got.CreationTime != *created.CreationTime {
			f.Errorf("got: %+v", got)
		}
		ok[*lambda.DeleteFunctionUrlConfigOutput](f)(f.DeleteFunctionUrlConfig(ctx, &lambda.DeleteFunctionUrlConfigInput{FunctionName: fn}))
		_, err = f.GetFunctionUrlConfig(ctx, &lambda.GetFunctionUrlConfigInput{FunctionName: fn})
		f.refused(err, "ResourceNotFoundException", "The resource you requested does not exist.")
	})
}

func TestFunctionURL_OfAlias_IsListedBesideTheFunctions(t *testing.T) {
	serve(t, func(f *fixture) {
		ctx := f.Context()
		for _, alias := range []*string{nil, aws.String("live")} {
			ok[*lambda.CreateFunctionUrlConfigOutput](f)(f.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{
				FunctionName: aws.String("f"), Qualifier: alias, AuthType: types.FunctionUrlAuthTypeNone, InvokeMode: types.InvokeModeResponseStream,
			}))
		}
		_, err := f.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{
			FunctionName: aws.String("f"), Qualifier: aws.String("nope"), AuthType: types.FunctionUrlAuthTypeNone,
		})
		f.refused(err, "ResourceNotFoundException", "Function does not exist")
		var listed []string
		pages := lambda.NewListFunctionUrlConfigsPaginator(f.Client, &lambda.ListFunctionUrlConfigsInput{FunctionName: aws.String("f"), MaxItems: aws.Int32(1)})
		for pages.HasMorePages() {
			for _, u := range ok[*lambda.ListFunctionUrlConfigsOutput](f)(pages.NextPage(ctx)).FunctionUrlConfigs {
				listed = append(listed, *u.FunctionArn)
			}
		}
		if len(listed) != 2 || listed[0] != arnF || listed[1] != arnF+":live" {
			f.Errorf("listed %v", listed)
		}
	})
}

const runtimeVersion = "arn:aws:lambda:us-east-1::runtime:07a48df201798d627f2b950f03bb227aab4a655a1d019c3296406f95937e2525"

func TestRuntimeManagement_PutIsReadBack_ByVersion(t *testing.T) {
	serve(t, func(f *fixture) {
		ctx := f.Context()
		_, err := f.PutRuntimeManagementConfig(ctx, &lambda.PutRuntimeManagementConfigInput{FunctionName: aws.String("f"), UpdateRuntimeOn: types.UpdateRuntimeOnManual})
		f.refused(err, "InvalidParameterValueException", "")
		ok[*lambda.PutRuntimeManagementConfigOutput](f)(f.PutRuntimeManagementConfig(ctx, &lambda.PutRuntimeManagementConfigInput{
			FunctionName: aws.String("f"), Qualifier: aws.String("1"), UpdateRuntimeOn: types.UpdateRuntimeOnManual, RuntimeVersionArn: aws.String(runtimeVersion),
		}))
		got := ok[*lambda.GetRuntimeManagementConfigOutput](f)(f.GetRuntimeManagementConfig(ctx, &lambda.GetRuntimeManagementConfigInput{FunctionName: aws.String("f:1")}))
		if got.UpdateRuntimeOn != types.UpdateRuntimeOnManual || *got.RuntimeVersionArn != runtimeVersion || *got.FunctionArn != arnF+":1" {
			f.Errorf("version 1: %+v", got)
		}
		got = ok[*lambda.GetRuntimeManagementConfigOutput](f)(f.GetRuntimeManagementConfig(ctx, &lambda.GetRuntimeManagementConfigInput{FunctionName: aws.String("f")}))
		if got.UpdateRuntimeOn != types.UpdateRuntimeOnAuto || got.RuntimeVersionArn != nil || *got.FunctionArn != arnF {
			f.Errorf("$LATEST: %+v", got)
		}
		_, err = f.GetRuntimeManagementConfig(ctx, &lambda.GetRuntimeManagementConfigInput{FunctionName: aws.String("f"), Qualifier: aws.String("7")})
		f.refused(err, "ResourceNotFoundException", "Function not found: "+arnF+":7")
	})
}

func TestRecursion_IsTerminated_UntilAllowed(t *testing.T) {
	serve(t, func(f *fixture) {
		ctx, fn := f.Context(), aws.String("f")
		get := func() types.RecursiveLoop {
			return ok[*lambda.GetFunctionRecursionConfigOutput](f)(f.GetFunctionRecursionConfig(ctx, &lambda.GetFunctionRecursionConfigInput{FunctionName: fn})).RecursiveLoop
		}
		if got := get(); got != types.RecursiveLoopTerminate {
			f.Errorf("at first: %s", got)
		}
		ok[*lambda.PutFunctionRecursionConfigOutput](f)(f.PutFunctionRecursionConfig(ctx, &lambda.PutFunctionRecursionConfigInput{FunctionName: fn, RecursiveLoop: types.RecursiveLoopAllow}))
		if got := get(); got != types.RecursiveLoopAllow {
			f.Errorf("afterwards: %s", got)
		}
		_, err := f.GetFunctionRecursionConfig(ctx, &lambda.GetFunctionRecursionConfigInput{FunctionName: aws.String("nope")})
		f.refused(err, "ResourceNotFoundException", "Function not found: "+lambdas+"function:nope")
	})
}

func TestFunctionDeleted_TakesItsSettingsAlong(t *testing.T) {
	serve(t, func(f *fixture) {
		ctx, fn := f.Context(), aws.String("f")
		ok[*lambda.PutFunctionEventInvokeConfigOutput](f)(f.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{FunctionName: fn, MaximumRetryAttempts: aws.Int32(0)}))
		ok[*lambda.CreateFunctionUrlConfigOutput](f)(f.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{FunctionName: fn, AuthType: types.FunctionUrlAuthTypeNone}))
		ok[*lambda.PutFunctionRecursionConfigOutput](f)(f.PutFunctionRecursionConfig(ctx, &lambda.PutFunctionRecursionConfigInput{FunctionName: fn, RecursiveLoop: types.RecursiveLoopAllow}))
		if err := f.records.DeleteFunction(ctx, nameOf("f"), ""); err != nil {
			f.Fatal(err)
		}
		_, err := f.GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: fn})
		f.refused(err, "ResourceNotFoundException", "")
		_, err = f.GetFunctionUrlConfig(ctx, &lambda.GetFunctionUrlConfigInput{FunctionName: fn})
		f.refused(err, "ResourceNotFoundException", "")
		got := ok[*lambda.GetFunctionRecursionConfigOutput](f)(f.GetFunctionRecursionConfig(ctx, &lambda.GetFunctionRecursionConfigInput{FunctionName: fn}))
		if got.RecursiveLoop != types.RecursiveLoopTerminate {
			f.Errorf("recursion: %s", got.RecursiveLoop)
		}
	})
}
