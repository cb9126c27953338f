package runtimeapi_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi"
)

// streaming brings the runtime to where it has event "id-1", whose caller takes
// the response as it comes.
func (f *fixture) streaming() (*runtimeapi.Call, *hearth.Stream) {
	f.Helper()
	polled := f.ready()
	stream := hearth.NewStream()
	call := f.invoke(&hearth.Invocation{RequestID: "id-1", Payload: []byte(`{}`), Stream: stream}, nil)
	if got := await(f, polled, "the event"); got.status != http.StatusOK {
		f.Fatalf("poll: %+v", got)
	}
	return call, stream
}

// wantRead reads exactly what has been sent so far.
func (f *fixture) wantRead(s *hearth.Stream, want string) {
	f.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(s, got); err != nil || string(got) != want {
		f.Errorf("read %q %v, want %q", got, err, want)
	}
}

// beginStream sends the head of a streamed answer.
func (w *wire) beginStream(contentType string) {
	w.f.Helper()
	w.send("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n"+
		"Transfer-Encoding: chunked\r\nTrailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n",
		responsePath("id-1"), contentType)
}

func (w *wire) chunk(data string) {
	w.f.Helper()
	w.send("%x\r\n%s\r\n", len(data), data)
}

// trailers is the end of a streamed answer that failed.
func trailers(errorType, body string) string {
	return "0\r\nLambda-Runtime-Function-Error-Type: " + errorType +
		"\r\nLambda-Runtime-Function-Error-Body: " + base64.StdEncoding.EncodeToString([]byte(body)) + "\r\n\r\n"
}

func TestStream_Chunks_ArriveOneByOne(t *testing.T) {
	f := serve(t)
	call, stream := f.streaming()
	w := f.dial()
	w.beginStream("text/event-stream")
	if head, ok := stream.Head(); !ok || head.ContentType != "text/event-stream" {
		t.Errorf("head %+v, begun %v", head, ok)
	}
	w.chunk("first")
	f.wantRead(stream, "first") // while the answer goes on
	w.chunk("second")
	f.wantRead(stream, "second")
	w.send("0\r\n\r\n")
	f.wantAccepted(w.receive())
	f.wantAnswer(call, runtimeapi.Response{Streamed: 11})
}

// Go's runtime client never names the mode.
func TestStream_ChunksWithoutMode_AreForwarded(t *testing.T) {
	f := serve(t)
	call, stream := f.streaming()
	w := f.dial()
	w.send("POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", responsePath("id-1"))
	w.chunk("first")
	f.wantRead(stream, "first")
	w.send("0\r\n\r\n")
	f.wantAccepted(w.receive())
	f.wantAnswer(call, runtimeapi.Response{Streamed: 5})
}

func TestStream_WholeAnswer_DoesNotBegin(t *testing.T) {
	f := serve(t)
	call, stream := f.streaming()
	f.wantAccepted(f.post(responsePath("id-1"), `"whole"`, "Content-Type", "application/json"))
	f.wantAnswer(call, runtimeapi.Response{Payload: []byte(`"whole"`), ContentType: "application/json"})
	stream.Close()
	if _, ok := stream.Head(); ok {
		t.Error("the stream has begun")
	}
}

func TestStream_Trailers_AreTheFunctionsError(t *testing.T) {
	f := serve(t)
	call, stream := f.streaming()
	w := f.dial()
	w.beginStream("text/plain")
	w.chunk("prefix")
	w.send("%s", trailers("Function.Broken", `{"errorType":"Broken"}`))
	f.wantAccepted(w.receive())
	f.wantRead(stream, "prefix")
	f.wantAnswer(call, runtimeapi.Response{
		Failed: true, ErrorType: "Function.Broken", Payload: []byte(`{"errorType":"Broken"}`), Streamed: 6,
	})
}

