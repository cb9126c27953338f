package api_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream/eventstreamapi"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/api"
)

// suite is what eachOperation visits the operations with: a router behind a real
// server, and AWS's client in front of it; or a router alone, whose operations
// then just succeed.
type suite struct {
	t      *testing.T
	router *api.Router
	client *lambda.Client
}

func newSuite(t *testing.T) *suite {
	t.Helper()
	router := api.NewRouter(api.Options{})
	srv := httptest.NewServer(router)
	t.Cleanup(srv.Close)
	return &suite{t, router, newClient(srv.URL)}
}

// newRouter returns a router whose operations do nothing and succeed.
func newRouter() *api.Router {
	s := &suite{router: api.NewRouter(api.Options{})}
	eachOperation(s)
	return s.router
}

func newClient(url string) *lambda.Client {
	return lambda.New(lambda.Options{
		BaseEndpoint: aws.String(url),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		Retryer:      aws.NopRetryer{},
	})
}

func TestRoundTrip_EveryOperation(t *testing.T) { eachOperation(newSuite(t)) }

func TestRouter_KnowsEveryOperationOfTheSDK(t *testing.T) {
	known := api.NewRouter(api.Options{}).Operations()
	if len(known) != 88 {
		t.Errorf("the router knows %d operations, want 88", len(known))
	}
	client := reflect.TypeFor[*lambda.Client]()
	seen := 0
	for m := range client.Methods() {
		if m.Type.NumIn() != 4 || m.Type.NumOut() != 2 { // receiver, context, input, options
			continue
		}
		seen++
		if !slices.Contains(known, m.Name) {
			t.Errorf("the router lacks %s", m.Name)
		}
	}
	if seen < 80 {
		t.Errorf("found only %d operations in the SDK", seen)
	}
}

// visit sends an operation's input with the SDK and looks at what arrives, then
// does the same for the output on its way back.
func visit[In, Out any](s *suite, op api.Op[In, Out]) {
	if s.client == nil {
		api.Handle(s.router, op, func(context.Context, *In) (*Out, error) { return nil, nil })
		return
	}
	s.t.Run(op.Name(), func(t *testing.T) {
		var got *In
		out := new(Out)
		fill(t, reflect.ValueOf(out).Elem(), "")
		api.Handle(s.router, op, func(ctx context.Context, in *In) (*Out, error) {
			got = in
			return out, nil
		})
		sent, received, err := call(t, s.client, op.Name())
		if err != nil {
			t.Fatal(err)
		}
		if got == nil {
			t.Fatal("the handler did not run")
		}
		if diff := cmp.Diff(tree(reflect.ValueOf(sent)), tree(reflect.ValueOf(got))); diff != "" {
			t.Errorf("input (-sent +decoded):\n%s", diff)
		}
		if diff := cmp.Diff(tree(reflect.ValueOf(out)), tree(reflect.ValueOf(received))); diff != "" {
			t.Errorf("output (-sent +decoded):\n%s", diff)
		}
	})
}

// visitStream is visit for an answer of events, which the SDK's encoder writes.
func visitStream(s *suite, op api.StreamOp[api.InvokeWithResponseStreamInput]) {
	if s.client == nil {
		api.HandleStream(s.router, op, func(context.Context, *api.InvokeWithResponseStreamInput, http.ResponseWriter) error { return nil })
		return
	}
	s.t.Run(op.Name(), func(t *testing.T) {
		chunk := &api.InvokeResponseStreamUpdate{}
		complete := &api.InvokeWithResponseStreamCompleteEvent{}
		fill(t, reflect.ValueOf(chunk).Elem(), "")
		fill(t, reflect.ValueOf(complete).Elem(), "")
		var got *api.InvokeWithResponseStreamInput
		api.HandleStream(s.router, op, func(ctx context.Context, in *api.InvokeWithResponseStreamInput, w http.ResponseWriter) error {
			got = in
			w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
			w.Header().Set("X-Amz-Executed-Version", "7")
			return writeEvents(w, chunk, complete)
		})
		sent, received, err := call(t, s.client, op.Name())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tree(reflect.ValueOf(sent)), tree(reflect.ValueOf(got))); diff != "" {
			t.Errorf("input (-sent +decoded):\n%s", diff)
		}
		out := received.(*lambda.InvokeWithResponseStreamOutput)
		if v := aws.ToString(out.ExecutedVersion); v != "7" {
			t.Errorf("executed version %q, want 7", v)
		}
		var events []any
		for e := range out.GetStream().Events() {
			switch e := e.(type) {
			case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
				events = append(events, tree(reflect.ValueOf(e.Value)))
			case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
				events = append(events, tree(reflect.ValueOf(e.Value)))
			}
		}
		if err := out.GetStream().Err(); err != nil {
			t.Error(err)
		}
		want := []any{tree(reflect.ValueOf(chunk)), tree(reflect.ValueOf(complete))}
		if diff := cmp.Diff(want, events); diff != "" {
			t.Errorf("events (-sent +decoded):\n%s", diff)
		}
	})
}

