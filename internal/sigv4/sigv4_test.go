package sigv4_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/hearthd/hearth/internal/sigv4"
)

const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

var awsCredentials = aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secret, SessionToken: "token/+="}

// shape is a request as a client makes it.
type shape struct {
	method, target, body string
	header               http.Header
}

func shapes() []shape {
	return []shape{
		{"GET", "/2015-03-31/functions", "", nil},
		{"GET", "/", "", nil},
		{"GET", "", "", nil},
		{"GET", "/2015-03-31/functions/", "", nil},
		{"GET", "/2015-03-31/functions?MaxItems=50&Marker=a%2Fb%20c&FunctionVersion=ALL", "", nil},
		{"GET", "/2015-03-31/functions?b=2&a=2&a=1&c=&d&%C3%A9=%E2%82%AC", "", nil},
		{"GET", "/2015-03-31/functions?q=%2B%7E%2A%3D%26", "", nil},
		{"GET", "/2018-10-31/layers?find=LayerVersion&Arn=arn%3Aaws%3Alambda%3Aus-east-1%3A111122223333%3Alayer%3Al%3A1", "", nil},
		{"POST", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A111122223333%3Afunction%3Af/invocations", `{"a":1}`, nil},
		{"POST", "/2015-03-31/functions/arn:aws:lambda:us-east-1:111122223333:function:f:$LATEST/invocations?Qualifier=%24LATEST", `{"a":1}`, nil},
		{"POST", "/2015-03-31/functions/f%2Fg%20h%25/invocations", "null", nil},
		{"DELETE", "/2017-03-31/tags/arn%3Aaws?tagKeys=a&tagKeys=b%20c", "", nil},
		{"PUT", "/2015-03-31/functions/f/code", strings.Repeat("x", 100_000), http.Header{"Content-Type": {"application/json"}}},
		{"POST", "/2015-03-31/functions/f/invocations", "{}", http.Header{
			"X-Amz-Invocation-Type": {"RequestResponse"}, "X-Amz-Client-Context": {"  two   spaces  "}, "X-Custom": {"a", " b  c "},
			"X-Amzn-Trace-Id": {"Root=1-5759e988-bd862e3fe1be46a994272793"}, "User-Agent": {"aws-sdk"},
		}},
	}
}

// record starts a server that hands requests, with their bodies, to check.
func record(t *testing.T, check func(r *http.Request, body []byte)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		check(r, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func request(t *testing.T, url string, s shape) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), s.method, url+s.target, strings.NewReader(s.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range s.header {
		r.Header[name] = values
	}
	return r
}

func send(t *testing.T, r *http.Request) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// signedWith says whether a request's signature is that of a secret.
func signedWith(r *http.Request, body []byte, secret string) bool {
	s, err := sigv4.Parse(r)
	if err != nil {
		return false
	}
	hash, ok := s.PayloadHash(sigv4.HashBody(body))
	return ok && s.Matches(r, secret, hash)
}

func TestMatches_RequestsThatAWSsSignerSigned(t *testing.T) {
	for _, s := range shapes() {
		checked := false
		url := record(t, func(r *http.Request, body []byte) {
			checked = true
			if !signedWith(r, body, secret) {
				t.Errorf("%s %s: the signature does not match", s.method, s.target)
			}
			if signedWith(r, body, secret+"x") {
				t.Errorf("%s %s: any secret matches", s.method, s.target)
			}
			if signedWith(r, append(body, ' '), secret) {
				t.Errorf("%s %s: any body matches", s.method, s.target)
			}
		})
		r := request(t, url, s)
		if err := v4.NewSigner().SignHTTP(t.Context(), awsCredentials, r, sigv4.HashBody([]byte(s.body)), "lambda", "eu-west-1", time.Now()); err != nil {
			t.Fatal(err)
		}
		if send(t, r); !checked {
			t.Errorf("%s %s: not checked", s.method, s.target)
		}
	}
}

func TestMatches_URLsThatAWSsSignerPresigned(t *testing.T) {
	for _, s := range shapes() {
		checked := false
		url := record(t, func(r *http.Request, body []byte) {
			parsed, err := sigv4.Parse(r)
			if err != nil {
				t.Fatalf("%s %s: %v", s.method, s.target, err)
			}
			if !parsed.Presigned || parsed.Token != awsCredentials.SessionToken || parsed.Scope.Region != "eu-west-1" {
				t.Errorf("%s %s: %+v", s.method, s.target, parsed)
			}
			checked = signedWith(r, body, secret)
		})
		r := request(t, url, s)
		presigned, header, err := v4.NewSigner().PresignHTTP(t.Context(), awsCredentials, r, sigv4.HashBody([]byte(s.body)), "lambda", "eu-west-1", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		plain, err := http.NewRequestWithContext(t.Context(), s.method, presigned, strings.NewReader(s.body))
		if err != nil {
			t.Fatal(err)
		}
		plain.Header = header
		if send(t, plain); !checked {
			t.Errorf("%s %s: the signature does not match", s.method, s.target)
		}
	}
}

func TestSign_IsWhatParseReads(t *testing.T) {
	for _, s := range shapes() {
		checked := false
		url := record(t, func(r *http.Request, body []byte) { checked = signedWith(r, body, secret) })
		r := request(t, url, s)
		sigv4.Sign(r, sigv4.Credentials{AccessKeyID: "AKID", SecretAccessKey: secret}, "us-east-1", "lambda", []byte(s.body), time.Now())
		if send(t, r); !checked {
			t.Errorf("%s %s: the signature does not match", s.method, s.target)
		}
	}
}

// signed is a request that the client's own signer has signed.
func signed(t *testing.T, change func(*http.Request)) *http.Request {
	t.Helper()
	r := httptest.NewRequest("POST", "http://127.0.0.1/2015-03-31/functions/f/invocations?Qualifier=live", strings.NewReader("{}"))
	r.Header.Set("X-Amz-Invocation-Type", "DryRun")
	sigv4.Sign(r, sigv4.Credentials{AccessKeyID: "AKID", SecretAccessKey: secret}, "us-east-1", "lambda", []byte("{}"), time.Now())
	if !signedWith(r, []byte("{}"), secret) {
		t.Fatal("the request does not match before it is changed")
	}
	change(r)
	return r
}

func TestMatches_ChangedRequests_DoNot(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"method":        func(r *http.Request) { r.Method = "PUT" },
		"host":          func(r *http.Request) { r.Host = "127.0.0.2" },
		"path":          func(r *http.Request) { r.URL.Path = "/2015-03-31/functions/g/invocations" },
		"query":         func(r *http.Request) { r.URL.RawQuery = "Qualifier=dead" },
		"more query":    func(r *http.Request) { r.URL.RawQuery += "&a=b" },
		"broken query":  func(r *http.Request) { r.URL.RawQuery += "&a=%zz" },
		"header":        func(r *http.Request) { r.Header.Set("X-Amz-Invocation-Type", "Event") },
		"second header": func(r *http.Request) { r.Header.Add("X-Amz-Invocation-Type", "Event") },
		"added header":  func(r *http.Request) { r.Header.Set("X-Amz-Log-Type", "Tail") },
		"date":          func(r *http.Request) { r.Header.Set("X-Amz-Date", "20200101T000000Z") },
		"key id": func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "us-east-1", "us-east-2", 1))
		},
		"signature": func(r *http.Request) { r.Header.Set("Authorization", r.Header.Get("Authorization")+"00") },
	} {
		if signedWith(signed(t, change), []byte("{}"), secret) {
			t.Errorf("%s: still matches", name)
		}
	}
}

