package api_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// wire is what one error looks like to a client.
type wire struct {
	status int
	code   string
	body   string
}

func TestWriteError_CodeStatusAndCasing(t *testing.T) {
	kinds := map[string]struct {
		kind error
		want wire
	}{
		"ErrNotFound":           {hearth.ErrNotFound, wire{404, "ResourceNotFoundException", `{"Message":"m","Type":"User"}`}},
		"ErrNoPublished":        {hearth.ErrNoPublished, wire{400, "NoPublishedVersionException", `{"Message":"m","Type":"User"}`}},
		"ErrInUse":              {hearth.ErrInUse, wire{400, "ResourceInUseException", `{"Message":"m","Type":"User"}`}},
		"ErrConflict":           {hearth.ErrConflict, wire{409, "ResourceConflictException", `{"Type":"User","message":"m"}`}},
		"ErrInvalid":            {hearth.ErrInvalid, wire{400, "InvalidParameterValueException", `{"Type":"User","message":"m"}`}},
		"ErrValidation":         {hearth.ErrValidation, wire{400, "ValidationException", `{"message":"m"}`}},
		"ErrPrecondition":       {hearth.ErrPrecondition, wire{412, "PreconditionFailedException", `{"Type":"User","message":"m"}`}},
		"ErrThrottled":          {hearth.ErrThrottled, wire{429, "TooManyRequestsException", `{"Type":"User","message":"m"}`}},
		"ErrTooLarge":           {hearth.ErrTooLarge, wire{413, "RequestEntityTooLargeException", `{"message":"m"}`}},
		"ErrInvalidContent":     {hearth.ErrInvalidContent, wire{400, "InvalidRequestContentException", `{"Type":"User","message":"m"}`}},
		"ErrSerialization":      {hearth.ErrSerialization, wire{400, "SerializationException", `{"Message":"m"}`}},
		"ErrUnsupportedMedia":   {hearth.ErrUnsupportedMedia, wire{415, "UnsupportedMediaTypeException", `{"Type":"User","message":"m"}`}},
		"ErrInvalidRuntime":     {hearth.ErrInvalidRuntime, wire{502, "InvalidRuntimeException", `{"Message":"m","Type":"Service"}`}},
		"ErrInvalidZip":         {hearth.ErrInvalidZip, wire{502, "InvalidZipFileException", `{"Message":"m","Type":"Service"}`}},
		"ErrCodeStorage":        {hearth.ErrCodeStorage, wire{400, "CodeStorageExceededException", `{"Type":"User","message":"m"}`}},
		"ErrDenied":             {hearth.ErrDenied, wire{403, "AccessDeniedException", `{"message":"m"}`}},
		"ErrNotImplemented":     {hearth.ErrNotImplemented, wire{501, "NotImplementedException", `{"Type":"Service","message":"m"}`}},
		"ErrUnknownOperation":   {hearth.ErrUnknownOperation, wire{404, "UnknownOperationException", `{"Type":"User","message":"m"}`}},
		"ErrUnavailable":        {hearth.ErrUnavailable, wire{500, "ServiceException", `{"Message":"m","Type":"Service"}`}},
		"ErrResourceNotReady":   {hearth.ErrResourceNotReady, wire{502, "ResourceNotReadyException", `{"Type":"Service","message":"m"}`}},
		"ErrPolicyTooLong":      {hearth.ErrPolicyTooLong, wire{400, "PolicyLengthExceededException", `{"Type":"User","message":"m"}`}},
		"ErrRecursiveInvoke":    {hearth.ErrRecursiveInvoke, wire{400, "RecursiveInvocationException", `{"Message":"m","Type":"User"}`}},
		"ErrProvisionedMissing": {hearth.ErrProvisionedMissing, wire{404, "ProvisionedConcurrencyConfigNotFoundException", `{"Type":"User","message":"m"}`}},
		"ErrCodeSigningMissing": {hearth.ErrCodeSigningMissing, wire{404, "CodeSigningConfigNotFoundException", `{"Message":"m","Type":"User"}`}},
		"ErrNoSignature":        {hearth.ErrNoSignature, wire{403, "MissingAuthenticationTokenException", `{"message":"m"}`}},
		"ErrSignatureForm":      {hearth.ErrSignatureForm, wire{403, "IncompleteSignatureException", `{"message":"m"}`}},
		"ErrSignature":          {hearth.ErrSignature, wire{403, "InvalidSignatureException", `{"message":"m"}`}},
		"ErrUnknownClient":      {hearth.ErrUnknownClient, wire{403, "UnrecognizedClientException", `{"message":"m"}`}},
		"ErrTokenExpired":       {hearth.ErrTokenExpired, wire{403, "ExpiredTokenException", `{"message":"m"}`}},
	}
	for _, name := range declaredKinds(t) {
		k, ok := kinds[name]
		if !ok {
			t.Errorf("hearth.%s is not in this table", name)
			continue
		}
		err := fmt.Errorf("while testing: %w", hearth.Errorf(k.kind, "m"))
		if got := written(err); got != k.want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, k.want)
		}
	}
}

