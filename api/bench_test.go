package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hearthd/hearth/api"
)

// discard is a ResponseWriter that costs nothing.
type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkRouter_Invoke is what the API adds to an invocation.
func BenchmarkRouter_Invoke(b *testing.B) {
	r := api.NewRouter(api.Options{})
	api.Handle(r, api.Invoke, func(_ context.Context, in *api.InvokeInput) (*api.InvokeOutput, error) {
		return &api.InvokeOutput{ExecutedVersion: api.Ptr("$LATEST"), Payload: in.Payload}, nil
	})
	const event = `{"key1":"value1","key2":"value2"}`
	body := strings.NewReader(event)
	req := httptest.NewRequest("POST", invocations, body)
	req.Header.Set("X-Amz-Invocation-Type", "RequestResponse")
	w := discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(event)
		clear(w.h)
		r.ServeHTTP(w, req)
	}
}
