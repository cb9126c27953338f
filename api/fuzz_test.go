package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/hearthd/hearth/api"
)

// answered serves a request made of arbitrary parts and checks what holds for
// every answer.
func answered(t *testing.T, r http.Handler, method string, u *url.URL, header, body string) {
	t.Helper()
	req := httptest.NewRequest("POST", "/", strings.NewReader(body))
	req.Method, req.URL = method, u
	req.Header.Set("X-Amz-Invocation-Type", header)
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	if w.Header().Get("X-Amzn-RequestId") == "" {
		t.Errorf("no request id")
	}
	switch {
	case w.Code >= 500:
		t.Errorf("%s %s %q: %d %s", method, u, body, w.Code, w.Body)
	case w.Code >= 400:
		if !json.Valid(w.Body.Bytes()) || w.Header().Get("X-Amzn-ErrorType") == "" {
			t.Errorf("%s %s %q: %d %s", method, u, body, w.Code, w.Body)
		}
	}
}

func FuzzRouter_Path(f *testing.F) {
	for _, path := range []string{
		"/2015-03-31/functions/f", "/2015-03-31/functions/" + functionARN + "/code", "/2017-03-31/tags/arn%3Aaws%2F?tagKeys=a&tagKeys=b",
		"/2018-10-31/layers/l/versions/1/policy/s", "/2018-10-31/layers?find=LayerVersion", "/2025-12-01/durable-executions/arn:a/b/c/state",
		"//", "/%zz", "/2015-03-31/functions/%2e%2e%2f", "/2019-09-30/functions/f/provisioned-concurrency?List=ALL",
	} {
		f.Add("GET", path)
	}
	r := newRouter()
	f.Fuzz(func(t *testing.T, method, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		answered(t, r, method, u, "", "{}")
	})
}

func FuzzRouter_Body(f *testing.F) {
	for _, body := range []string{
		`{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"ZipFile":"UEsDBA=="}}`,
		`{"Layers":[null],"Environment":{"Variables":{"A":"b"}},"FileSystemConfigs":[{}]}`,
		`{"StartingPositionTimestamp":1e300,"SelfManagedEventSource":{"Endpoints":{"KAFKA_BOOTSTRAP_SERVERS":["b:1"]}}}`,
		`{"StartingPositionTimestamp":"2026-01-01T00:00:00Z","Filters":null,"RoutingConfig":{"AdditionalVersionWeights":{"1":0.5}}}`,
		`[`, `null`, `"`, `{"Timeout":1e999}`,
	} {
		for target := range strings.FieldsSeq("/2015-03-31/functions /2015-03-31/event-source-mappings /2015-03-31/functions/f/aliases /2018-10-31/layers/l/versions " + invocations) {
			f.Add(target, "RequestResponse", body)
		}
	}
	r := newRouter()
	f.Fuzz(func(t *testing.T, target, header, body string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		answered(t, r, "POST", u, header, body)
	})
}

func FuzzParseFunctionRef(f *testing.F) {
	for _, s := range []string{"f", "f:1", functionARN, functionARN + ":$LATEST", "123456789012:function:f:live", "us-east-1:x", "function:function", "arn::lambda:f", "é:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := api.ParseFunctionRef(s)
		if err != nil {
			return
		}
		if ref.Name == "" || !strings.Contains(s, ref.Name) {
			t.Fatalf("%q: %+v", s, ref)
		}
		// The full form of what was read reads the same.
		full := "arn:" + ref.Partition + ":lambda:"
		for _, part := range []string{ref.Region, ref.Account} {
			if part == "" {
				return
			}
			full += part + ":"
		}
		full += "function:" + ref.Name
		if ref.Qualifier != "" {
			full += ":" + ref.Qualifier
		}
		if again, err := api.ParseFunctionRef(full); err != nil || again != ref {
			t.Fatalf("%q: %+v, as %q: %+v, %v", s, ref, full, again, err)
		}
	})
}
