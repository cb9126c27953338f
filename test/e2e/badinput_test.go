package e2e_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// post sends a raw invocation: stock clients check too much to send bad ones.
func (f function) post(t *testing.T, body io.Reader) (resp *http.Response, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctxFor(t), http.MethodPost, f.d.endpoint+"/2015-03-31/functions/"+f.name+"/invocations", body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err = (&http.Client{}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(content)
}

func TestInvoke_BrokenJSON(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	for _, payload := range []string{`x`, `{"a":`, `{"a":1}}`, `{'a':1}`, "\xff", `[1,]`, ` `} {
		_, err := fn.tryInvoke(t, payload)
		answer := apiError(t, err)
		if answer.ErrorCode() != "InvalidRequestContentException" ||
			!strings.HasPrefix(answer.ErrorMessage(), "Could not parse request body into json: ") {
			t.Errorf("%q: %v, want InvalidRequestContentException: Could not parse request body into json", payload, answer)
		}
	}
	if found := functionProcesses(fn.name); len(found) > 0 {
		t.Errorf("the function was started for broken events: %v", found)
	}
	expect(t, fn, "1", 1)
}

func TestInvoke_LargestPayload(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	payload := `{"eval":"len(event['x'])","x":"` + strings.Repeat("x", 6<<20-40) + `"}`
	if res := fn.invoke(t, payload); res.Payload != "6291416" {
		t.Errorf("got %s %s", res.FunctionError, res.Payload)
	}
}

func TestInvoke_PayloadTooLarge(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	payload := `{"x":"` + strings.Repeat("x", 7<<20) + `"}`
	const message = "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
	_, err := fn.tryInvoke(t, payload)
	if answer := apiError(t, err); answer.ErrorCode() != "RequestEntityTooLargeException" || answer.ErrorMessage() != message {
		t.Errorf("the SDK got %v", answer)
	}
	resp, body := fn.post(t, strings.NewReader(payload))
	if want := `{"message":"` + message + `"}`; resp.StatusCode != http.StatusRequestEntityTooLarge ||
		resp.Header.Get("X-Amzn-ErrorType") != "RequestEntityTooLargeException" || body != want {
		t.Errorf("%s %s %s, want 413 RequestEntityTooLargeException %s", resp.Status, resp.Header.Get("X-Amzn-ErrorType"), body, want)
	}
	expect(t, fn, "1", 1)
}

func TestInvoke_UnknownFunction(t *testing.T) {
	t.Parallel()
	_, err := function{shared(t), "nobody"}.tryInvoke(t, `{}`)
	want := "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody:$LATEST"
	if answer := apiError(t, err); answer.ErrorCode() != "ResourceNotFoundException" || answer.ErrorMessage() != want {
		t.Errorf("got %v, want ResourceNotFoundException: %s", answer, want)
	}
}

func TestAPI_UnknownPath(t *testing.T) {
	t.Parallel()
	resp, err := http.Get(shared(t).endpoint + "/2015-03-31/nothing")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound || resp.Header.Get("X-Amzn-ErrorType") == "" || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
}

func TestAPI_OperationThatIsNotBuilt(t *testing.T) {
	t.Parallel()
	_, err := shared(t).client().StopDurableExecution(ctxFor(t), &lambda.StopDurableExecutionInput{
		DurableExecutionArn: aws.String("arn:aws:lambda:us-east-1:000000000000:function:f:1/durable-execution/e/0b2eb2a1-6c1d-4a51-9c4e-7f3a4a3d2b10"),
	})
	resp, ok := errors.AsType[*awshttp.ResponseError](err)
	if !ok || resp.HTTPStatusCode() != http.StatusNotImplemented || !strings.Contains(apiError(t, err).ErrorMessage(), "StopDurableExecution") {
		t.Errorf("got %v, want status 501 and a message that names StopDurableExecution", err)
	}
}
