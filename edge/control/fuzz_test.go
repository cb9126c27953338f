package control_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/control"
)

func FuzzCheckJSON(f *testing.F) {
	for _, seed := range []string{"", "{}", "{", "x", "\xff", `"\ud800"`, "01", "1e", "nul", "[1,]", "\u2028", "{\n\t\"a\": é}", "$_9", strings.Repeat("[", 10001)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		err := control.CheckJSON(payload)
		if json.Valid(payload) != (err == nil) {
			t.Fatalf("valid: %t, error: %v", json.Valid(payload), err)
		}
		if err == nil {
			return
		}
		if !errors.Is(err, hearth.ErrInvalidContent) || !strings.HasPrefix(err.Error(), "Could not parse request body into json: ") {
			t.Errorf("got %v", err)
		}
		if utf8.Valid(payload) && !utf8.ValidString(err.Error()) {
			t.Errorf("%q is not UTF-8", err)
		}
	})
}

func FuzzSignedRegion(f *testing.F) {
	for _, seed := range []string{
		"AWS4-HMAC-SHA256 Credential=AKID/20261121/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=00",
		"Credential=////", "Credential=a/b/../lambda/aws4_request", "Credential=a/b/c/d/e/f", "Credential=", "Basic x",
	} {
		f.Add(seed, "")
	}
	f.Add("", "AKID/20261121/eu-west-1/lambda/aws4_request")
	region := regexp.MustCompile(`^[a-z0-9-]{0,32}$`)
	f.Fuzz(func(t *testing.T, authorization, credential string) {
		r := httptest.NewRequest(http.MethodGet, "/?"+url.Values{"X-Amz-Credential": {credential}}.Encode(), nil)
		r.Header["Authorization"] = []string{authorization}
		if got := control.SignedRegion(r); !region.MatchString(got) {
			t.Errorf("got %q", got)
		}
	})
}

func TestSignedRegion_Forms(t *testing.T) {
	const scope = "AKID/20261121/eu-west-1/lambda/aws4_request"
	for name, c := range map[string]struct{ authorization, query, want string }{
		"header":            {"AWS4-HMAC-SHA256 Credential=" + scope + ", SignedHeaders=host, Signature=00", "", "eu-west-1"},
		"header, no blanks": {"AWS4-HMAC-SHA256 Credential=" + scope + ",SignedHeaders=host,Signature=00", "", "eu-west-1"},
		"query":             {"", "?X-Amz-Credential=" + url.QueryEscape(scope), "eu-west-1"},
		"header wins":       {"AWS4-HMAC-SHA256 Credential=A/20261121/us-east-2/lambda/aws4_request,", "?X-Amz-Credential=" + url.QueryEscape(scope), "us-east-2"},
		"none":              {"", "", ""},
		"another scheme":    {"Bearer x", "", ""},
		"another scope":     {"Credential=AKID/20261121/eu-west-1/lambda/aws3_request", "", ""},
		"hostile":           {"Credential=AKID/20261121/../lambda/aws4_request", "", ""},
		"too long":          {"Credential=AKID/20261121/" + strings.Repeat("a", 33) + "/lambda/aws4_request", "", ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "/"+c.query, nil)
		r.Header.Set("Authorization", c.authorization)
		if got := control.SignedRegion(r); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
