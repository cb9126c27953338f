package clients_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
)

// The functions of all clients answer the same events:
//
//	{"do":"return","value":V}          V
//	{"do":"make","size":N}             a string of N characters
//	{"do":"count"}                     how many events this process has seen
//	{"do":"context"}                   what the client tells the handler of the invocation
//	{"do":"log"}                       null, after a line on standard output and one on standard error
//	{"do":"sleep","size":N,"value":V}  V, after N milliseconds
//	{"do":"fail","size":N}             an error of type Refusal: no such thing, and N exclamation marks
//	{"do":"exit"}                      nothing: the process exits with status 3
//
// and more that only one of them has.
const (
	failEvent  = `{"do":"fail"}`
	countEvent = `{"do":"count"}`
)

// client is a function's package on a runtime client, and what is known of the
// client.
type client struct {
	pkg     string // the package's directory, with a bootstrap
	handler string
	// entrypoint is the command, in that directory, that the client is started
	// with in a container image; the handler follows.
	entrypoint []string

	// refusal matches the payload that the client makes of its function's
	// error; ID stands for the request id.
	refusal string
}

// contract holds a client to what is the same for all of them. It returns the
// deployed function.
func contract(t *testing.T, c client) function {
	fn := sandboxed.deploy(t, c.pkg, c.handler, timeoutSeconds)
	t.Run("ReturnsValue", func(t *testing.T) { returnsValue(t, fn) })
	t.Run("TellsContext", func(t *testing.T) { tellsContext(t, fn) })
	t.Run("StaysWarm", func(t *testing.T) { staysWarm(t, fn) })
	t.Run("ReportsError", func(t *testing.T) { reportsError(t, fn, failEvent, c.refusal) })
	t.Run("ReportsLongError", func(t *testing.T) { reportsLongError(t, fn) })
	t.Run("TakesLargestPayload", func(t *testing.T) { takesLargestPayload(t, fn) })
	t.Run("OutgrowsResponse", func(t *testing.T) { outgrowsResponse(t, fn) })
	t.Run("LogsInItsPlace", func(t *testing.T) { logsInItsPlace(t, fn) })
	t.Run("Exits", func(t *testing.T) { exits(t, fn) })
	t.Run("KeepsCallsApart", func(t *testing.T) { keepsCallsApart(t, c) })
	t.Run("TimesOut", func(t *testing.T) { timesOut(t, c) })
	t.Run("UnderRIE", func(t *testing.T) { underRIE(t, c) })
	return fn
}

// succeed invokes the function, which must succeed, and returns the payload.
func (f function) succeed(t *testing.T, event string) string {
	t.Helper()
	res := f.invoke(t, event)
	if res.FunctionError != "" {
		t.Fatalf("%.100s failed: %.1000s\n%s", event, res.Payload, res.Log)
	}
	return res.Payload
}

// decode decodes a payload.
func decode[T any](t *testing.T, payload string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(payload), &value); err != nil {
		t.Fatalf("payload %.200s: %v", payload, err)
	}
	return value
}

func (f function) count(t *testing.T) int {
	t.Helper()
	return decode[int](t, f.succeed(t, countEvent))
}

// failure fails the test unless the result is an error whose payload matches
// pattern, in which ID stands for the request id.
func (r result) failure(t *testing.T, pattern string) {
	t.Helper()
	if r.FunctionError != hearth.Unhandled {
		t.Errorf("X-Amz-Function-Error is %q, want %q", r.FunctionError, hearth.Unhandled)
	}
	if !regexp.MustCompile("^(?s:" + strings.ReplaceAll(pattern, "ID", r.RequestID) + ")$").MatchString(r.Payload) {
		t.Errorf("payload %.2000s\nwant it like %s", r.Payload, pattern)
	}
}

func returnsValue(t *testing.T, fn function) {
	for _, value := range []string{
		`null`, `true`, `-1.5`, `""`, `"Grüße, 世界 🔥 \u0000 <&>"`, `[]`, `{}`,
		`{"deep":[[[{"a":[1,2,3]}]]],"empty":"","large":9007199254740991}`,
	} {
		got := fn.succeed(t, `{"do":"return","value":`+value+`}`)
		if diff := cmp.Diff(decode[any](t, value), decode[any](t, got)); diff != "" {
			t.Errorf("%s came back as %s (-want +got):\n%s", value, got, diff)
		}
	}
}