func TestMatches_PathsThatSDKsTidy(t *testing.T) {
	tidy := signed(t, func(*http.Request) {})
	wild := tidy.Clone(context.Background())
	wild.URL.Path = "//2015-03-31/./functions/x/../f//invocations"
	if !signedWith(wild, []byte("{}"), secret) {
		t.Error("the tidy form of the path does not match")
	}
}

func TestPayloadHash_WhatTheClientSays(t *testing.T) {
	for said, want := range map[string]bool{
		"UNSIGNED-PAYLOAD": true, sigv4.HashBody([]byte("{}")): true, sigv4.HashBody([]byte("x")): false,
		"STREAMING-AWS4-HMAC-SHA256-PAYLOAD": false, "STREAMING-UNSIGNED-PAYLOAD-TRAILER": false,
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader("{}"))
		r.Header.Set("X-Amz-Content-Sha256", said)
		if err := v4.NewSigner().SignHTTP(t.Context(), awsCredentials, r, said, "lambda", "us-east-1", time.Now()); err != nil {
			t.Fatal(err)
		}
		if got := signedWith(r, []byte("{}"), secret); got != want {
			t.Errorf("%s: matches %t, want %t", said, got, want)
		}
	}
}

func TestParse_Malformed(t *testing.T) {
	const scope = "Credential=AKID/20260101/us-east-1/lambda/aws4_request"
	for authorization, want := range map[string]string{
		"AWS4-HMAC-SHA256":  "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter.",
		"Bearer abc":        "Unsupported AWS 'algorithm': 'Bearer'.",
		"AWS4-HMAC-SHA2567": "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA2567'.",
		"AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/aws4_request, SignedHeaders=host;x-amz-date, Signature=00": "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKID/20260101/us-east-1/aws4_request'",
		"AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/lambda/aws5, SignedHeaders=host;x-amz-date, Signature=00":  "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5'.",
		"AWS4-HMAC-SHA256 " + scope + ", SignedHeaders=x-amz-date, Signature=00":                                        "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
		"AWS4-HMAC-SHA256 " + scope + ", SignedHeaders=host, Signature=00":                                              "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization.",
		"AWS4-HMAC-SHA256 " + scope + ", SignedHeaders=host;x-amz-date, Signature=xy":                                   "The signature is not hexadecimal.",
		"AWS4-HMAC-SHA256 " + scope + ", SignedHeaders=" + strings.Repeat("a;", 200) + "host, Signature=00":             "Too many headers are signed.",
		strings.Repeat("A", 20_000): "The signature or the query is too long.",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", "20260101T000000Z")
		_, err := sigv4.Parse(r)
		if form, ok := errors.AsType[*sigv4.FormError](err); !ok || form.Message != want {
			t.Errorf("%.80s: %v\nwant %s", authorization, err, want)
		}
	}
}

