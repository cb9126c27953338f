package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/api"
)

// serve sends one request through a router, without a network.
func serve(r http.Handler, method, target, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
	return w
}

// captured returns a router that keeps the last input of an operation.
func captured[In, Out any](op api.Op[In, Out]) (*api.Router, *In) {
	got := new(In)
	r := api.NewRouter(api.Options{})
	api.Handle(r, op, func(_ context.Context, in *In) (*Out, error) {
		*got = *in
		return nil, nil
	})
	return r, got
}

const functionARN = "arn:aws:lambda:us-east-1:123456789012:function:f"

func TestRouter_LabelForms(t *testing.T) {
	for _, path := range []string{
		functionARN,
		strings.ReplaceAll(functionARN, ":", "%3A"),
		strings.ReplaceAll(functionARN, ":", "%3a"),
	} {
		r, got := captured(api.GetFunction)
		if w := serve(r, "GET", "/2015-03-31/functions/"+path, ""); w.Code != 200 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		if name := api.Value(got.FunctionName); name != functionARN {
			t.Errorf("%s: decoded %q", path, name)
		}
	}
}

func TestRouter_SlashesInAnARN(t *testing.T) {
	const arn = functionARN + ":1/durable-execution/name/id"
	for _, label := range []string{arn, strings.ReplaceAll(arn, "/", "%2F"), strings.NewReplacer("/", "%2F", ":", "%3A").Replace(arn)} {
		for suffix, op := range map[string]string{"": "GetDurableExecution", "/history": "GetDurableExecutionHistory", "/state?CheckpointToken=abcd": "GetDurableExecutionState"} {
			r := api.NewRouter(api.Options{})
			var called, decoded string
			note := func(ctx context.Context, arn *string) { called, decoded = api.CallFrom(ctx).Operation, *arn }
			api.Handle(r, api.GetDurableExecution, func(ctx context.Context, in *api.GetDurableExecutionInput) (*api.GetDurableExecutionOutput, error) {
				note(ctx, in.DurableExecutionArn)
				return nil, nil
			})
			api.Handle(r, api.GetDurableExecutionHistory, func(ctx context.Context, in *api.GetDurableExecutionHistoryInput) (*api.GetDurableExecutionHistoryOutput, error) {
				note(ctx, in.DurableExecutionArn)
				return nil, nil
			})
			api.Handle(r, api.GetDurableExecutionState, func(ctx context.Context, in *api.GetDurableExecutionStateInput) (*api.GetDurableExecutionStateOutput, error) {
				note(ctx, in.DurableExecutionArn)
				return nil, nil
			})
			w := serve(r, "GET", "/2025-12-01/durable-executions/"+label+suffix, "")
			if called != op || decoded != arn {
				t.Errorf("%s%s: called %q with %q: %d %s", label, suffix, called, decoded, w.Code, w.Body)
			}
		}
	}
}

func TestRouter_QueryTellsOperationsApart(t *testing.T) {
	r := newRouter()
	for target, want := range map[string]string{
		"/2019-09-30/functions/f/provisioned-concurrency?List=ALL":            "ListProvisionedConcurrencyConfigs",
		"/2019-09-30/functions/f/provisioned-concurrency?List=ALL&MaxItems=1": "ListProvisionedConcurrencyConfigs",
		"/2019-09-30/functions/f/provisioned-concurrency?Qualifier=1":         "GetProvisionedConcurrencyConfig",
		"/2018-10-31/layers": "ListLayers",
		"/2018-10-31/layers?find=LayerVersion&Arn=arn:aws:lambda:::awslayer:AmazonLinux": "GetLayerVersionByArn",
	} {
		var got string
		note := func(ctx context.Context) { got = api.CallFrom(ctx).Operation }
		api.Handle(r, api.ListProvisionedConcurrencyConfigs, func(ctx context.Context, _ *api.ListProvisionedConcurrencyConfigsInput) (*api.ListProvisionedConcurrencyConfigsOutput, error) {
			note(ctx)
			return nil, nil
		})
		api.Handle(r, api.GetProvisionedConcurrencyConfig, func(ctx context.Context, _ *api.GetProvisionedConcurrencyConfigInput) (*api.GetProvisionedConcurrencyConfigOutput, error) {
			note(ctx)
			return nil, nil
		})
		api.Handle(r, api.ListLayers, func(ctx context.Context, _ *api.ListLayersInput) (*api.ListLayersOutput, error) {
			note(ctx)
			return nil, nil
		})
		api.Handle(r, api.GetLayerVersionByArn, func(ctx context.Context, _ *api.GetLayerVersionByArnInput) (*api.GetLayerVersionByArnOutput, error) {
			note(ctx)
			return nil, nil
		})
		if w := serve(r, "GET", target, ""); got != want {
			t.Errorf("%s: called %q, want %q: %s", target, got, want, w.Body)
		}
	}
}