func writeEvents(w http.ResponseWriter, chunk *api.InvokeResponseStreamUpdate, complete *api.InvokeWithResponseStreamCompleteEvent) error {
	enc := eventstream.NewEncoder()
	end, err := json.Marshal(complete)
	if err != nil {
		return err
	}
	for _, e := range []struct {
		name, contentType string
		payload           []byte
	}{{"PayloadChunk", "application/octet-stream", chunk.Payload}, {"InvokeComplete", "application/json", end}} {
		msg := eventstream.Message{Payload: e.payload}
		msg.Headers.Set(eventstreamapi.MessageTypeHeader, eventstream.StringValue(eventstreamapi.EventMessageType))
		msg.Headers.Set(eventstreamapi.EventTypeHeader, eventstream.StringValue(e.name))
		msg.Headers.Set(eventstreamapi.ContentTypeHeader, eventstream.StringValue(e.contentType))
		if err := enc.Encode(w, msg); err != nil {
			return err
		}
	}
	return nil
}

// call fills the input of one of the SDK's operations and sends it.
func call(t *testing.T, client *lambda.Client, operation string) (sent, received any, err error) {
	t.Helper()
	method := reflect.ValueOf(client).MethodByName(operation)
	in := reflect.New(method.Type().In(1).Elem())
	fill(t, in.Elem(), "")
	res := method.Call([]reflect.Value{reflect.ValueOf(t.Context()), in})
	err, _ = res[1].Interface().(error)
	return in.Interface(), res[0].Interface(), err
}

// fill sets everything below v to values that the model allows. name is the
// member's, as Type.Member.
func fill(t *testing.T, v reflect.Value, name string) {
	t.Helper()
	switch v.Addr().Interface().(type) {
	case *time.Time:
		v.Set(reflect.ValueOf(time.UnixMilli(1_750_000_000_123).UTC()))
		return
	case *[]byte:
		v.SetBytes([]byte(`{"k":1}`))
		return
	}
	if v.Type() == reflect.TypeFor[io.Reader]() {
		v.Set(reflect.ValueOf(strings.NewReader(`{"k":1}`)))
		return
	}
	if values := v.MethodByName("Values"); values.IsValid() { // an enum of the SDK
		all := values.Call(nil)[0]
		v.Set(all.Index(all.Len() - 1))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), name)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Name != "ResultMetadata" {
				fill(t, v.Field(i), v.Type().Name()+"."+f.Name)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0), name)
	case reflect.Map:
		key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key, name+".key")
		fill(t, elem, name)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, elem)
	case reflect.String:
		v.SetString(sampleString(name))
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(sampleNumber(name))
	case reflect.Float64:
		v.SetFloat(float64(sampleNumber(name)) / 2)
	case reflect.Bool:
		v.SetBool(true)
	default:
		t.Fatalf("cannot fill a %s", v.Type())
	}
}

// tree turns a structure into maps, lists and scalars, without what is absent,
// so that the SDK's types compare with ours.
func tree(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case api.Time:
		return tree(reflect.ValueOf(x.Time))
	case time.Time:
		if x.IsZero() {
			return nil
		}
		return x.UnixMilli()
	case []byte:
		return string(x)
	case *api.Archive:
		all := make([]byte, x.Size())
		n, _ := x.ReadAt(all, 0)
		return string(all[:n])
	case *strings.Reader: // an input's payload, read by now
		all := make([]byte, x.Size())
		n, _ := x.ReadAt(all, 0)
		return string(all[:n])
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return tree(v.Elem())
	case reflect.Struct:
		m := map[string]any{}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() || f.Name == "ResultMetadata" || v.Field(i).IsZero() {
				continue
			}
			m[f.Name] = tree(v.Field(i))
		}
		return m
	case reflect.Slice:
		l := []any{}
		for i := range v.Len() {
			l = append(l, tree(v.Index(i)))
		}
		return l
	case reflect.Map:
		m := map[string]any{}
		for it := v.MapRange(); it.Next(); {
			m[it.Key().String()] = tree(it.Value())
		}
		return m
	case reflect.String:
		return v.String()
	case reflect.Int, reflect.Int32, reflect.Int64:
		return v.Int()
	default:
		return v.Interface()
	}
}