// declaredKinds reads the error kinds from the source of package hearth, so
// that a new one cannot be forgotten.
func declaredKinds(t *testing.T) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "../errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "Err") {
			names = append(names, v.Names[0].Name)
		}
		return true
	})
	if len(names) < 20 {
		t.Fatalf("found only %d error kinds", len(names))
	}
	return names
}

func written(err error) wire {
	w := httptest.NewRecorder()
	api.WriteError(w, "id", err)
	return wire{w.Code, w.Header().Get("X-Amzn-ErrorType"), w.Body.String()}
}

func TestWriteError_NoType(t *testing.T) {
	got := written(&hearth.Error{Kind: hearth.ErrInvalid, Message: "m", NoType: true})
	if want := (wire{400, "InvalidParameterValueException", `{"message":"m"}`}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestWriteError_Throttle(t *testing.T) {
	w := httptest.NewRecorder()
	api.WriteError(w, "id", fmt.Errorf("acquire: %w", &hearth.Throttle{Reason: hearth.ThrottleConcurrency, RetryAfter: 1500 * time.Millisecond}))
	want := `{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`
	if w.Code != 429 || w.Body.String() != want || w.Header().Get("Retry-After") != "2" {
		t.Errorf("%d %s, Retry-After %q", w.Code, w.Body, w.Header().Get("Retry-After"))
	}
}

func TestWriteError_ThrottleWithoutDelay(t *testing.T) {
	w := httptest.NewRecorder()
	api.WriteError(w, "id", &hearth.Throttle{Reason: hearth.ThrottleCallerRate})
	if h, ok := w.Header()["Retry-After"]; ok {
		t.Errorf("Retry-After %v", h)
	}
}

func TestRouter_UnknownErrorsStayInside(t *testing.T) {
	var log strings.Builder
	r := api.NewRouter(api.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	api.Handle(r, api.ListFunctions, func(context.Context, *api.ListFunctionsInput) (*api.ListFunctionsOutput, error) {
		return nil, errors.New("open /secret/path: no such file")
	})
	w := serve(r, "GET", "/2015-03-31/functions", "")
	e := errorOf(t, w)
	if e.Code != "ServiceException" || e.Status != 500 || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%+v", e)
	}
	for _, part := range []string{"open /secret/path", "operation=ListFunctions", "request_id=" + w.Header().Get("X-Amzn-RequestId")} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the log lacks %q: %s", part, &log)
		}
	}
}

