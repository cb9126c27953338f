package clients_test

import (
	"context"
	"strings"
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

func (s streamed) want(t *testing.T, payload string) {
	t.Helper()
	if s.payload != payload || s.errorCode != "" {
		t.Errorf("streamed %.200q, error %q; want %.200q", s.payload, s.errorCode, payload)
	}
}

// nodeStreams: the client has streaming of its own, with the global awslambda.
func nodeStreams(t *testing.T, pkg string) {
	fn := sandboxed.deploy(t, pkg, "streaming.handler", timeoutSeconds)
	got := fn.stream(t, `{"do":"write","pause":2000}`)
	got.want(t, "first second")
	if got.gap < time.Second {
		t.Errorf("%s between chunks that were written 2s apart", got.gap)
	}
	fn.stream(t, `{"do":"http"}`).want(t, `{"statusCode":418,"headers":{"x-a":"1"}}`+strings.Repeat("\x00", 8)+"body")
	fn.stream(t, `{"do":"fail","size":0}`).want(t, "prefix")
	fn.stream(t, `{"do":"fail","size":9999}`).want(t, "prefix") // in trailers of more than 4 KB
	fn.stream(t, `{"do":"fail-early"}`).want(t, "")
	if got := fn.succeed(t, `{"do":"write","pause":0}`); got != "first second" {
		t.Errorf("a plain invocation got %q", got)
	}
}
