package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/api/client"
	"github.com/hearthd/hearth/internal/functionfile"
)

// call is a request as the fake daemon saw it.
type call struct {
	Method, URI, Body string
}

// daemon starts a fake daemon that gives the answers in order, and returns a
// client of it and the calls that it got.
func daemon(t *testing.T, answers ...http.HandlerFunc) (*client.Client, *[]call) {
	t.Helper()
	var calls []call
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		calls = append(calls, call{r.Method, r.RequestURI, string(body)})
		if len(answers) == 0 {
			t.Errorf("unexpected call: %s %s", r.Method, r.RequestURI)
			http.Error(w, "unexpected", http.StatusTeapot)
			return
		}
		answer := answers[0]
		answers = answers[1:]
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	c, err := client.New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, &calls
}

// answer returns a handler that sends a status, headers given as "Name: value",
// and a body.
func answer(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestNew_BadEndpoint(t *testing.T) {
	for _, endpoint := range []string{"", "127.0.0.1:4566", "localhost", "ftp://h", "http://"} {
		if _, err := client.New(endpoint); err == nil {
			t.Errorf("endpoint %q was accepted", endpoint)
		}
	}
}

func TestClient_NothingListens(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close() // its port is free now
	c, err := client.New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Health(t.Context())
	unreachable, ok := errors.AsType[*client.UnreachableError](err)
	if !ok {
		t.Fatalf("error = %v, want an UnreachableError", err)
	}
	if want := "no hearth daemon at " + server.URL + "; start one with: hearth serve"; unreachable.Error() != want {
		t.Errorf("message = %q, want %q", unreachable.Error(), want)
	}
}

func TestClient_ErrorAnswers(t *testing.T) {
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   client.Error
	}{
		{"Message", answer(404, `{"Message":"Function not found","Type":"User"}`, "X-Amzn-ErrorType: ResourceNotFoundException"),
			client.Error{Code: "ResourceNotFoundException", Message: "Function not found", StatusCode: 404}},
		{"message", answer(429, `{"Reason":"x","Type":"User","message":"Rate Exceeded."}`, "X-Amzn-ErrorType: TooManyRequestsException"),
			client.Error{Code: "TooManyRequestsException", Message: "Rate Exceeded.", StatusCode: 429}},
		{"not JSON", answer(502, `<html>`), client.Error{Code: "502 Bad Gateway", StatusCode: 502}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, _ := daemon(t, test.answer)
			_, err := c.GetFunction(t.Context(), "f")
			got, ok := errors.AsType[*client.Error](err)
			if !ok {
				t.Fatalf("error = %v, want a client.Error", err)
			}
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestListFunctions_Pages(t *testing.T) {
	c, calls := daemon(t,
		answer(200, `{"Functions":[{"FunctionName":"a"}],"NextMarker":"m&1"}`),
		answer(200, `{"Functions":[{"FunctionName":"b"}]}`))
	functions, err := c.ListFunctions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(functions) != 2 || functions[0].FunctionName != "a" || functions[1].FunctionName != "b" {
		t.Errorf("functions = %+v, want a and b", functions)
	}
	want := []call{
		{"GET", "/2015-03-31/functions", ""},
		{"GET", "/2015-03-31/functions?Marker=m%261", ""},
	}
	if diff := cmp.Diff(want, *calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestCreateFunction_Request(t *testing.T) {
	c, calls := daemon(t, answer(201, `{}`))
	file := functionfile.File{FunctionName: "f", Role: "r", Settings: functionfile.Settings{Runtime: "python3.13", Timeout: 3}}
	if err := c.CreateFunction(t.Context(), file, []byte("zip")); err != nil {
		t.Fatal(err)
	}
	want := []call{{"POST", "/2015-03-31/functions",
		`{"FunctionName":"f","Role":"r","Runtime":"python3.13","Timeout":3,"Code":{"ZipFile":"emlw"}}`}}
	if diff := cmp.Diff(want, *calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestUpdateFunction_Requests(t *testing.T) {
	c, calls := daemon(t, answer(200, `{}`), answer(200, `{}`), answer(204, ``))
	ctx := t.Context()
	if err := c.UpdateFunctionCode(ctx, "f", []byte("zip"), []string{"arm64"}); err != nil {
		t.Error(err)
	}
	if err := c.UpdateFunctionConfiguration(ctx, "f", "", functionfile.Settings{MemorySize: 256}); err != nil {
		t.Error(err)
	}
	if err := c.DeleteFunction(ctx, "arn:aws:lambda:us-east-1:000000000000:function:f/x"); err != nil {
		t.Error(err)
	}
	want := []call{
		{"PUT", "/2015-03-31/functions/f/code", `{"ZipFile":"emlw","Architectures":["arm64"]}`},
		{"PUT", "/2015-03-31/functions/f/configuration", `{"MemorySize":256}`},
		{"DELETE", "/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f%2Fx", ""},
	}
	if diff := cmp.Diff(want, *calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestSettle_WaitsForStateAndUpdate(t *testing.T) {
	c, calls := daemon(t,
		answer(200, `{"State":"Pending"}`),
		answer(200, `{"State":"Active","LastUpdateStatus":"InProgress"}`),
		answer(200, `{"State":"Active","LastUpdateStatus":"Successful"}`))
	if _, err := c.Settle(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	if len(*calls) != 3 {
		t.Errorf("%d calls, want 3", len(*calls))
	}
}

func TestSettle_Failures(t *testing.T) {
	for _, body := range []string{
		`{"State":"Failed","StateReason":"why"}`,
		`{"State":"Active","LastUpdateStatus":"Failed","LastUpdateStatusReason":"why"}`,
	} {
		c, _ := daemon(t, answer(200, body))
		if _, err := c.Settle(t.Context(), "f"); err == nil || !strings.HasSuffix(err.Error(), ": why") {
			t.Errorf("answer %s: error = %v, want one that ends in the reason", body, err)
		}
	}
}

func TestInvoke_RequestAndResponse(t *testing.T) {
	var header http.Header
	c, calls := daemon(t, func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		answer(200, `"pong"`, "X-Amz-Executed-Version: 3", "X-Amz-Function-Error: Unhandled",
			"X-Amzn-RequestId: id", "X-Amz-Log-Result: bG9n")(w, r)
	})
	got, err := c.Invoke(t.Context(), client.InvokeInput{
		FunctionName: "f", Qualifier: "live", InvocationType: client.RequestResponse,
		Payload: []byte(`"ping"`), ClientContext: []byte(`{}`), Tail: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := client.InvokeOutput{StatusCode: 200, ExecutedVersion: "3", FunctionError: "Unhandled",
		RequestID: "id", LogTail: []byte("log"), Payload: []byte(`"pong"`)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]call{{"POST", "/2015-03-31/functions/f/invocations?Qualifier=live", `"ping"`}}, *calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{"X-Amz-Invocation-Type": "RequestResponse", "X-Amz-Log-Type": "Tail", "X-Amz-Client-Context": "e30="} {
		if got := header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func TestLogs_Lines(t *testing.T) {
	c, calls := daemon(t, answer(200,
		`{"time":"2026-11-21T10:00:00Z","stream":"s","message":"one"}`+"\n"+`{"time":"2026-11-21T10:00:01Z","stream":"s","message":"two"}`+"\n"))
	var messages []string
	since := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	for line, err := range c.Logs(t.Context(), client.LogsInput{FunctionName: "f", Follow: true, Since: since}) {
		if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, line.Message)
	}
	if diff := cmp.Diff([]string{"one", "two"}, messages); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if got, want := (*calls)[0].URI, "/_hearth/logs?follow=1&function=f&since=2026-11-21T09%3A00%3A00Z"; got != want {
		t.Errorf("URI = %s, want %s", got, want)
	}
}

func TestLogs_CutOff(t *testing.T) {
	c, _ := daemon(t, answer(200, `{"message":"one"}`+"\n"+`{"mess`))
	var last error
	for _, err := range c.Logs(t.Context(), client.LogsInput{FunctionName: "f"}) {
		last = err
	}
	if last == nil {
		t.Error("a stream that was cut off ended without an error")
	}
}
