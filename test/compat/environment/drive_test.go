package environment_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthd/hearth/test/compat/daemon"
	"github.com/hearthd/hearth/test/deployment"
)

var functions atomic.Int32 // numbers them

// A function is a case that is deployed.
type function struct {
	t          *testing.T
	daemon     *daemon.Daemon
	client     *lambda.Client
	name       string
	extensions []string

	background sync.WaitGroup
	mu         sync.Mutex
	told       []string // of the caller
	ids        []string // of its requests
}

// deploy creates the function of a case. The settings are
//
//	timeout SECONDS  memory MB  handler TEXT  bootstrap none
//	broken NAME      an extension that is executable, but no program
//	plain NAME       an extension that is not executable
//	log JSON [SYSTEM LEVEL [APPLICATION LEVEL]]
//	tenants          the function isolates its tenants
func deploy(t *testing.T, c *testCase, d *daemon.Daemon) *function {
	t.Helper()
	f := &function{
		t: t, daemon: d, name: fmt.Sprintf("conf-%d", functions.Add(1)), extensions: c.extensions(),
		client: lambda.New(lambda.Options{
			Region: "us-east-1", BaseEndpoint: aws.String(d.Endpoint), RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		}),
	}
	in := &lambda.CreateFunctionInput{
		FunctionName: &f.name, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("h"),
		Role: aws.String("arn:aws:iam::000000000000:role/r"), Timeout: aws.Int32(10), MemorySize: aws.Int32(512),
		Environment: &types.Environment{Variables: map[string]string{"SCRIPT": c.script}},
	}
	entrypoint := "bootstrap"
	for _, setting := range c.settings {
		fields := strings.Fields(setting)
		number, _ := strconv.Atoi(fields[len(fields)-1])
		switch fields[0] {
		case "timeout":
			in.Timeout = aws.Int32(int32(number))
		case "memory":
			in.MemorySize = aws.Int32(int32(number))
		case "handler":
			in.Handler = &fields[1]
		case "bootstrap":
			entrypoint = "nothing"
		case "broken":
			in.Layers = append(in.Layers, f.layer(fields[1], pack(t, "extensions/"+fields[1], []byte("no program"))))
		case "plain":
			in.Layers = append(in.Layers, f.layer(fields[1], plain(t, "extensions/"+fields[1])))
		case "tenants":
			in.TenancyConfig = &types.TenancyConfig{TenantIsolationMode: types.TenantIsolationModePerTenant}
		case "log":
			in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormat(fields[1])}
			if len(fields) > 2 {
				in.LoggingConfig.SystemLogLevel = types.SystemLogLevel(fields[2])
			}
			if len(fields) > 3 {
				in.LoggingConfig.ApplicationLogLevel = types.ApplicationLogLevel(fields[3])
			}
		default:
			t.Fatalf("unknown setting %q", setting)
		}
	}
	in.Code = &types.FunctionCode{ZipFile: pack(t, entrypoint, program)}
	for _, name := range f.extensions {
		in.Layers = append(in.Layers, f.layer(name, pack(t, "extensions/"+name, program)))
	}
	if _, err := f.client.CreateFunction(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	// A machine that unpacks archives for several cases at once takes its time.
	active := lambda.NewFunctionActiveV2Waiter(f.client, func(o *lambda.FunctionActiveV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, 200*time.Millisecond
	})
	if err := active.Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: &f.name}, time.Minute); err != nil {
		t.Fatal(err)
	}
	return f
}

