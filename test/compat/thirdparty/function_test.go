package thirdparty_test

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthd/hearth/test/compat/fetch"
	"github.com/hearthd/hearth/test/deployment"
)

// patience is how long anything but a build may take. Machines that run tests
// are busy.
const patience = time.Minute

// settings of a function.
type settings struct {
	runtime, handler string
	code             []byte            // archive
	layers           [][]byte          // archives; that of the sink comes last
	env              map[string]string // variables
	timeoutSeconds   int32             // 30 if it is 0
}

// function is a deployed function.
type function struct{ name string }

func deploy(t *testing.T, s settings) function {
	t.Helper()
	fn := function{strings.ReplaceAll(t.Name(), "/", "-")}
	var layers []string
	for i, archive := range append(s.layers, packed(t, filepath.Join(programs, "sink"), "extensions/sink")) {
		out, err := client.PublishLayerVersion(t.Context(), &lambda.PublishLayerVersionInput{
			LayerName: aws.String(fmt.Sprintf("%s-%d", fn.name, i)), Content: &types.LayerVersionContentInput{ZipFile: archive},
		})
		if err != nil {
			t.Fatal(err)
		}
		layers = append(layers, *out.LayerVersionArn)
	}
	_, err := client.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: &fn.name, Role: aws.String("arn:aws:iam::000000000000:role/lambda"), Runtime: types.Runtime(s.runtime),
		Handler: &s.handler, Code: &types.FunctionCode{ZipFile: s.code}, Layers: layers,
		Environment: &types.Environment{Variables: s.env}, MemorySize: aws.Int32(1769), Timeout: aws.Int32(cmp.Or(s.timeoutSeconds, 30)),
	})
	if err != nil {
		t.Fatal(err)
	}
	active := lambda.NewFunctionActiveV2Waiter(client, func(o *lambda.FunctionActiveV2WaiterOptions) { o.MinDelay = 50 * time.Millisecond })
	if err := active.Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: &fn.name}, patience); err != nil {
		t.Fatal(err)
	}
	return fn
}

// packed is an archive of one program, as the file that is named.
func packed(t *testing.T, program, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := deployment.Zip(map[string][]byte{name: content})
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

// archived is a directory as a ZIP archive.
func archived(t *testing.T, dir string) []byte {
	t.Helper()
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	if err := errors.Join(w.AddFS(os.DirFS(dir)), w.Close()); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

// answer is what an invocation came to.
type answer struct{ payload, functionError, log string }

func (f function) invoke(t *testing.T, event string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &f.name, Payload: []byte(event), LogType: types.LogTypeTail})
	if err != nil {
		t.Fatalf("invoke %s with %.100s: %v", f.name, event, err)
	}
	log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	if err != nil {
		t.Fatal(err)
	}
	return answer{string(out.Payload), aws.ToString(out.FunctionError), string(log)}
}

// succeed invokes a function that returns its request ID, and returns that.
func (f function) succeed(t *testing.T, event string) (requestID string) {
	t.Helper()
	got := f.invoke(t, event)
	var result struct{ ID string }
	if err := json.Unmarshal([]byte(got.payload), &result); err != nil || result.ID == "" || got.functionError != "" {
		t.Fatalf("%s %s (%v); the log:\n%s", got.functionError, got.payload, err, got.log)
	}
	return result.ID
}

// fail invokes a function with an event that makes it fail.
func (f function) fail(t *testing.T, event, want string) {
	t.Helper()
	if got := f.invoke(t, event); got.functionError != "Unhandled" || !strings.Contains(got.payload, want) {
		t.Errorf("%s %s, want an error with %q; the log:\n%s", got.functionError, got.payload, want, got.log)
	}
}

// end ends the function's environments.
func (f function) end(t *testing.T) {
	t.Helper()
	if _, err := client.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &f.name, Description: aws.String("ends environments"),
	}); err != nil {
		t.Fatal(err)
	}
}

// await waits until the function's log is as wanted.
func (f function) await(t *testing.T, what string, wanted func(log string) bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience / 3); ; <-tick.C {
		log := fetch.Run(t, ".", nil, hearthBinary, "logs", f.name, "--endpoint", endpoint)
		if wanted(log) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("there is no %s; the log:\n%s", what, log)
		}
	}
}

// awaitLine waits until a line of the function's log has all of some texts.
func (f function) awaitLine(t *testing.T, texts ...string) {
	t.Helper()
	f.await(t, "line with "+strings.Join(texts, ", "), func(log string) bool {
		for line := range strings.Lines(log) {
			if hasAll(line, texts) {
				return true
			}
		}
		return false
	})
}

// awaitSent waits until the sink has got a request to a path whose body has all
// of some texts.
func (f function) awaitSent(t *testing.T, path string, texts ...string) {
	t.Helper()
	f.await(t, "request to "+path+" with "+strings.Join(texts, ", "), func(log string) bool {
		for _, request := range sent(log) {
			if request.Path == path && hasAll(request.Body, texts) {
				return true
			}
		}
		return false
	})
}

// request is what the sink prints of one.
type request struct{ Path, Body string }

// sent is what the sink has got.
func sent(log string) []request {
	var all []request
	for line := range strings.Lines(log) {
		_, printed, found := strings.Cut(line, "sink: ")
		var r request
		if found && json.Unmarshal([]byte(printed), &r) == nil {
			all = append(all, r)
		}
	}
	return all
}

func hasAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}
