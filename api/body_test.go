package api_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/api"
)

// small are limits that tests can reach cheaply.
var small = api.Options{MaxPayload: 1000, MaxEvent: 100, MaxRequest: 5000}

func invokeEcho(o api.Options) *api.Router {
	r := api.NewRouter(o)
	api.Handle(r, api.Invoke, func(_ context.Context, in *api.InvokeInput) (*api.InvokeOutput, error) {
		return &api.InvokeOutput{Payload: in.Payload}, nil
	})
	return r
}

// unsized hides the length of a body, as chunked encoding does.
type unsized struct{ io.Reader }

func send(r http.Handler, target, invocation string, body io.Reader) *httptest.ResponseRecorder {
	req := httptest.NewRequest("POST", target, body)
	if invocation != "" {
		req.Header.Set("X-Amz-Invocation-Type", invocation)
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w
}

const invocations = "/2015-03-31/functions/f/invocations"

func TestPayload_OfExactlyTheLimit(t *testing.T) {
	for kind, limit := range map[string]int{"": 1000, "RequestResponse": 1000, "Event": 100} {
		payload := strings.Repeat("x", limit)
		for name, body := range map[string]io.Reader{"sized": strings.NewReader(payload), "unsized": unsized{strings.NewReader(payload)}} {
			if w := send(invokeEcho(small), invocations, kind, body); w.Code != 200 || w.Body.String() != payload {
				t.Errorf("%q %s: %d, %d bytes", kind, name, w.Code, w.Body.Len())
			}
		}
	}
}

func TestPayload_BeyondTheLimit(t *testing.T) {
	for kind, message := range map[string]string{
		"RequestResponse": "Request must be smaller than 1000 bytes for the InvokeFunction operation",
		"Event":           "1007 byte payload is too large for the Event invocation type (limit 100 bytes)",
	} {
		payload := strings.Repeat("x", 1007)
		for name, body := range map[string]io.Reader{"sized": strings.NewReader(payload), "unsized": unsized{strings.NewReader(payload)}} {
			e := errorOf(t, send(invokeEcho(small), invocations, kind, body))
			want := lambdaError{"RequestEntityTooLargeException", 413, message, ""}
			if diff := cmp.Diff(want, e); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", kind, name, diff)
			}
		}
	}
}

func TestPayload_AWSLimitByDefault(t *testing.T) {
	r := invokeEcho(api.Options{})
	if w := send(r, invocations, "", bytes.NewReader(make([]byte, 6291456))); w.Code != 200 {
		t.Errorf("at the limit: %d %s", w.Code, w.Body)
	}
	if w := send(r, invocations, "", bytes.NewReader(make([]byte, 6291457))); w.Code != 413 {
		t.Errorf("beyond the limit: %d", w.Code)
	}
}

func TestRequest_BeyondTheLimit(t *testing.T) {
	for name, c := range map[string]struct {
		target string
		size   int
		want   string
	}{
		"code": {"/2015-03-31/functions", 5001, "Request must be smaller than 5000 bytes for the CreateFunction operation"},
		"none": {"/2015-03-31/functions/f/aliases", 1001, "Request must be smaller than 1000 bytes for the CreateAlias operation"},
	} {
		e := errorOf(t, send(newRouterWith(small), c.target, "", strings.NewReader(strings.Repeat(" ", c.size))))
		if diff := cmp.Diff(lambdaError{"RequestEntityTooLargeException", 413, c.want, ""}, e); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func newRouterWith(o api.Options) *api.Router {
	s := &suite{router: api.NewRouter(o)}
	eachOperation(s)
	return s.router
}

func TestPayload_SDKSeesTheRefusal(t *testing.T) {
	srv := httptest.NewServer(invokeEcho(api.Options{}))
	defer srv.Close()
	_, err := newClient(srv.URL).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), Payload: make([]byte, 20<<20)})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "RequestEntityTooLargeException" {
		t.Fatalf("got %v", err)
	}
}

func TestRequest_SDKSeesTheRefusal(t *testing.T) {
	srv := httptest.NewServer(newRouterWith(small))
	defer srv.Close()
	_, err := newClient(srv.URL).CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("f"), Role: aws.String("arn:aws:iam::123456789012:role/r"),
		Code: &types.FunctionCode{ZipFile: make([]byte, 1<<20)},
	})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "RequestEntityTooLargeException" ||
		refused.ErrorMessage() != "Request must be smaller than 5000 bytes for the CreateFunction operation" {
		t.Fatalf("got %v", err)
	}
}

func TestRequest_SDKSeesThatNothingHandlesIt(t *testing.T) {
	srv := httptest.NewServer(api.NewRouter(api.Options{}))
	defer srv.Close()
	_, err := newClient(srv.URL).PublishLayerVersion(t.Context(), &lambda.PublishLayerVersionInput{
		LayerName: aws.String("l"), Content: &types.LayerVersionContentInput{ZipFile: make([]byte, 20<<20)},
	})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "NotImplementedException" {
		t.Fatalf("got %v", err)
	}
}

func TestRequest_LargeCodeArrivesWhole(t *testing.T) {
	zip := bytes.Repeat([]byte("0123456789abcdef"), 20<<20/16)
	r := api.NewRouter(api.Options{})
	var got []byte
	var sum [sha256.Size]byte
	api.Handle(r, api.UpdateFunctionCode, func(_ context.Context, in *api.UpdateFunctionCodeInput) (*api.UpdateFunctionCodeOutput, error) {
		got, sum = make([]byte, in.ZipFile.Size()), in.ZipFile.Sum()
		if _, err := in.ZipFile.ReadAt(got, 0); err != nil {
			t.Error(err)
		}
		return nil, nil
	})
	srv := httptest.NewServer(r)
	defer srv.Close()
	if _, err := newClient(srv.URL).UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: zip}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(zip, got) || sum != sha256.Sum256(zip) {
		t.Errorf("sent %d bytes, got %d", len(zip), len(got))
	}
}

func TestRequest_ClientThatSendsAllBeforeItReads(t *testing.T) {
	srv := httptest.NewServer(invokeEcho(small))
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const size = 16 << 20
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", invocations, size)
	if _, err := conn.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 413 {
		t.Errorf("%s", res.Status)
	}
}

func TestRequest_ClientThatWaitsIsToldAtOnce(t *testing.T) {
	srv := httptest.NewServer(invokeEcho(small))
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n", invocations)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 413 {
		t.Errorf("%s", res.Status)
	}
}

func TestRequest_ClientThatBreaksOff(t *testing.T) {
	req := httptest.NewRequest("POST", invocations, unsized{strings.NewReader("half")})
	req.ContentLength = 8
	w := httptest.NewRecorder()
	invokeEcho(small).ServeHTTP(w, req)
	if e := errorOf(t, w); e.Code != "InvalidRequestContentException" {
		t.Errorf("%+v", e)
	}
}

// late is a body whose next piece did not come in time.
type late struct{}

func (late) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

func TestRequest_BodyThatDoesNotCome(t *testing.T) {
	r := api.NewRouter(api.Options{})
	api.Handle(r, api.CreateAlias, func(context.Context, *api.CreateAliasInput) (*api.CreateAliasOutput, error) {
		t.Error("the handler was called")
		return &api.CreateAliasOutput{}, nil
	})
	answer := send(r, "/2015-03-31/functions/f/aliases", "", io.MultiReader(strings.NewReader("{"), late{}))
	if answer.Code != http.StatusBadRequest || !strings.Contains(answer.Body.String(), "does not come") {
		t.Errorf("answer %d %s, want a 400 that says that the body does not come", answer.Code, answer.Body)
	}
}