func TestRouter_CallersMistakesAreNotLogged(t *testing.T) {
	var log strings.Builder
	r := api.NewRouter(api.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	serve(r, "GET", "/nope", "")
	if log.Len() > 0 {
		t.Errorf("logged: %s", &log)
	}
}

func TestRouter_BrokenBodies(t *testing.T) {
	for body, want := range map[string]lambdaError{
		`{"Timeout":"1"}`:   {"SerializationException", 400, "STRING_VALUE can not be converted to an Integer", ""},
		`{"Timeout":true}`:  {"SerializationException", 400, "TRUE_VALUE can not be converted to an Integer", ""},
		`{"Timeout":false}`: {"SerializationException", 400, "FALSE_VALUE can not be converted to an Integer", ""},
		`{"Handler":1}`:     {"SerializationException", 400, "NUMBER_VALUE can not be converted to a String", ""},
		`{"Handler":{}}`:    {"SerializationException", 400, "Start of structure or map found where not expected.", ""},
		`{"Handler":[]}`:    {"SerializationException", 400, "Start of list found where not expected", ""},
		`{"Layers":"x"}`:    {"SerializationException", 400, "Expected list or null", ""},
		`{"Handler":`:       {"InvalidRequestContentException", 400, "Could not parse request body into json: unexpected end of JSON input", "User"},
		`[]`:                {"SerializationException", 400, "Start of list found where not expected", ""},
	} {
		r, _ := captured(api.UpdateFunctionConfiguration)
		e := errorOf(t, serve(r, "PUT", "/2015-03-31/functions/f/configuration", body))
		if diff := cmp.Diff(want, e); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

func TestRouter_BrokenQuery(t *testing.T) {
	r, _ := captured(api.ListFunctions)
	e := errorOf(t, serve(r, "GET", "/2015-03-31/functions?MaxItems=many", ""))
	want := lambdaError{"SerializationException", 400, "STRING_VALUE can not be converted to an Integer", ""}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
}

func TestSDK_DecodesErrors(t *testing.T) {
	var fail error
	r := api.NewRouter(api.Options{})
	api.Handle(r, api.Invoke, func(context.Context, *api.InvokeInput) (*api.InvokeOutput, error) { return nil, fail })
	srv := httptest.NewServer(r)
	defer srv.Close()
	client := newClient(srv.URL)
	for code, err := range map[string]error{
		"ResourceNotFoundException":      hearth.Errorf(hearth.ErrNotFound, "the message"),
		"ResourceConflictException":      hearth.Errorf(hearth.ErrConflict, "the message"),
		"InvalidParameterValueException": hearth.Errorf(hearth.ErrInvalid, "the message"),
		"InvalidZipFileException":        hearth.Errorf(hearth.ErrInvalidZip, "the message"),
		"ValidationException":            hearth.Errorf(hearth.ErrValidation, "the message"),
		"AccessDeniedException":          hearth.Errorf(hearth.ErrDenied, "the message"),
		"NotImplementedException":        hearth.Errorf(hearth.ErrNotImplemented, "the message"),
	} {
		fail = err
		_, got := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f")})
		var apiErr smithy.APIError
		if !errors.As(got, &apiErr) || apiErr.ErrorCode() != code || apiErr.ErrorMessage() != "the message" {
			t.Errorf("%s: got %v", code, got)
		}
	}
}

func TestSDK_DecodesThrottles(t *testing.T) {
	r := api.NewRouter(api.Options{})
	api.Handle(r, api.Invoke, func(context.Context, *api.InvokeInput) (*api.InvokeOutput, error) {
		return nil, &hearth.Throttle{Reason: hearth.ThrottleReservedConcurrency, RetryAfter: 3 * time.Second}
	})
	srv := httptest.NewServer(r)
	defer srv.Close()
	_, err := newClient(srv.URL).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f")})
	var throttle *types.TooManyRequestsException
	if !errors.As(err, &throttle) {
		t.Fatalf("got %v", err)
	}
	got := []string{string(throttle.Reason), aws.ToString(throttle.RetryAfterSeconds), aws.ToString(throttle.Message), aws.ToString(throttle.Type)}
	if diff := cmp.Diff([]string{"ReservedFunctionConcurrentInvocationLimitExceeded", "3", "Rate Exceeded.", "User"}, got); diff != "" {
		t.Error(diff)
	}
}