func TestRouter_TrailingSlash(t *testing.T) {
	r, _ := captured(api.ListFunctions)
	if w := serve(r, "GET", "/2015-03-31/functions/", ""); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// lambdaError is an error body as clients see it.
type lambdaError struct {
	Code    string
	Status  int
	Message string
	Type    string
}

func errorOf(t *testing.T, w *httptest.ResponseRecorder) lambdaError {
	t.Helper()
	e := lambdaError{Code: w.Header().Get("X-Amzn-ErrorType"), Status: w.Code}
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Errorf("body %q: %v", w.Body, err)
	}
	if w.Header().Get("X-Amzn-RequestId") == "" {
		t.Error("no request id")
	}
	return e
}

func TestRouter_UnknownPath(t *testing.T) {
	for _, path := range []string{"/", "/nope", "/2015-03-31", "/2015-03-31/functions/f/nope", "/2015-03-31/functions//code",
		"/2016-03-31/functions", "//2015-03-31/functions", "/2015-03-31/functions/a/b", "/" + strings.Repeat("a/", 5000)} {
		e := errorOf(t, serve(newRouter(), "GET", path, ""))
		want := lambdaError{"UnknownOperationException", 404, "GET " + path + " is no operation of the Lambda API, which is what answers here.", "User"}
		if diff := cmp.Diff(want, e); diff != "" {
			t.Errorf("%.40s (-want +got):\n%s", path, diff)
		}
	}
}

func TestRouter_WrongMethodNamesTheRightOnes(t *testing.T) {
	e := errorOf(t, serve(newRouter(), "PATCH", "/2015-03-31/functions/f", ""))
	want := lambdaError{"UnknownOperationException", 404, "PATCH /2015-03-31/functions/f is no operation of the Lambda API, which is what answers here; the path takes DELETE, GET.", "User"}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
}

func TestRouter_OperationWithoutHandler(t *testing.T) {
	e := errorOf(t, serve(api.NewRouter(api.Options{}), "GET", "/2015-03-31/functions", ""))
	want := lambdaError{"NotImplementedException", 501, "The operation ListFunctions is part of the Lambda API, but this version of hearth does not implement it.", "Service"}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
}

func TestRouter_InvokeAnswer(t *testing.T) {
	r := api.NewRouter(api.Options{})
	api.Handle(r, api.Invoke, func(context.Context, *api.InvokeInput) (*api.InvokeOutput, error) {
		return &api.InvokeOutput{ExecutedVersion: api.Ptr("$LATEST"), Payload: []byte("null"), FunctionError: api.Ptr("Unhandled")}, nil
	})
	w := serve(r, "POST", "/2015-03-31/functions/f/invocations", "{}")
	want := http.Header{
		"Content-Type":           {"application/json"},
		"Content-Length":         {"4"},
		"X-Amz-Executed-Version": {"$LATEST"},
		"X-Amz-Function-Error":   {"Unhandled"},
		"X-Amzn-Requestid":       w.Header()["X-Amzn-Requestid"],
	}
	if diff := cmp.Diff(want, w.Header()); w.Code != 200 || w.Body.String() != "null" || diff != "" {
		t.Errorf("%d %q (-want +got):\n%s", w.Code, w.Body, diff)
	}
}

func TestRouter_StatusOfTheOutput(t *testing.T) {
	for _, status := range []int{202, 204} {
		r := api.NewRouter(api.Options{})
		api.Handle(r, api.Invoke, func(context.Context, *api.InvokeInput) (*api.InvokeOutput, error) {
			return &api.InvokeOutput{StatusCode: api.Ptr(status)}, nil
		})
		if w := serve(r, "POST", "/2015-03-31/functions/f/invocations", ""); w.Code != status || w.Body.Len() > 0 {
			t.Errorf("%d %q, want %d and no body", w.Code, w.Body, status)
		}
	}
}

func TestRouter_EmptyListsAndMapsAreSent(t *testing.T) {
	r := api.NewRouter(api.Options{})
	api.Handle(r, api.GetFunctionConfiguration, func(context.Context, *api.GetFunctionConfigurationInput) (*api.FunctionConfiguration, error) {
		return &api.FunctionConfiguration{
			Description:   api.Ptr(""),
			Architectures: []string{},
			Environment:   &api.EnvironmentResponse{Variables: map[string]string{}},
			Handler:       api.Ptr("<a&b>"),
		}, nil
	})
	w := serve(r, "GET", "/2015-03-31/functions/f/configuration", "")
	want := `{"Handler":"<a&b>","Description":"","Environment":{"Variables":{}},"Architectures":[]}`
	if w.Body.String() != want {
		t.Errorf("\n got %s\nwant %s", w.Body, want)
	}
}

