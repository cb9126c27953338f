package unserved_test

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hearthd/hearth/edge/unserved"
)

// lambda answers 204, and has the paths of one version of its API.
type lambda struct{}

func (lambda) ServeHTTP(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }
func (lambda) HasPath(r *http.Request) bool                     { return strings.HasPrefix(r.URL.Path, "/2015-03-31/") }

// ask sends a request that was signed for a service, or for none.
func ask(method, target, service string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader("Action=Any"))
	if service != "" {
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x/20261201/eu-west-1/"+service+"/aws4_request, SignedHeaders=host, Signature=00")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	unserved.Handler(lambda{}).ServeHTTP(w, r)
	return w
}

const form = "application/x-www-form-urlencoded; charset=utf-8"

func TestHandler_RequestsOfLambda_PassOn(t *testing.T) {
	for name, w := range map[string]*httptest.ResponseRecorder{
		"signed for lambda":         ask("GET", "/2015-03-31/functions", "lambda"),
		"signed, unknown path":      ask("GET", "/nothing", "lambda"),
		"unsigned":                  ask("GET", "/nothing", ""),
		"unsigned form of a path":   ask("POST", "/2015-03-31/functions/f/invocations", "", "Content-Type", form),
		"a path of lambda's for s3": ask("GET", "/2015-03-31/functions", "s3"), // it says what is wrong with the signature
		"a signature of no form":    ask("GET", "/nothing", "s3/s3"),
	} {
		if w.Code != http.StatusNoContent {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func wantRefused(t *testing.T, w *httptest.ResponseRecorder, contentType, code, text, variable string) {
	t.Helper()
	if w.Code != http.StatusNotImplemented || w.Header().Get("Content-Type") != contentType {
		t.Errorf("%d, %s, want 501 and %s: %s", w.Code, w.Header().Get("Content-Type"), contentType, w.Body)
	}
	if code != "NotImplementedException" || !strings.Contains(text, "AWS_ENDPOINT_URL_LAMBDA") || !strings.Contains(text, variable) {
		t.Errorf("code %q, message %q, want %s named", code, text, variable)
	}
}

func TestHandler_JSONProtocols(t *testing.T) {
	for _, test := range []struct{ service, target, contentType, variable string }{
		{"dynamodb", "DynamoDB_20120810.ListTables", "application/x-amz-json-1.1", "AWS_ENDPOINT_URL_DYNAMODB "},
		{"sqs", "AmazonSQS.ListQueues", "application/x-amz-json-1.1", "AWS_ENDPOINT_URL_SQS "},
		{"logs", "Logs_20140328.DescribeLogGroups", "application/x-amz-json-1.1", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS "},
		{"", "AWSSecurityTokenServiceV20110615.Any", "application/x-amz-json-1.1", "AWS_ENDPOINT_URL_SERVICE "},
		{"scheduler", "", "application/json", "AWS_ENDPOINT_URL_SCHEDULER "},
	} {
		var header []string
		if test.target != "" {
			header = []string{"X-Amz-Target", test.target}
		}
		w := ask("POST", "/", test.service, header...)
		var got struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Errorf("%s: %v: %s", test.service, err, w.Body)
		}
		if got.Type != w.Header().Get("X-Amzn-Errortype") {
			t.Errorf("%s: header %q, body %q", test.service, w.Header().Get("X-Amzn-Errortype"), got.Type)
		}
		wantRefused(t, w, test.contentType, got.Type, got.Message, test.variable)
	}
}

func TestHandler_XMLProtocols(t *testing.T) {
	type fault struct{ Code, Message string }
	for service, path := range map[string]string{"sns": "/", "ec2": "/", "s3": "/bucket/key"} {
		w := ask("POST", path, service, "Content-Type", map[bool]string{true: form, false: "text/plain"}[path == "/"])
		var query struct{ Error fault }
		var ec2 struct {
			Errors struct{ Error fault }
		}
		var s3 fault
		found := map[string]func() fault{
			"sns": func() fault { return query.Error }, "ec2": func() fault { return ec2.Errors.Error }, "s3": func() fault { return s3 },
		}
		into := map[string]any{"sns": &query, "ec2": &ec2, "s3": &s3}
		if err := xml.Unmarshal(w.Body.Bytes(), into[service]); err != nil {
			t.Errorf("%s: %v: %s", service, err, w.Body)
		}
		got := found[service]()
		wantRefused(t, w, "text/xml", got.Code, got.Message, "AWS_ENDPOINT_URL_"+strings.ToUpper(service)+" ")
	}
}

func TestHandler_CBOR(t *testing.T) {
	w := ask("POST", "/service/Granite/operation/ListMetrics", "monitoring", "Smithy-Protocol", "rpc-v2-cbor")
	body := w.Body.String()
	if !strings.HasPrefix(body, "\xa2\x79\x00\x06__type\x79\x00\x17NotImplementedException\x79\x00\x07message\x79") {
		t.Errorf("%q", body)
	}
	wantRefused(t, w, "application/cbor", "NotImplementedException", body, "AWS_ENDPOINT_URL_CLOUDWATCH ")
}

func TestHandler_Head_HasNoBody(t *testing.T) {
	if w := ask("HEAD", "/bucket", "s3"); w.Code != http.StatusNotImplemented || w.Body.Len() != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func FuzzHandler(f *testing.F) {
	f.Add("GET", "/", "s3", "", "")
	f.Add("POST", "/x", "x&y", "t", form)
	f.Fuzz(func(t *testing.T, method, path, service, target, contentType string) {
		r := httptest.NewRequest("POST", "/", nil)
		r.Method, r.URL.Path = method, path
		r.Header.Set("Authorization", "Credential=x/20261201/eu-west-1/"+service+"/aws4_request,")
		r.Header.Set("X-Amz-Target", target)
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		unserved.Handler(lambda{}).ServeHTTP(w, r)
		if w.Code != http.StatusNoContent && w.Code != http.StatusNotImplemented {
			t.Errorf("%d", w.Code)
		}
		if w.Code == http.StatusNotImplemented && w.Header().Get("Content-Type") == "text/xml" && w.Body.Len() > 0 {
			if err := xml.Unmarshal(w.Body.Bytes(), new(struct{ XMLName xml.Name })); err != nil {
				t.Errorf("%v: %s", err, w.Body)
			}
		}
	})
}
