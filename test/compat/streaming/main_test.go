// Package streaming_test streams responses through the built program: functions
// on hearth's Node and Python runtimes and on aws-lambda-go, in the namespace
// sandbox, called by InvokeWithResponseStream of the AWS SDK for Go.
//
//	function ── Runtime API ── hearth ── event stream ── SDK
package streaming_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/hearthd/hearth/test/compile"
	"github.com/hearthd/hearth/test/deployment"
)

// patience is how long anything may take. Machines that run tests are busy.
const patience = time.Minute

var (
	client    *lambda.Client // of the daemon under test; not for streams
	endpoint  string
	goPackage string // the directory of the compiled function
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "streaming:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "hearth-streaming-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	hearth := filepath.Join(dir, "hearth")
	goPackage = filepath.Join(dir, "function")
	err = errors.Join(
		compile.Program(context.Background(), "cmd/hearth", hearth),
		compile.Program(context.Background(), "test/compat/streaming/golang", filepath.Join(goPackage, "bootstrap")),
	)
	if err != nil {
		return 0, err
	}
	daemon, err := start(hearth, filepath.Join(dir, "data"))
	if err != nil {
		return 0, err
	}
	code = m.Run()
	return code, daemon.stop()
}

// daemon is a `hearth serve`.
type daemon struct {
	cmd *exec.Cmd
	log *os.File
}

var ready = regexp.MustCompile(`msg="hearth is ready" endpoint=(\S+)`)

func start(program, dir string) (*daemon, error) {
	log, err := os.Create(dir + ".log")
	if err != nil {
		return nil, err
	}
	d := &daemon{cmd: exec.Command(program, "serve", "--data-dir", dir, "--listen", "127.0.0.1:0", "--sandbox", "namespace"), log: log}
	// The default network, nat, would change the firewall of the machine; what
	// `make test` sets for other programs would be shown to functions.
	d.cmd.Env = append(os.Environ(), "HEARTH_NETWORK=none", "NODE_PATH=")
	d.cmd.Stderr, d.cmd.WaitDelay = log, 2*time.Second
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		text, err := os.ReadFile(log.Name())
		if match := ready.FindSubmatch(text); match != nil {
			endpoint = string(match[1])
			client = newClient(endpoint)
			return d, nil
		}
		if err != nil || time.Now().After(deadline) {
			return nil, fmt.Errorf("hearth does not get ready: %w; it printed:\n%s", errors.Join(err, d.stop()), text)
		}
	}
}

// stop ends the daemon and waits for it.
func (d *daemon) stop() error {
	_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may have ended, which Wait says
	impatient := time.AfterFunc(patience, func() { _ = d.cmd.Process.Kill() })
	defer impatient.Stop()
	if err := errors.Join(d.cmd.Wait(), d.log.Close()); err != nil {
		text, _ := os.ReadFile(d.log.Name())
		return fmt.Errorf("hearth serve: %w; it printed:\n%s", err, text)
	}
	return nil
}

func newClient(endpoint string) *lambda.Client {
	return lambda.New(lambda.Options{
		HTTPClient: &http.Client{Transport: wholeRequests{&http.Transport{}}},
		Region:     "us-east-1", BaseEndpoint: &endpoint, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
	})
}

// wholeRequests reads the body of a request before it sends it. The SDK closes
// the body when it has the head of the answer. An answer that begins at once can
// be faster than the sender, who then finds the body closed and hangs up.
type wholeRequests struct{ next http.RoundTripper }

func (t wholeRequests) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return t.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err := errors.Join(err, r.Body.Close()); err != nil {
		return nil, err
	}
	whole := r.Clone(r.Context())
	whole.Body = io.NopCloser(bytes.NewReader(body))
	return t.next.RoundTrip(whole)
}

// deploy creates a function named after the test and waits until it is active.
func deploy(t *testing.T, runtime, handler, file string, code []byte) string {
	t.Helper()
	archive, err := deployment.Zip(map[string][]byte{file: code})
	if err != nil {
		t.Fatal(err)
	}
	name := t.Name()
	_, err = client.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: types.Runtime(runtime), Handler: &handler, Timeout: aws.Int32(30), MemorySize: aws.Int32(1769),
		Role: aws.String("arn:aws:iam::000000000000:role/streaming"), Code: &types.FunctionCode{ZipFile: archive},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Not the test's context, which has ended.
		if _, err := client.DeleteFunction(context.WithoutCancel(t.Context()), &lambda.DeleteFunctionInput{FunctionName: &name}); err != nil {
			t.Error(err)
		}
	})
	active := lambda.NewFunctionActiveV2Waiter(client, func(o *lambda.FunctionActiveV2WaiterOptions) { o.MinDelay = 10 * time.Millisecond })
	if err := active.Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: &name}, patience); err != nil {
		t.Fatal(err)
	}
	return name
}

