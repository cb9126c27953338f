package invocation

import (
	"context"
	"encoding/base64"
	"net/http"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// streamChunk bounds the payload of one event.
const streamChunk = 64 << 10

// invokeWithResponseStream answers with what the function writes, as it writes
// it. The invocation type is ignored, as on AWS: every call is synchronous.
//
// A function that fails after its first byte has its stream end there. One that
// fails before has its error as the payload, as Invoke answers it. InvokeComplete
// names an error only when the platform ended the function; see streamEnd.
func (s *Service) invokeWithResponseStream(ctx context.Context, in *api.InvokeWithResponseStreamInput, w http.ResponseWriter) error {
	name, qualifier, err := s.opts.Scope.Function(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return err
	}
	inv, err := newInvocation(ctx, event{in.Payload, in.ClientContext, in.TenantId, in.LogType})
	if err != nil {
		return err
	}
	inv.Stream = hearth.NewStream()
	// The function goes on without its caller.
	stop := context.AfterFunc(ctx, inv.Stream.Discard)
	defer stop()

	f := &forwarder{inv: inv, w: w, shape: newShaper(s.opts.ShapeStreams)}
	forwarded := make(chan struct{})
	go func() { // waited for below
		defer close(forwarded)
		f.run(ctx)
	}()
	res, err := s.opts.Invoker.Invoke(ctx, name, qualifier, inv)
	inv.Stream.Close()
	<-forwarded
	if err != nil && f.events == nil {
		return err
	}
	f.finish(&res, err)
	return err
}

// forwarder sends the response of one invocation as events.
type forwarder struct {
	inv    *hearth.Invocation
	w      http.ResponseWriter
	shape  *shaper
	events *api.EventWriter // nil until the response has begun
	lost   bool             // the caller is gone
}

// run forwards the stream until it ends. Nothing is sent when it never begins.
func (f *forwarder) run(ctx context.Context) {
	head, begun := f.inv.Stream.Head()
	if !begun {
		return
	}
	f.begin(head)
	if err := http.NewResponseController(f.w).Flush(); err != nil {
		f.lose()
		return
	}
	chunk := make([]byte, streamChunk)
	for {
		n, err := f.inv.Stream.Read(chunk)
		if err != nil {
			return // the end
		}
		f.shape.wait(ctx, n)
		f.send(chunk[:n])
	}
}

func (f *forwarder) begin(head hearth.StreamHead) {
	h := f.w.Header()
	h["Content-Type"] = []string{api.EventStreamType}
	h["X-Amz-Executed-Version"] = []string{head.ExecutedVersion}
	h["X-Amzn-Trace-Id"] = []string{f.inv.TraceID}
	if head.ContentType != "" {
		h["X-Amzn-Remapped-Content-Type"] = []string{head.ContentType}
	}
	f.w.WriteHeader(http.StatusOK)
	f.events = api.NewEventWriter(f.w)
}

func (f *forwarder) send(payload []byte) {
	if f.lost || len(payload) == 0 {
		return
	}
	if f.events.PayloadChunk(payload) != nil {
		f.lose()
	}
}

// lose gives up on the caller. The function does not notice.
func (f *forwarder) lose() {
	f.lost = true
	f.inv.Stream.Discard()
}

// finish sends what the stream did not carry, and the end.
func (f *forwarder) finish(res *hearth.Result, err error) {
	if f.events == nil {
		contentType := res.ContentType
		if contentType == "" {
			contentType = "application/json"
		}
		f.begin(hearth.StreamHead{ContentType: contentType, ExecutedVersion: res.ExecutedVersion})
		f.send(res.Payload)
	}
	if f.lost {
		return
	}
	if f.events.InvokeComplete(streamEnd(f.inv, res, err)) != nil {
		f.lose()
	}
}

// streamEnd is the last event. AWS names no error when the function itself
// failed, before or after its first byte, nor for a time-out. Of everything
// else there is no recording, and a caller that is told is better off.
func streamEnd(inv *hearth.Invocation, res *hearth.Result, err error) *api.InvokeWithResponseStreamCompleteEvent {
	end := &api.InvokeWithResponseStreamCompleteEvent{}
	switch {
	case err != nil:
		end.ErrorCode = api.Ptr("ServiceException")
		end.ErrorDetails = api.Ptr("The invocation was interrupted.")
	case res.ErrorType != "" && res.ErrorType != timedOut:
		end.ErrorCode = &res.ErrorType
		end.ErrorDetails = api.Ptr(string(res.Payload))
	}
	if inv.Tail {
		end.LogResult = api.Ptr(base64.StdEncoding.EncodeToString(res.LogTail))
	}
	return end
}

// timedOut is the error type of a function that ran too long.
const timedOut = "Sandbox.Timedout"
