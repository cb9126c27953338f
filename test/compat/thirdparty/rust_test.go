package thirdparty_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthd/hearth/test/compat/cache"
	"github.com/hearthd/hearth/test/compat/fetch"
)

// adapter is the crate of AWS's Lambda Web Adapter.
const adapter = "lambda_web_adapter@1.0.0-rc1"

// The adapter is an extension, and asks for the function's events itself. The
// process that the platform starts as the runtime is a web application, which
// never does.
func TestWebAdapter(t *testing.T) {
	t.Parallel()
	toolchains.Require(t, fetch.Installed("cargo", "cc"))
	key := []string{adapter, fetch.Run(t, ".", nil, "cargo", "--version")}
	built := fetch.Cached(t, "thirdparty-adapter", key, func(dir string) {
		root, err := cache.Root()
		if err != nil {
			t.Fatal(err)
		}
		// Not optimised: it is built in half the time.
		fetch.Run(t, ".", []string{"CARGO_TARGET_DIR=" + filepath.Join(root, "rust-target"), "CARGO_PROFILE_DEV_DEBUG=0"},
			"cargo", "install", "--quiet", "--locked", "--debug", "--no-track", "--root", dir, adapter)
	})
	code := packed(t, filepath.Join(programs, "web"), "bootstrap")
	layer := packed(t, filepath.Join(built, "bin", "lambda-adapter"), "extensions/lambda-adapter")
	start := func(t *testing.T, env map[string]string) function {
		return deploy(t, settings{runtime: "provided.al2023", handler: "web", code: code, layers: [][]byte{layer}, env: env})
	}
	t.Run("Buffered", func(t *testing.T) { t.Parallel(); servesHTTP(t, start(t, nil)) })
	t.Run("Streamed", func(t *testing.T) {
		t.Parallel()
		streamsHTTP(t, start(t, map[string]string{"AWS_LWA_INVOKE_MODE": "response_stream"}))
	})
}

// httpEvent is what a function URL sends for a POST request.
func httpEvent(path string) string {
	const event = `{"version":"2.0","routeKey":"$default","rawPath":"PATH","rawQueryString":"q=a%20b","queryStringParameters":{"q":"a b"},` +
		`"headers":{"content-type":"application/json","host":"shop.example"},"body":"{\"n\":1}","isBase64Encoded":false,` +
		`"requestContext":{"accountId":"anonymous","apiId":"a","stage":"$default","domainName":"shop.example","domainPrefix":"a","requestId":"r",` +
		`"routeKey":"$default","time":"12/Mar/2020:19:03:58 +0000","timeEpoch":1583348638390,` +
		`"http":{"method":"POST","path":"PATH","protocol":"HTTP/1.1","sourceIp":"192.0.2.1","userAgent":"test"}}}`
	return strings.ReplaceAll(event, "PATH", path)
}

func servesHTTP(t *testing.T, fn function) {
	create := func() {
		t.Helper()
		got := fn.invoke(t, httpEvent("/items/7"))
		var response struct {
			StatusCode int
			Body       string
		}
		if err := json.Unmarshal([]byte(got.payload), &response); err != nil {
			t.Fatalf("%v: %s; the log:\n%s", err, got.payload, got.log)
		}
		if want := `{"body":{"n":1},"context":true,"id":"7","q":"a b"}`; response.StatusCode != 201 || strings.TrimSpace(response.Body) != want {
			t.Errorf("the answer is %d %s, want 201 %s", response.StatusCode, response.Body, want)
		}
	}
	create()
	fn.awaitLine(t, "EXTENSION\tName: lambda-adapter\tState: Ready\tEvents: []")
	fn.awaitLine(t, "creates 7")
	fn.fail(t, httpEvent("/exit"), "") // by the end of the process or by what the adapter says of it
	create()                           // in processes that are new
}

func streamsHTTP(t *testing.T, fn function) {
	out, err := client.InvokeWithResponseStream(t.Context(), &lambda.InvokeWithResponseStreamInput{
		FunctionName: &fn.name, Payload: []byte(httpEvent("/stream")),
	})
	if err != nil {
		t.Fatal(err)
	}
	stream := out.GetStream()
	defer stream.Close()
	var received []byte
	for event := range stream.Events() {
		if chunk, ok := event.(*types.InvokeWithResponseStreamResponseEventMemberPayloadChunk); ok {
			received = append(received, chunk.Value.Payload...)
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	head, body, _ := bytes.Cut(received, make([]byte, 8))
	var prelude struct {
		StatusCode int
		Headers    map[string]string
		Cookies    []string
	}
	if err := json.Unmarshal(head, &prelude); err != nil {
		t.Fatalf("%v: %q", err, received)
	}
	if prelude.StatusCode != 200 || prelude.Headers["content-type"] != "text/event-stream" || len(prelude.Cookies) != 1 || prelude.Cookies[0] != "a=b" {
		t.Errorf("the prelude is %s", head)
	}
	if want := "data: 0\n\ndata: 1\n\ndata: 2\n\n"; string(body) != want {
		t.Errorf("the body is %q, want %q", body, want)
	}
}