func TestParse_Unsigned(t *testing.T) {
	if _, err := sigv4.Parse(httptest.NewRequest("GET", "/?Signature=x", nil)); !errors.Is(err, sigv4.ErrUnsigned) {
		t.Errorf("error %v", err)
	}
}

func TestParse_TwoSignatures_AreRefused(t *testing.T) {
	r := signed(t, func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Signature=00" })
	if _, err := sigv4.Parse(r); !errors.As(err, new(*sigv4.FormError)) {
		t.Errorf("error %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=00ff", "", "/a//../b")
	f.Add("", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20260101%2Fus-east-1%2Flambda%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00", "/")
	f.Add("AWS4-HMAC-SHA256 Credential=////,SignedHeaders=;;,Signature=", "a=%zz&&=", "")
	f.Fuzz(func(t *testing.T, authorization, query, path string) {
		r := httptest.NewRequest("POST", "/", bytes.NewReader(nil))
		r.URL.Path, r.URL.RawQuery = path, query
		r.Header.Set("X-Amz-Date", "20260101T000000Z")
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		s, err := sigv4.Parse(r)
		if err != nil {
			return
		}
		if s.AccessKeyID == "" || s.Time.IsZero() && s.Presigned && s.Expires < 0 {
			t.Errorf("read %+v of %q", s, authorization)
		}
		if s.Matches(r, "a secret that nobody knows", sigv4.HashBody(nil)) {
			t.Error("a signature of nobody matches")
		}
	})
}