func tellsContext(t *testing.T, fn function) {
	const clientContext = `{"custom":{"key":"value"},"client":{"installation_id":"i","app_title":"t",` +
		`"app_version_name":"n","app_version_code":"c","app_package_name":"p"},"env":{"platform":"test"}}`
	res := fn.invoke(t, `{"do":"context"}`, func(in *lambda.InvokeInput) {
		in.ClientContext = aws.String(base64.StdEncoding.EncodeToString([]byte(clientContext)))
	})
	got := decode[map[string]any](t, res.Payload)
	want := map[string]string{
		"requestId": regexp.QuoteMeta(res.RequestID),
		"arn":       `arn:aws:lambda:us-east-1:000000000000:function:` + fn.name,
		"name":      fn.name,
		"version":   `\$LATEST`,
		"memory":    fmt.Sprint(memoryMB),
		"logGroup":  `/aws/lambda/` + fn.name,
		"logStream": `\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}`,
		"remaining": `2\d\d\d\d|30000`, // milliseconds of the 30 seconds
		"trace":     `Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01](;Lineage=.*)?`,
		"custom":    `map\[key:value\]`,
	}
	for name, pattern := range want {
		if !regexp.MustCompile("^(" + pattern + ")$").MatchString(fmt.Sprint(got[name])) {
			t.Errorf("%s is %v, want it like %s", name, got[name], pattern)
		}
	}
}

// steadily tries what holds for calls that meet the same environment. They
// usually do; on a busy machine a runtime may take longer to poll again than
// hearth waits for it, and a caller that comes at once gets another one.
func steadily(t *testing.T, attempt func() error) {
	t.Helper()
	var err error
	for range 3 {
		if err = attempt(); err == nil {
			return
		}
	}
	t.Error(err)
}

// expectCount is an error unless the process that is asked has seen want events.
func (f function) expectCount(t *testing.T, want int) error {
	t.Helper()
	if got := f.count(t); got != want {
		return fmt.Errorf("the process has seen %d events, want %d", got, want)
	}
	return nil
}

func staysWarm(t *testing.T, fn function) {
	steadily(t, func() error {
		first := fn.count(t)
		res := fn.invoke(t, countEvent)
		if strings.Contains(res.Log, "Init Duration") || res.Payload != fmt.Sprint(first+1) {
			return fmt.Errorf("the process has seen %s events, want %d; its log:\n%s", res.Payload, first+1, res.Log)
		}
		return nil
	})
}

// reportsError expects the process to go on after an error.
func reportsError(t *testing.T, fn function, event, pattern string) {
	t.Helper()
	steadily(t, func() error {
		before := fn.count(t)
		fn.invoke(t, event).failure(t, pattern)
		return fn.expectCount(t, before+2)
	})
}

// endsProcess expects an event to end the process, and another to take over.
func endsProcess(t *testing.T, fn function, event, pattern string) {
	t.Helper()
	steadily(t, func() error {
		fn.invoke(t, event).failure(t, pattern)
		return fn.expectCount(t, 1)
	})
}

// Clients send what they know of an error in a header too, for X-Ray, up to
// 1 MiB of it.
func reportsLongError(t *testing.T, fn function) {
	const size = 1_000_000
	res := fn.invoke(t, fmt.Sprintf(`{"do":"fail","size":%d}`, size))
	got := decode[struct{ ErrorMessage string }](t, res.Payload).ErrorMessage
	if want := "no such thing" + strings.Repeat("!", size); got != want || res.FunctionError != hearth.Unhandled {
		t.Errorf("%s with a message of %d bytes, want %d: %.100s", res.FunctionError, len(got), len(want), got)
	}
	fn.count(t)
}

// requestLimit is the size in bytes that clients of AWS can count on.
const requestLimit = 6 << 20

func takesLargestPayload(t *testing.T, fn function) {
	const frame = `{"do":"return","value":""}`
	value := strings.Repeat("y", requestLimit-len(frame))
	got := fn.succeed(t, strings.Replace(frame, `""`, `"`+value+`"`, 1))
	if got != `"`+value+`"` {
		t.Errorf("%d bytes came back as %d: %.50s", len(value)+2, len(got), got)
	}
	got = fn.succeed(t, fmt.Sprintf(`{"do":"make","size":%d}`, hearth.MaxPayload-2))
	if len(got) != hearth.MaxPayload {
		t.Errorf("got %d bytes, want %d", len(got), hearth.MaxPayload)
	}
}

