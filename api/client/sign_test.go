package client_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/hearthd/hearth/api/client"
	"github.com/hearthd/hearth/internal/sigv4"
)

func TestSignWith_SignsEveryRequest(t *testing.T) {
	good := 0
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s, err := sigv4.Parse(r)
		if err != nil || s.AccessKeyID != "AKIA" || s.Token != "token" || s.Scope.Region != "eu-west-1" || s.Scope.Service != "lambda" {
			t.Errorf("%s: signature %+v, %v", r.URL, s, err)
			return
		}
		if hash, ok := s.PayloadHash(sigv4.HashBody(body)); ok && s.Matches(r, "secret", hash) {
			good++
		}
	}))
	t.Cleanup(server.Close)
	c, err := client.New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.SignWith(sigv4.Credentials{AccessKeyID: "AKIA", SecretAccessKey: "secret", SessionToken: "token"}, "eu-west-1")
	name := "arn:aws:lambda:eu-west-1:111122223333:function:f"
	if _, err := c.Invoke(t.Context(), client.InvokeInput{FunctionName: name, Qualifier: "live", Payload: []byte(`{"a":1}`)}); err != nil {
		t.Error(err)
	}
	for _, err := range c.Logs(t.Context(), client.LogsInput{FunctionName: name}) {
		if err != nil {
			t.Error(err)
		}
	}
	if err := c.DeleteFunction(t.Context(), name); err != nil {
		t.Error(err)
	}
	if good != 3 {
		t.Errorf("%d of 3 signatures match", good)
	}
}