// runtimeOf returns the newest runtime of a family that this machine serves.
func runtimeOf(t *testing.T, family string, versions ...string) string {
	t.Helper()
	suffix := map[string]string{"nodejs": ".x"}
	for _, version := range versions {
		program := map[string]string{"nodejs": "node", "python": "python" + version}[family]
		out, err := exec.Command(program, "--version").CombinedOutput()
		if err == nil && regexp.MustCompile(`^(v|Python )`+regexp.QuoteMeta(version)+`\.`).Match(out) {
			return family + version + suffix[family]
		}
	}
	t.Fatalf("no %s interpreter on this machine: these tests need one of %v", family, versions)
	return ""
}

func deployNode(t *testing.T, code string) string {
	t.Helper()
	return deploy(t, runtimeOf(t, "nodejs", "24", "22", "20"), "index.handler", "index.mjs", []byte(code))
}

// streamNode deploys a handler with the given body, which streams.
func streamNode(t *testing.T, body string) string {
	t.Helper()
	return deployNode(t, `
import { setTimeout as wait } from "timers/promises";
import fs from "fs";
export const handler = awslambda.streamifyResponse(async (event, stream, context) => {`+body+`});`)
}

func deployPython(t *testing.T, code string) string {
	t.Helper()
	return deploy(t, runtimeOf(t, "python", "3.14", "3.13", "3.12", "3.11", "3.10"), "app.handler", "app.py", []byte(code))
}

func deployGo(t *testing.T) string {
	t.Helper()
	code, err := os.ReadFile(filepath.Join(goPackage, "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	return deploy(t, "provided.al2023", "bootstrap", "bootstrap", code)
}

// answer is a streamed answer, read to its end.
type answer struct {
	payload  []byte
	complete *types.InvokeWithResponseStreamCompleteEvent
	version  string
	header   http.Header
	gap      time.Duration // between the first and the last chunk
}

// call is a streamed answer that is being read.
type call struct {
	stream *lambda.InvokeWithResponseStreamEventStream
	answer answer
}

func begin(t *testing.T, ctx context.Context, name, event string, options ...func(*lambda.InvokeWithResponseStreamInput)) *call {
	t.Helper()
	in := &lambda.InvokeWithResponseStreamInput{FunctionName: &name, Payload: []byte(event)}
	for _, option := range options {
		option(in)
	}
	// A client for each stream: the SDK's decoder of events is one per client,
	// and not made for two streams at a time.
	out, err := newClient(endpoint).InvokeWithResponseStream(ctx, in)
	if err != nil {
		t.Fatalf("InvokeWithResponseStream %s: %v", name, err)
	}
	c := &call{stream: out.GetStream()}
	t.Cleanup(func() { _ = c.stream.Close() })
	c.answer.version = aws.ToString(out.ExecutedVersion)
	c.answer.header = middleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response).Header
	return c
}

// next returns the next chunk; false at the end.
func (c *call) next(t *testing.T) ([]byte, bool) {
	t.Helper()
	select {
	case event := <-c.stream.Events():
		switch event := event.(type) {
		case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
			return event.Value.Payload, true
		case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
			c.answer.complete = &event.Value
		case nil:
			t.Fatalf("the stream broke off: %v", c.stream.Err())
		}
	case <-time.After(patience):
		t.Fatal("waited in vain for an event")
	}
	return nil, false
}

// finish reads to the end.
func (c *call) finish(t *testing.T) answer {
	t.Helper()
	var first, last time.Time
	for {
		chunk, ok := c.next(t)
		if !ok {
			break
		}
		last = time.Now()
		if first.IsZero() {
			first = last
		}
		c.answer.payload = append(c.answer.payload, chunk...)
	}
	for event := range c.stream.Events() { // the SDK looks at the end of the body, too
		t.Errorf("%T after InvokeComplete", event)
	}
	if err := c.stream.Close(); err != nil {
		t.Error(err)
	}
	c.answer.gap = last.Sub(first)
	return c.answer
}

func invoke(t *testing.T, name, event string, options ...func(*lambda.InvokeWithResponseStreamInput)) answer {
	t.Helper()
	return begin(t, t.Context(), name, event, options...).finish(t)
}

// want checks the content of an answer, and that it names no error.
func (a answer) want(t *testing.T, payload string) {
	t.Helper()
	if string(a.payload) != payload {
		t.Errorf("payload %.200q, want %.200q", a.payload, payload)
	}
	a.wantError(t, "")
}

func (a answer) wantError(t *testing.T, code string) {
	t.Helper()
	if got := aws.ToString(a.complete.ErrorCode); got != code {
		t.Errorf("ErrorCode %q, ErrorDetails %q, want %q", got, aws.ToString(a.complete.ErrorDetails), code)
	}
}

func (a answer) log(t *testing.T) string {
	t.Helper()
	log, err := base64.StdEncoding.DecodeString(aws.ToString(a.complete.LogResult))
	if err != nil {
		t.Fatal(err)
	}
	return string(log)
}

// invokePlain is Invoke.
func invokePlain(t *testing.T, name, event string) *lambda.InvokeOutput {
	t.Helper()
	out, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &name, Payload: []byte(event)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
