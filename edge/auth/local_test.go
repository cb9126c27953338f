package auth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/edge/auth"
)

// status is how Local answers a request for a host.
func status(method, host string, headers map[string]string) int {
	r := httptest.NewRequest(method, "/2015-03-31/functions/f/invocations", nil)
	r.Host = host
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	auth.Local(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })).ServeHTTP(w, r)
	return w.Code
}

func TestLocal_PlainClientsPass(t *testing.T) {
	for _, host := range []string{
		"127.0.0.1:4566", "127.0.0.1", "localhost:4566", "LocalHost", "localhost.:4566", "[::1]:4566", "[::1]",
		"192.168.1.7:4566", "lambda.localhost:4566", "abc.lambda-url.us-east-1.localhost",
	} {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
			if got := status(method, host, nil); got != http.StatusTeapot {
				t.Errorf("%s %s: %d", method, host, got)
			}
		}
	}
}

func TestLocal_NamesThatMayBePointedHereAreRefused(t *testing.T) {
	for _, host := range []string{
		"evil.example", "evil.example:4566", "localhost.evil.example", "127.0.0.1.evil.example", "notlocalhost", "", ":4566", "[::1].evil.example",
	} {
		for _, method := range []string{"GET", "POST"} {
			if got := status(method, host, nil); got != http.StatusForbidden {
				t.Errorf("%s %q: %d", method, host, got)
			}
		}
	}
}

func TestLocal_PagesOfOtherOriginsAreRefused(t *testing.T) {
	for name, headers := range map[string]map[string]string{
		"fetch metadata, cross-site": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
		"fetch metadata, same-site":  {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:8080"},
		"old browser":                {"Origin": "https://evil.example"},
		"another port":               {"Origin": "http://127.0.0.1:8080"},
		"opaque origin":              {"Origin": "null"},
	} {
		for _, method := range []string{"POST", "PUT", "DELETE"} {
			if got := status(method, "127.0.0.1:4566", headers); got != http.StatusForbidden {
				t.Errorf("%s, %s: %d", name, method, got)
			}
		}
	}
}

func TestLocal_PagesOfItsOwnOriginPass(t *testing.T) {
	for name, headers := range map[string]map[string]string{
		"fetch metadata": {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:4566"},
		"typed by hand":  {"Sec-Fetch-Site": "none"},
		"old browser":    {"Origin": "http://127.0.0.1:4566"},
	} {
		if got := status("POST", "127.0.0.1:4566", headers); got != http.StatusTeapot {
			t.Errorf("%s: %d", name, got)
		}
	}
}

func TestLocal_RefusalIsALambdaError(t *testing.T) {
	r := httptest.NewRequest("GET", "/2015-03-31/functions", nil)
	r.Host = `evil"<host>`
	w := httptest.NewRecorder()
	auth.Local(http.NotFoundHandler()).ServeHTTP(w, r)
	if got := w.Header().Get("X-Amzn-Errortype"); got != "AccessDeniedException" {
		t.Errorf("code %q", got)
	}
	const want = `{"message":"The host name evil\"\u003chost\u003e is not local. Use 127.0.0.1 or localhost."}`
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
