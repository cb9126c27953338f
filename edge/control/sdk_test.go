package control_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	gocmp "github.com/google/go-cmp/cmp"
)

// Do makes a fixture the HTTP client of an SDK.
func (f *fixture) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	served := r.Clone(r.Context())
	served.RequestURI = r.URL.RequestURI()
	if served.Body == nil {
		served.Body = http.NoBody
	}
	f.mux.ServeHTTP(w, served)
	res := w.Result()
	res.Request = r
	return res, nil
}

// sdk is the AWS SDK for Go, without retries.
func (f *fixture) sdk() *lambda.Client {
	return lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://hearth.test"), HTTPClient: f, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
	})
}

func TestSDK_PublishesVersions(t *testing.T) {
	serve(t, func(f *fixture) {
		f.versioned("f")
		client, ctx := f.sdk(), f.Context()
		first, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("f"), Qualifier: aws.String("1")})
		if err != nil || *first.Version != "1" || first.Environment.Variables["testenv"] != "staging" {
			f.Fatalf("version 1: %+v, %v", first, err)
		}
		out, err := client.PublishVersion(ctx, &lambda.PublishVersionInput{
			FunctionName: aws.String("f"), Description: aws.String("no change"), CodeSha256: first.CodeSha256,
		})
		if err != nil || *out.Version != "2" || *out.Description != "" || out.State != types.StateActive {
			f.Fatalf("publish: %+v, %v", out, err)
		}
		var listed []string
		pages := lambda.NewListVersionsByFunctionPaginator(client, &lambda.ListVersionsByFunctionInput{FunctionName: aws.String("f"), MaxItems: aws.Int32(2)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				f.Fatal(err)
			}
			for _, v := range page.Versions {
				listed = append(listed, *v.FunctionArn)
			}
		}
		const arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
		if diff := gocmp.Diff([]string{arn + ":$LATEST", arn + ":1", arn + ":2"}, listed); diff != "" {
			f.Errorf("versions (-want +got):\n%s", diff)
		}
		if _, err := client.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: aws.String(arn + ":2")}); err != nil {
			f.Error(err)
		}
		_, err = client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String("f"), Qualifier: aws.String("2")})
		if _, gone := errors.AsType[*types.ResourceNotFoundException](err); !gone {
			f.Errorf("the deleted version: %v", err)
		}
	})
}

func TestSDK_KeepsAliases(t *testing.T) {
	serve(t, func(f *fixture) {
		f.versioned("f")
		client, ctx, fn, live := f.sdk(), f.Context(), aws.String("f"), aws.String("live")
		created, err := client.CreateAlias(ctx, &lambda.CreateAliasInput{
			FunctionName: fn, Name: live, FunctionVersion: aws.String("1"), Description: aws.String("d"),
			RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.25}},
		})
		if err != nil {
			f.Fatal(err)
		}
		got, err := client.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: fn, Name: live})
		if err != nil || *got.RevisionId != *created.RevisionId || got.RoutingConfig.AdditionalVersionWeights["2"] != 0.25 || *got.Description != "d" {
			f.Fatalf("get: %+v, %v", got, err)
		}
		updated, err := client.UpdateAlias(ctx, &lambda.UpdateAliasInput{
			FunctionName: fn, Name: live, FunctionVersion: aws.String("2"), RevisionId: created.RevisionId,
			RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{}},
		})
		if err != nil || *updated.FunctionVersion != "2" || updated.RoutingConfig != nil || *updated.RevisionId == *created.RevisionId {
			f.Fatalf("update: %+v, %v", updated, err)
		}
		list, err := client.ListAliases(ctx, &lambda.ListAliasesInput{FunctionName: fn, FunctionVersion: aws.String("2")})
		if err != nil || len(list.Aliases) != 1 || *list.Aliases[0].AliasArn != "arn:aws:lambda:us-east-1:000000000000:function:f:live" {
			f.Errorf("list: %+v, %v", list, err)
		}
		_, err = client.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: fn, Qualifier: aws.String("2")})
		if _, conflict := errors.AsType[*types.ResourceConflictException](err); !conflict {
			f.Errorf("delete a version with an alias: %v", err)
		}
		for range 2 { // the second finds none
			if _, err := client.DeleteAlias(ctx, &lambda.DeleteAliasInput{FunctionName: fn, Name: live}); err != nil {
				f.Error(err)
			}
		}
		_, err = client.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: fn, Name: live})
		if _, gone := errors.AsType[*types.ResourceNotFoundException](err); !gone {
			f.Errorf("the deleted alias: %v", err)
		}
	})
}