func TestRouter_AbsentDiffersFromEmpty(t *testing.T) {
	r, got := captured(api.UpdateFunctionConfiguration)
	serve(r, "PUT", "/2015-03-31/functions/f/configuration", `{"Description":"","Layers":[],"Environment":{"Variables":{}},"Handler":null}`)
	want := api.UpdateFunctionConfigurationInput{
		FunctionName: api.Ptr("f"),
		Description:  api.Ptr(""),
		Layers:       []string{},
		Environment:  &api.Environment{Variables: map[string]string{}},
	}
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRouter_BodyCannotSetThePath(t *testing.T) {
	r, got := captured(api.UpdateFunctionConfiguration)
	serve(r, "PUT", "/2015-03-31/functions/f/configuration", `{"FunctionName":"other"}`)
	if name := api.Value(got.FunctionName); name != "f" {
		t.Errorf("the function is %q", name)
	}
}

func TestCall_CarriesIDAndRequest(t *testing.T) {
	r := api.NewRouter(api.Options{})
	var got *api.Call
	api.Handle(r, api.ListFunctions, func(ctx context.Context, _ *api.ListFunctionsInput) (*api.ListFunctionsOutput, error) {
		got = api.CallFrom(ctx)
		got.Response.Set("X-Extra", "1")
		return nil, nil
	})
	req := httptest.NewRequest("GET", "/2015-03-31/functions", nil)
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	if got.RequestID == "" || got.Operation != "ListFunctions" || got.HTTP != req {
		t.Errorf("%+v", got)
	}
	if w.Header().Get("X-Amzn-RequestId") != got.RequestID || w.Header().Get("X-Extra") != "1" {
		t.Errorf("headers %v", w.Header())
	}
}

func TestNewRequestID_IsAVersion4UUID(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := api.NewRequestID()
		if seen[id] {
			t.Fatalf("%s came twice", id)
		}
		seen[id] = true
		b := []byte(id)
		for i, c := range b {
			switch {
			case i == 8 || i == 13 || i == 18 || i == 23:
				if c != '-' {
					t.Fatalf("%s: no dash at %d", id, i)
				}
			case i == 14 && c != '4', i == 19 && !bytes.ContainsRune([]byte("89ab"), rune(c)), !bytes.ContainsRune([]byte("0123456789abcdef"), rune(c)):
				t.Fatalf("%s: %c at %d", id, c, i)
			}
		}
	}
}

func TestHandleStream_ErrorBeforeAndAfterTheFirstByte(t *testing.T) {
	for _, started := range []bool{false, true} {
		r := api.NewRouter(api.Options{})
		api.HandleStream(r, api.InvokeWithResponseStream, func(_ context.Context, _ *api.InvokeWithResponseStreamInput, w http.ResponseWriter) error {
			if started {
				if _, err := w.Write([]byte("chunk")); err != nil {
					return err
				}
			}
			return context.DeadlineExceeded
		})
		w := serve(r, "POST", "/2021-11-15/functions/f/response-streaming-invocations", "")
		if started && (w.Code != 200 || w.Body.String() != "chunk") {
			t.Errorf("started: %d %q", w.Code, w.Body)
		}
		if !started && errorOf(t, w).Code != "ServiceException" {
			t.Errorf("not started: %d %q", w.Code, w.Body)
		}
	}
}

func TestHandleStream_Flushes(t *testing.T) {
	r := api.NewRouter(api.Options{})
	api.HandleStream(r, api.InvokeWithResponseStream, func(_ context.Context, _ *api.InvokeWithResponseStreamInput, w http.ResponseWriter) error {
		return http.NewResponseController(w).Flush()
	})
	if w := serve(r, "POST", "/2021-11-15/functions/f/response-streaming-invocations", ""); !w.Flushed {
		t.Error("nothing was flushed")
	}
}

func TestRouterOperation_NamesWhatARequestIsFor(t *testing.T) {
	r := newRouter()
	for target, want := range map[string]string{
		"GET /2015-03-31/functions/f":                                        "GetFunction",
		"PUT /2015-03-31/functions/f/code":                                   "UpdateFunctionCode",
		"GET /2019-09-30/functions/f/provisioned-concurrency?List=ALL":       "ListProvisionedConcurrencyConfigs",
		"GET /2019-09-30/functions/f/provisioned-concurrency?Qualifier=live": "GetProvisionedConcurrencyConfig",
		"PATCH /2015-03-31/functions/f":                                      "",
		"GET /2015-03-31/nothing":                                            "",
	} {
		method, path, _ := strings.Cut(target, " ")
		if got := r.Operation(httptest.NewRequest(method, path, nil)); got != want {
			t.Errorf("%s is for %q, want %q", target, got, want)
		}
	}
}
