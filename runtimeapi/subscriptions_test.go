package runtimeapi_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/hearthd/hearth/runtimeapi"
)

const (
	telemetryPath = "/2022-07-01/telemetry"
	logsPath      = "/2020-08-15/logs"
)

// subscriptions is a Subscriptions that notes what it is asked.
type subscriptions chan string

func (s subscriptions) Subscribe(extension, api string, body []byte) (int, []byte) {
	s <- extension + " " + api + " " + string(body)
	return http.StatusOK, []byte(`"OK"`)
}

// subscribable is a fixture whose server takes subscriptions.
func subscribable(t *testing.T) (*fixture, subscriptions) {
	t.Helper()
	asked := make(subscriptions, 4)
	f := serve(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opts := options()
	opts.Subscriptions = asked
	server := runtimeapi.Serve(l, opts)
	t.Cleanup(func() { server.Close() })
	f.session, f.addr = server.Begin(), l.Addr().String()
	return f, asked
}

func (f *fixture) put(path, body string, header ...string) reply {
	return f.request(f.Context(), http.MethodPut, path, strings.NewReader(body), header...)
}

func TestSubscription_Put_IsHandedOver(t *testing.T) {
	f, asked := subscribable(t)
	id := f.registered("x")
	for path, want := range map[string]string{telemetryPath: "x telemetry {}", logsPath: "x logs {}"} {
		if got := f.put(path, "{}", identifier, id); got.status != http.StatusOK || got.body != `"OK"` {
			t.Errorf("got %d %q", got.status, got.body)
		}
		if got := await(f, asked, "the subscription"); got != want {
			t.Errorf("asked %q", got)
		}
	}
}

func TestSubscription_Refusals(t *testing.T) {
	f, asked := subscribable(t)
	id := f.registered("x")
	f.wantForbidden(f.put(telemetryPath, "{}"), "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
	f.wantForbidden(f.put(logsPath, "{}", identifier, "?"), "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier")
	f.wantForbidden(f.put(telemetryPath, "{}", identifier, unknownID), "Extension.UnknownExtensionIdentifier", "Unknown extension "+unknownID)
	if got := f.put(telemetryPath, strings.Repeat("x", runtimeapi.MaxSubscription+1), identifier, id); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d %q", got.status, got.body)
	}
	if got := f.post(telemetryPath, "{}", identifier, id); got.status != http.StatusMethodNotAllowed {
		t.Errorf("got %d %q", got.status, got.body)
	}
	if len(asked) > 0 {
		t.Errorf("asked %q", <-asked)
	}
}

func TestSubscription_AfterInit_IsClosed(t *testing.T) {
	f, asked := subscribable(t)
	id := f.registered("x")
	f.ready()
	if got := f.put(telemetryPath, "{}", identifier, id); got.status != http.StatusOK {
		t.Errorf("before the extension is ready: %d %q", got.status, got.body)
	}
	f.readyAs(id)
	f.wantForbidden(f.put(telemetryPath, "{}", identifier, id), "Telemetry.SubscriptionClosed", "Telemetry API subscription is closed already")
	f.wantForbidden(f.put(logsPath, "{}", identifier, id), "Logs.SubscriptionClosed", "Logs API subscription is closed already")
	if len(asked) != 1 {
		t.Errorf("asked %d times", len(asked))
	}
}

func TestSubscription_NobodyServes_IsNotFound(t *testing.T) {
	f := serve(t)
	id := f.registered("x")
	for _, path := range []string{telemetryPath, logsPath} {
		if got := f.put(path, "{}", identifier, id); got.status != http.StatusNotFound {
			t.Errorf("got %+v", got)
		}
	}
}
