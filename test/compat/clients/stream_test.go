package clients_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// streamed is a streamed answer, read to its end.
type streamed struct {
	payload   string
	errorCode string
	gap       time.Duration // between the first and the last chunk
}

func (f function) stream(t *testing.T, event string) streamed {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := f.d.client.InvokeWithResponseStream(ctx, &lambda.InvokeWithResponseStreamInput{FunctionName: &f.name, Payload: []byte(event)})
	if err != nil {
		t.Fatalf("stream %s with %.100s: %v", f.name, event, err)
	}
	defer out.GetStream().Close()
	var got streamed
	var first time.Time
	complete := false
	for e := range out.GetStream().Events() {
		switch e := e.(type) {
		case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
			if first.IsZero() {
				first = time.Now()
			}
			got.gap = time.Since(first)
			got.payload += string(e.Value.Payload)
		case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
			complete, got.errorCode = true, aws.ToString(e.Value.ErrorCode)
		}
	}
	if err := out.GetStream().Err(); err != nil || !complete {
		t.Fatalf("the stream with %.100s ends with %v, complete %v", event, err, complete)
	}
	return got
}

// want expects a stream that ends without an error: as on AWS, that is how the
// streams of functions end that fail midway too.
func (s streamed) want(t *testing.T, payload string) {
	t.Helper()
	if s.payload != payload || s.errorCode != "" {
		t.Errorf("streamed %.200q, error %q; want %.200q", s.payload, s.errorCode, payload)
	}
}

// preludeEnd separates the prelude of an HTTP response from its body.
const preludeEnd = "\x00\x00\x00\x00\x00\x00\x00\x00"

// streams holds a function to what all clients that stream do. Its events:
//
//	{"do":"write","pause":N}  "first second", with N milliseconds before the second word
//	{"do":"http"}             "body" with the prelude of an HTTP response: status 418, a header x-a of 1, and what else the client adds
//	{"do":"fail"}             "prefix", and then an error
//	{"do":"fail-early"}       an error before the first byte
//
// plain is the prelude that the client gives to what is no HTTP response.
func streams(t *testing.T, fn function, plain, httpPrelude string) {
	t.Helper()
	got := fn.stream(t, `{"do":"write","pause":2000}`)
	got.want(t, plain+"first second")
	if got.gap < time.Second {
		t.Errorf("%s between chunks that were written 2s apart", got.gap)
	}
	fn.stream(t, `{"do":"http"}`).want(t, httpPrelude+"body")
	if got := fn.succeed(t, `{"do":"write","pause":0}`); got != plain+"first second" {
		t.Errorf("a plain invocation got %q", got)
	}
}

// nodeStreams: the client has streaming of its own, with the global awslambda.
func nodeStreams(t *testing.T, pkg string) {
	fn := sandboxed.deploy(t, pkg, "streaming.handler", timeoutSeconds)
	streams(t, fn, "", `{"statusCode":418,"headers":{"x-a":"1"}}`+preludeEnd)
	fn.stream(t, `{"do":"fail","size":0}`).want(t, "prefix")
	fn.stream(t, `{"do":"fail","size":9999}`).want(t, "prefix") // in trailers of more than 4 KB
	fn.stream(t, `{"do":"fail-early"}`).want(t, "")
}
