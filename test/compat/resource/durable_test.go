package resource_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestDurable_EveryOperation_ValidatesAndThenSays501(t *testing.T) {
	serve(t, func(f *fixture) {
		const execution = "/2025-12-01/durable-executions/arn:aws:lambda:us-east-1:000000000000:function:f:1%2Fdurable-execution%2Fname%2F4f0c1a9e-7f54-3c1b-8f4d-3a4c2a8d1e11"
		const callback = "/2025-12-01/durable-execution-callbacks/" + "QUJDREVGR0g="
		answered := 0
		for _, r := range []struct{ method, target, good, bad string }{
			{http.MethodPost, execution + "/checkpoint", `{"CheckpointToken":"dG9rZW4="}`, `{}`},
			{http.MethodGet, execution, "", ""},
			{http.MethodGet, execution + "/history", "", "?MaxItems=5000"},
			{http.MethodGet, execution + "/state?CheckpointToken=dG9rZW4=", "", "&MaxItems=5000"},
			{http.MethodPost, execution + "/stop", `{}`, `{"ErrorMessage":1}`},
			{http.MethodGet, "/2025-12-01/functions/f/durable-executions", "", "?MaxItems=5000"},
			{http.MethodPost, callback + "/succeed", `{}`, ""},
			{http.MethodPost, callback + "/fail", `{}`, `{"ErrorMessage":1}`},
			{http.MethodPost, callback + "/heartbeat", "", ""},
		} {
			status, body := f.send(r.method, r.target, r.good)
			if status != http.StatusNotImplemented || !strings.Contains(body, "no durable executions") {
				f.Errorf("%s %s: %d %s", r.method, r.target, status, body)
			}
			answered++
			if r.bad == "" {
				continue
			}
			if target, isQuery := r.target+r.bad, !strings.HasPrefix(r.bad, "{"); isQuery {
				status, body = f.send(r.method, target, r.good)
			} else {
				status, body = f.send(r.method, r.target, r.bad)
			}
			if status != http.StatusBadRequest {
				f.Errorf("%s %s, broken: %d %s", r.method, r.target, status, body)
			}
		}
		want := len(slices.DeleteFunc(f.router.Operations(), func(op string) bool { return !strings.Contains(op, "Durable") }))
		if answered != want {
			f.Errorf("%d operations sent, the model has %d", answered, want)
		}
	})
}

func (f *fixture) send(method, target, body string) (int, string) {
	w := httptest.NewRecorder()
	f.router.ServeHTTP(w, httptest.NewRequestWithContext(f.Context(), method, target, strings.NewReader(body)))
	return w.Code, w.Body.String()
}