// pack makes an archive of a file.
func pack(t *testing.T, name string, content []byte) []byte {
	t.Helper()
	archive, err := deployment.Zip(map[string][]byte{name: content})
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

// plain makes an archive of a file that nobody may execute.
func plain(t *testing.T, name string) []byte {
	t.Helper()
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	header := &zip.FileHeader{Name: name}
	header.SetMode(0o644)
	_, err := w.CreateHeader(header)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

// layer publishes the archive of an extension.
func (f *function) layer(name string, archive []byte) string {
	f.t.Helper()
	out, err := f.client.PublishLayerVersion(f.t.Context(), &lambda.PublishLayerVersionInput{
		LayerName: aws.String("layer-" + strings.ReplaceAll(name, ".", "-")), Content: &types.LayerVersionContentInput{ZipFile: archive},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return *out.LayerVersionArn
}

// retire changes the function, which ends its environments.
func (f *function) retire() {
	f.t.Helper()
	f.background.Wait()
	_, err := f.client.UpdateFunctionConfiguration(f.t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &f.name, Environment: &types.Environment{Variables: map[string]string{"RETIRED": "1"}},
	})
	if err != nil {
		f.t.Error(err)
	}
}

func (f *function) tell(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, fmt.Sprintf(format, args...))
}

// call runs one command of the caller:
//
//	invoke [| Header: value]... PAYLOAD   invoke+ tells the headers of the answer
//	stream [| Header: value]... PAYLOAD   InvokeWithResponseStream
//	bg COMMAND                            beside the next ones
//	log TEXT                              wait until the log has the text
//	update                                change the function, which ends its environments
func (f *function) call(line string) {
	f.t.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "invoke", "invoke+":
		f.invoke(verb, "2015-03-31/functions/"+f.name+"/invocations", rest)
	case "stream", "stream+":
		f.invoke(verb, "2021-11-15/functions/"+f.name+"/response-streaming-invocations", rest)
	case "bg":
		f.background.Go(func() { f.call(rest) })
	case "log":
		f.await(rest)
	case "update":
		f.retire()
	default:
		f.t.Fatalf("unknown command %q", line)
	}
}

func (f *function) await(text string) {
	f.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(f.normal(f.compose()), text); {
		if time.Now().After(deadline) {
			f.t.Fatalf("the log never has %q:\n%s", text, f.compose())
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-f.t.Context().Done():
			return
		}
	}
}

// invoke sends an event and tells of the answer.
func (f *function) invoke(verb, path, rest string) {
	f.t.Helper()
	parts := strings.Split(rest, " | ")
	payload := parts[len(parts)-1]
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, f.daemon.Endpoint+"/"+path, strings.NewReader(payload))
	if err != nil {
		f.t.Error(err)
		return
	}
	for _, header := range parts[:len(parts)-1] {
		key, value, _ := strings.Cut(strings.TrimPrefix(header, "| "), ": ")
		req.Header.Set(key, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Error(err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Error(err)
	}
	f.mu.Lock()
	f.ids = append(f.ids, resp.Header.Get("X-Amzn-Requestid"))
	f.mu.Unlock()
	f.tell("%s", answer(strings.TrimSuffix(verb, "+"), strings.HasSuffix(verb, "+"), resp, body))
}

// answer is an answer as it is told.
func answer(verb string, headers bool, resp *http.Response, body []byte) string {
	text := fmt.Sprintf("%s: %d", verb, resp.StatusCode)
	if failure := resp.Header.Get("X-Amz-Function-Error"); failure != "" {
		text += " " + failure
	}
	logResult := resp.Header.Get("X-Amz-Log-Result")
	if resp.Header.Get("Content-Type") == "application/vnd.amazon.eventstream" {
		body, logResult = frames(body)
	}
	if len(body) > 2000 {
		body = fmt.Appendf(nil, "(%d bytes)", len(body))
	}
	text += " " + strings.ReplaceAll(strings.ReplaceAll(string(body), "\n", `\n`), "\x00", `\0`)
	if headers {
		var lines []string
		for key := range resp.Header {
			if key != "Date" && key != "Content-Length" && key != "X-Amz-Log-Result" && key != "X-Amz-Function-Error" {
				lines = append(lines, "\n  "+key+": "+resp.Header.Get(key))
			}
		}
		slices.Sort(lines)
		text += strings.Join(lines, "")
	}
	if tail, err := base64.StdEncoding.DecodeString(logResult); err == nil {
		for line := range strings.Lines(string(tail)) {
			if !strings.HasPrefix(line, "@@") {
				text += "\n  tail: " + strings.TrimSuffix(line, "\n")
			}
		}
	}
	return text
}

// frames tells an event stream: what its chunks have together, and its end,
// whose log it returns apart.
func frames(body []byte) (told []byte, logResult string) {
	var payload, end []byte
	decoder, r := eventstream.NewDecoder(), bytes.NewReader(body)
	for r.Len() > 0 {
		m, err := decoder.Decode(r, nil)
		if err != nil {
			return fmt.Appendf(nil, "broken: %v", err), ""
		}
		kind := m.Headers.Get(":event-type")
		if kind != nil && kind.String() == "PayloadChunk" {
			payload = append(payload, m.Payload...)
			continue
		}
		var complete struct{ LogResult string }
		if json.Unmarshal(m.Payload, &complete) == nil && complete.LogResult != "" {
			logResult = complete.LogResult
			m.Payload = bytes.Replace(m.Payload, fmt.Appendf(nil, `"LogResult":%q`, logResult), nil, 1)
		}
		end = fmt.Appendf(end, " %v %s", kind, m.Payload)
	}
	return append(payload, end...), logResult
}