// net/http reads trailers of up to 4 KB. A stack trace can be longer.
func TestStream_LongTrailers_AreAnError(t *testing.T) {
	f := serve(t)
	call, stream := f.streaming()
	w := f.dial()
	w.beginStream("text/plain")
	w.chunk("prefix")
	w.send("%s", trailers("Function.Broken", strings.Repeat("x", 8<<10)))
	f.wantAccepted(w.receive())
	f.wantRead(stream, "prefix")
	f.wantAnswer(call, runtimeapi.Response{
		Failed: true, ErrorType: "Function.Unknown", Streamed: 6,
		Payload: []byte(`{"errorType":"Function.Unknown","errorMessage":"The function failed while it streamed its response."}`),
	})
	if got, err := w.r.ReadByte(); err == nil {
		t.Errorf("the connection goes on with %q", got)
	}
}

func TestStream_BrokenOff_IsTruncated(t *testing.T) {
	f := serve(t)
	call, stream := f.streaming()
	w := f.dial()
	w.beginStream("text/plain")
	w.chunk("prefix")
	f.wantRead(stream, "prefix")
	w.Close()
	f.wantAnswer(call, runtimeapi.Response{Refused: true, ErrorType: "Runtime.TruncatedResponse", Streamed: 6})
}

func TestStream_CallerGone_IsReadToItsEnd(t *testing.T) {
	f := serve(t)
	call, stream := f.streaming()
	stream.Discard()
	w := f.dial()
	w.beginStream("text/plain")
	for range 4 {
		w.chunk(strings.Repeat("x", 1<<20))
	}
	w.send("0\r\n\r\n")
	f.wantAccepted(w.receive())
	f.wantAnswer(call, runtimeapi.Response{Streamed: 4 << 20})
}

// An upload that waits for a slow caller must not keep the server from closing.
func TestStream_Closed_UploadIsReleased(t *testing.T) {
	f := serve(t)
	_, stream := f.streaming()
	w := f.dial()
	w.beginStream("text/plain")
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(w, "40000000\r\n"+strings.Repeat("x", 64<<20))
		sent <- err
	}()
	f.wantRead(stream, strings.Repeat("x", 256<<10)) // it is under way
	stream.Close()
	if err := await(f, sent, "the end of the upload"); err != nil {
		t.Logf("the upload was cut: %v", err) // or drained: both release it
	}
	rest, err := io.ReadAll(stream)
	if err != nil || len(rest) > 64<<10 {
		t.Errorf("read %d bytes more, %v", len(rest), err)
	}
}

func TestStream_PlainCaller_GetsTheWhole(t *testing.T) {
	f := serve(t)
	call := f.running()
	w := f.dial()
	w.beginStream("text/event-stream")
	w.chunk("first")
	w.chunk("second")
	w.send("0\r\n\r\n")
	f.wantAccepted(w.receive())
	f.wantAnswer(call, runtimeapi.Response{Payload: []byte("firstsecond"), ContentType: "application/octet-stream"})
}

func TestStream_PlainCaller_GetsTheErrorOfTheTrailers(t *testing.T) {
	f := serve(t)
	call := f.running()
	w := f.dial()
	w.beginStream("text/plain")
	w.chunk("prefix")
	w.send("%s", trailers("Error", `{"errorType":"Error"}`))
	f.wantAccepted(w.receive())
	f.wantAnswer(call, runtimeapi.Response{Failed: true, ErrorType: "Runtime.Unknown", Payload: []byte(`{"errorType":"Error"}`)})
}

func TestStream_PlainCaller_TooLarge(t *testing.T) {
	f := serve(t)
	call := f.running()
	got := f.request(t.Context(), http.MethodPost, responsePath("id-1"),
		io.LimitReader(zeros{}, hearth.MaxPayload+1), "Lambda-Runtime-Function-Response-Mode", "streaming")
	f.wantError(got, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", tooLarge)
	f.wantAnswer(call, runtimeapi.Response{Refused: true, ErrorType: "Function.ResponseSizeTooLarge"})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
