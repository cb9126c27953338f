package scope_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/scope"
)

func FuzzOfRequest(f *testing.F) {
	for _, seed := range []string{
		"AWS4-HMAC-SHA256 Credential=AKID/20261121/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=00",
		"Credential=////", "Credential=a/b/../lambda/aws4_request", "Credential=a/b/c/d/e/f", "Credential=", "Basic x",
	} {
		f.Add(seed, "")
	}
	f.Add("", "AKID/20261121/eu-west-1/lambda/aws4_request")
	region, account := regexp.MustCompile(`^[a-z0-9-]{0,32}$`), regexp.MustCompile(`^([0-9]{12})?$`)
	f.Fuzz(func(t *testing.T, authorization, credential string) {
		r := httptest.NewRequest(http.MethodGet, "/?"+url.Values{"X-Amz-Credential": {credential}}.Encode(), nil)
		r.Header["Authorization"] = []string{authorization}
		if a, r := (scope.Defaults{}).OfRequest(r); !account.MatchString(a) || !region.MatchString(r) {
			t.Errorf("account %q, region %q", a, r)
		}
	})
}

func TestOfRequest_SignedRegion(t *testing.T) {
	const credential = "AKID/20261121/eu-west-1/lambda/aws4_request"
	for name, c := range map[string]struct{ authorization, query, want string }{
		"header":            {"AWS4-HMAC-SHA256 Credential=" + credential + ", SignedHeaders=host, Signature=00", "", "eu-west-1"},
		"header, no blanks": {"AWS4-HMAC-SHA256 Credential=" + credential + ",SignedHeaders=host,Signature=00", "", "eu-west-1"},
		"query":             {"", "?X-Amz-Credential=" + url.QueryEscape(credential), "eu-west-1"},
		"header wins":       {"AWS4-HMAC-SHA256 Credential=A/20261121/us-east-2/lambda/aws4_request,", "?X-Amz-Credential=" + url.QueryEscape(credential), "us-east-2"},
		"none":              {"", "", "default"},
		"another scheme":    {"Bearer x", "", "default"},
		"another scope":     {"Credential=AKID/20261121/eu-west-1/lambda/aws3_request", "", "default"},
		"hostile":           {"Credential=AKID/20261121/../lambda/aws4_request", "", "default"},
		"too long":          {"Credential=AKID/20261121/" + strings.Repeat("a", 33) + "/lambda/aws4_request", "", "default"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/"+c.query, nil)
		r.Header.Set("Authorization", c.authorization)
		if account, region := (scope.Defaults{Account: "000000000000", Region: "default"}).OfRequest(r); region != c.want || account != "000000000000" {
			t.Errorf("%s: %s, %q; want %q", name, account, region, c.want)
		}
	}
}

func TestOf_CheckedCaller_Wins(t *testing.T) {
	d := scope.Defaults{Account: "000000000000", Region: "us-east-1"}
	ctx := scope.WithCaller(t.Context(), scope.Caller{Account: "111111111111", Region: "eu-west-1"})
	if account, region := d.Of(ctx); account != "111111111111" || region != "eu-west-1" {
		t.Errorf("Of = %s, %s", account, region)
	}
	if account, region := d.Of(t.Context()); account != d.Account || region != d.Region {
		t.Errorf("Of without a caller = %s, %s", account, region)
	}
}

func TestOf_AccessKeysOfTwelveDigits_AreAccounts(t *testing.T) {
	for key, want := range map[string]string{
		"111122223333": "111122223333", "11112222333": "000000000000", "1111222233334": "000000000000", "AKIAIOSFODNN7EXAMPLE": "000000000000", "11112222333x": "000000000000",
	} {
		var account, region string
		router := api.NewRouter(api.Options{})
		api.Handle(router, api.GetAccountSettings, func(ctx context.Context, _ *api.GetAccountSettingsInput) (*api.GetAccountSettingsOutput, error) {
			account, region = scope.Defaults{Account: "000000000000", Region: "us-east-1"}.Of(ctx)
			return nil, nil
		})
		r := httptest.NewRequest(http.MethodGet, api.GetAccountSettings.Path(), nil)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/20261121/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=00")
		router.ServeHTTP(httptest.NewRecorder(), r)
		if account != want || region != "eu-west-1" {
			t.Errorf("%s: %s, %s", key, account, region)
		}
	}
}

func TestOfARN_TakesItApart(t *testing.T) {
	for arn, want := range map[string][3]string{
		"arn:aws:lambda:eu-west-1:111111111111:event-source-mapping:id": {"111111111111", "eu-west-1", "id"},
		"arn:aws:lambda:eu-west-1:111111111111:layer:l:1":               {"111111111111", "eu-west-1", "l:1"},
		"arn:aws:lambda:eu-west-1:111111111111:layer":                   {"", "", "arn:aws:lambda:eu-west-1:111111111111:layer"},
		"id": {"", "", "id"},
	} {
		account, region, id := scope.OfARN(arn)
		if got := [3]string{account, region, id}; got != want {
			t.Errorf("%s: %q, want %q", arn, got, want)
		}
	}
}

func TestIsRegionName_HasAWSsForm(t *testing.T) {
	for region, want := range map[string]bool{
		"us-east-1": true, "eu-west-3": true, "us-gov-east-1": true, "ap-southeast-12": true, "cn-north-1": true,
		"": false, "anything": false, "us-east": false, "us-east-x": false, "us--1": false, "us-east-1-2-3": false, "US-EAST-1": false,
		"us-east-123": false, "a/b-c-1": false, "eu2-west-1": false, "longer-west-1": false,
	} {
		if got := scope.IsRegionName(region); got != want {
			t.Errorf("%q: %v", region, got)
		}
	}
}