func outgrowsResponse(t *testing.T, fn function) {
	res := fn.invoke(t, fmt.Sprintf(`{"do":"make","size":%d}`, hearth.MaxPayload-1))
	res.failure(t, regexp.QuoteMeta(`{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).",`+
		`"errorType":"Function.ResponseSizeTooLarge"}`))
	fn.count(t)
}

func logsInItsPlace(t *testing.T, fn function) {
	res := fn.invoke(t, `{"do":"log"}`)
	if res.Payload != "null" || res.FunctionError != "" {
		t.Errorf("payload %s %s, want null", res.Payload, res.FunctionError)
	}
	id := regexp.QuoteMeta(res.RequestID)
	frame := regexp.MustCompile(`(?s)START RequestId: ` + id + ` Version: \$LATEST\n(.*)END RequestId: ` + id + `\nREPORT RequestId: ` + id + `\t`)
	match := frame.FindStringSubmatch(res.Log)
	if match == nil {
		t.Fatalf("the log is %q, want it like %s", res.Log, frame)
	}
	for _, line := range []string{"to standard output", "to standard error"} {
		if strings.Count(match[1], line) != 1 {
			t.Errorf("between START and END stands %q, want one %q", match[1], line)
		}
	}
}

func exits(t *testing.T, fn function) {
	endsProcess(t, fn, `{"do":"exit"}`,
		`\{"errorType":"Runtime\.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 3"\}`)
}

// Calls at the same time have environments of their own.
func keepsCallsApart(t *testing.T, c client) {
	fn := sandboxed.deploy(t, c.pkg, c.handler, timeoutSeconds)
	atOnce(t, 3, func(event string) (string, error) {
		res, err := fn.tryInvoke(t.Context(), event)
		return res.Payload + res.FunctionError, err
	})
}

// atOnce makes calls at the same time, each of which must get its own answer.
func atOnce(t *testing.T, calls int, invoke func(event string) (string, error)) {
	t.Helper()
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range calls {
		wg.Go(func() {
			payload, err := invoke(fmt.Sprintf(`{"do":"sleep","size":100,"value":"call %d"}`, i))
			if want := fmt.Sprintf(`"call %d"`, i); payload != want || err != nil {
				t.Errorf("call %d came back as %s, want %s (%v)", i, payload, want, err)
			}
		})
	}
}

// After a timeout the client starts again, in the same sandbox.
func timesOut(t *testing.T, c client) {
	fn := sandboxed.deploy(t, c.pkg, c.handler, 3)
	steadily(t, func() error {
		before := fn.logStream(t)
		fn.invoke(t, `{"do":"sleep","size":20000}`).failure(t,
			`\{"errorType":"Sandbox\.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 3\.00 seconds"\}`)
		if err := fn.expectCount(t, 1); err != nil {
			return err
		}
		if after := fn.logStream(t); after != before {
			return fmt.Errorf("after a timeout the log stream is %s, was %s: another sandbox", after, before)
		}
		return nil
	})
}

// logStream names the environment that answers.
func (f function) logStream(t *testing.T) string {
	t.Helper()
	return decode[struct{ LogStream string }](t, f.succeed(t, `{"do":"context"}`)).LogStream
}

// failsInit holds a package with a handler that cannot be loaded to an answer,
// which the next invocation gets too.
func failsInit(t *testing.T, pkg, handler, pattern string) {
	fn := sandboxed.deploy(t, pkg, handler, timeoutSeconds)
	for range 2 {
		fn.invoke(t, `{}`).failure(t, pattern)
	}
}

func underRIE(t *testing.T, c client) {
	rie := startRIE(t, c.pkg, append(c.entrypoint, c.handler)...)
	call := func(event string) string {
		body, err := rie.post(event)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	if body := call(`{"do":"return","value":"hello"}`); body != `"hello"` {
		t.Errorf("got %s, want \"hello\"", body)
	}
	steadily(t, func() error {
		before := decode[int](t, call(countEvent))
		if body := call(failEvent); !strings.Contains(body, `"no such thing"`) {
			t.Errorf("an error came back as %s", body)
		}
		if after := decode[int](t, call(countEvent)); after != before+2 {
			return fmt.Errorf("the process has seen %d events, want %d", after, before+2)
		}
		return nil
	})
	atOnce(t, 2, rie.post)
}
