package runtimeapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi"
	"github.com/hearthd/hearth/runtimeapi/extension"
)

const (
	registerPath  = "/2020-01-01/extension/register"
	eventPath     = "/2020-01-01/extension/event/next"
	initFaultPath = "/2020-01-01/extension/init/error"
	exitFaultPath = "/2020-01-01/extension/exit/error"
	identifier    = "Lambda-Extension-Identifier"
	faultType     = "Lambda-Extension-Function-Error-Type"
	unknownID     = "00000000-0000-4000-8000-000000000000"
)

// extended is a fixture that waits for external extensions.
func extended(t *testing.T, names ...string) *fixture {
	t.Helper()
	f := serve(t)
	f.session = f.server.Begin(names...)
	return f
}

func (f *fixture) register(name string, events ...string) reply {
	body := `{"events":[]}`
	if len(events) > 0 {
		body = `{"events":["` + strings.Join(events, `","`) + `"]}`
	}
	return f.post(registerPath, body, "Lambda-Extension-Name", name)
}

// registered registers, which must succeed, and returns the identifier.
func (f *fixture) registered(name string, events ...string) string {
	f.Helper()
	got := f.register(name, events...)
	if got.status != http.StatusOK || !uuid.MatchString(got.header.Get(identifier)) {
		f.Fatalf("register %s: %d %s", name, got.status, got.body)
	}
	return got.header.Get(identifier)
}

func (f *fixture) wantForbidden(got reply, errorType, message string) {
	f.Helper()
	f.wantError(got, http.StatusForbidden, errorType, message)
}

// pollAs starts an extension's long poll.
func (f *fixture) pollAs(ctx context.Context, id string) <-chan reply {
	got := make(chan reply, 1)
	go func() { got <- f.request(ctx, http.MethodGet, eventPath, nil, identifier, id) }()
	return got
}

// readyAs polls and waits until the server knows.
func (f *fixture) readyAs(id string) <-chan reply {
	f.Helper()
	got := f.pollAs(f.Context(), id)
	f.wantState(id, extension.Ready)
	return got
}

// wantState waits until the only extension is in a state.
func (f *fixture) wantState(id string, want extension.State) {
	f.Helper()
	for deadline := time.Now().Add(patience); f.session.Extensions()[0].State != want; {
		if time.Now().After(deadline) {
			f.Fatalf("%s is %s, want %s", id, f.session.Extensions()[0].State, want)
		}
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestRegister_External_IsToldOfTheFunction(t *testing.T) {
	f := extended(t, "probe.sh")
	if closed(f.session.Registered()) {
		t.Error("all registered before anybody has")
	}
	got := f.register("probe.sh", "INVOKE", "SHUTDOWN")
	if got.status != http.StatusOK || got.body != `{"functionName":"f","functionVersion":"7","handler":"app.handler"}`+"\n" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %d %q %v", got.status, got.body, got.header)
	}
	await(f, f.session.Registered(), "the registration")
	want := []extension.Extension{{Name: "probe.sh", External: true, State: "Registered", Events: []string{"SHUTDOWN", "INVOKE"}}}
	if diff := cmp.Diff(want, f.session.Extensions()); diff != "" {
		t.Errorf("extensions (-want +got):\n%s", diff)
	}
}

func TestRegister_AccountFeature_IsToldTheAccount(t *testing.T) {
	f := serve(t)
	got := f.post(registerPath, `{"events":["INVOKE"]}`, "Lambda-Extension-Name", "x", "Lambda-Extension-Accept-Feature", "other, accountId")
	if got.body != `{"functionName":"f","functionVersion":"7","handler":"app.handler","accountId":"123456789012"}`+"\n" {
		t.Errorf("got %d %q", got.status, got.body)
	}
}

func TestRegister_TwoExternal_WaitsForBoth(t *testing.T) {
	f := extended(t, "a", "b")
	f.registered("a")
	if closed(f.session.Registered()) {
		t.Error("registered after the first")
	}
	f.registered("internal")
	if closed(f.session.Registered()) {
		t.Error("an internal extension counts")
	}
	f.registered("b")
	await(f, f.session.Registered(), "the registration")
}

func TestRegister_Refusals(t *testing.T) {
	for name, test := range map[string]struct {
		extension, body, errorType, message string
	}{
		"no name":           {"", `{"events":[]}`, "Extension.InvalidExtensionName", "Empty extension name"},
		"long name":         {strings.Repeat("x", 256), `{}`, "Extension.InvalidExtensionName", "Extension name is longer than 255 bytes"},
		"no body":           {"x", ``, "InvalidRequestFormat", "unexpected end of JSON input"},
		"no JSON":           {"x", `{"events"`, "InvalidRequestFormat", "unexpected end of JSON input"},
		"old":               {"x", `{"configurationKeys":["A"]}`, "InvalidRequestFormat", "configurationKeys are deprecated; use environment variables instead"},
		"unknown event":     {"x", `{"events":["INVOKE","foo"]}`, "Extension.InvalidEventType", "foo: ErrorInvalidEventType"},
		"internal SHUTDOWN": {"x", `{"events":["SHUTDOWN"]}`, "Extension.InvalidEventType", "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension"},
		"external unknown":  {"probe.sh", `{"events":["foo"]}`, "Extension.InvalidEventType", "foo: ErrorInvalidEventType"},
	} {
		t.Run(name, func(t *testing.T) {
			f := extended(t, "probe.sh")
			var header []string
			if test.extension != "" {
				header = []string{"Lambda-Extension-Name", test.extension}
			}
			f.wantForbidden(f.post(registerPath, test.body, header...), test.errorType, test.message)
			if n := len(f.session.Extensions()); n != 1 {
				t.Errorf("%d extensions", n)
			}
		})
	}
}

func TestRegister_LargeBody_IsRefused(t *testing.T) {
	f := serve(t)
	got := f.post(registerPath, `{"events":["`+strings.Repeat("x", 1<<20)+`"]}`, "Lambda-Extension-Name", "x")
	if got.status != http.StatusForbidden || !strings.Contains(got.body, "InvalidRequestFormat") {
		t.Errorf("got %d %q", got.status, got.body)
	}
}

func TestRegister_Again_IsRefused(t *testing.T) {
	f := extended(t, "probe.sh")
	f.registered("probe.sh")
	f.registered("internal")
	for _, name := range []string{"probe.sh", "internal"} {
		f.wantForbidden(f.register(name), "Extension.AlreadyRegistered", "Extension with this name already registered")
	}
}

func TestRegister_Eleven_AreTooMany(t *testing.T) {
	f := extended(t, "probe.sh")
	for i := range 9 {
		f.registered(fmt.Sprint("internal-", i))
	}
	f.wantForbidden(f.register("internal-9"), "Extension.TooManyExtensions", "Extension limit (10) reached")
	f.registered("probe.sh")
}

func TestRegister_AfterTheRuntimesFirstPoll_IsClosed(t *testing.T) {
	f := serve(t)
	f.ready()
	f.wantForbidden(f.register("late"), "Extension.RegistrationClosed", "Extension registration closed already")
}

func TestExtension_Identifier_IsChecked(t *testing.T) {
	f := serve(t)
	f.registered("x")
	for _, path := range []string{eventPath, initFaultPath, exitFaultPath} {
		method, unknown := http.MethodPost, "Unknown Lambda-Extension-Identifier"
		if path == eventPath {
			method, unknown = http.MethodGet, "Unknown extension "+unknownID
		}
		send := func(header ...string) reply {
			return f.request(t.Context(), method, path, nil, append(header, faultType, "X.Y")...)
		}
		f.wantForbidden(send(), "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
		f.wantForbidden(send(identifier, "x"), "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier")
		f.wantForbidden(send(identifier, unknownID), "Extension.UnknownExtensionIdentifier", unknown)
	}
}

func TestInitialized_EverybodyAtNext(t *testing.T) {
	f := extended(t, "a", "b")
	a, b, internal := f.registered("a", "INVOKE"), f.registered("b"), f.registered("internal")
	f.ready()
	f.pollAs(t.Context(), a)
	f.pollAs(t.Context(), internal)
	f.wantState("a", extension.Ready)
	if closed(f.session.Initialized()) {
		t.Error("initialized without b")
	}
	f.pollAs(t.Context(), b)
	await(f, f.session.Initialized(), "the end of the init")
}

func TestInitialized_RuntimeLast(t *testing.T) {
	f := extended(t, "a")
	f.readyAs(f.registered("a"))
	if closed(f.session.Initialized()) {
		t.Error("initialized without the runtime")
	}
	f.ready()
	await(f, f.session.Initialized(), "the end of the init")
}

func TestEvent_Invoke_HasBodyAndHeaders(t *testing.T) {
	f := serve(t)
	polled := f.readyAs(f.registered("x", "INVOKE"))
	f.ready()
	call := f.invoke(&hearth.Invocation{RequestID: "id-1", InvokedARN: "arn:x", TraceID: "Root=1-2-3"}, nil)
	got := await(f, polled, "the event")
	deadline := call.Times().Delivered.Add(3 * time.Second).UnixMilli()
	var told int64
	if _, err := fmt.Sscanf(got.body, `{"eventType":"INVOKE","deadlineMs":%d,`, &told); err != nil || told < deadline-5000 || told > deadline+5000 {
		t.Errorf("deadline %d, about %d: %v", told, deadline, err)
	}
	want := fmt.Sprintf(`{"eventType":"INVOKE","deadlineMs":%d,"requestId":"id-1","invokedFunctionArn":"arn:x","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-2-3"}}`, told)
	if got.status != http.StatusOK || got.body != want || got.header.Get("Content-Type") != "application/json" || !uuid.MatchString(got.header.Get("Lambda-Extension-Event-Identifier")) {
		t.Errorf("got %d %s %v", got.status, got.body, got.header)
	}
}

func TestEvent_WithoutTrace_LeavesTracingOut(t *testing.T) {
	f := serve(t)
	polled := f.readyAs(f.registered("x", "INVOKE"))
	f.ready()
	f.invoke(&hearth.Invocation{RequestID: "id-1"}, nil)
	if got := await(f, polled, "the event"); strings.Contains(got.body, "tracing") {
		t.Errorf("got %s", got.body)
	}
}

func TestEvent_Shutdown_IsPlainText(t *testing.T) {
	f := extended(t, "x")
	polled := f.readyAs(f.registered("x", "SHUTDOWN"))
	f.session.Shutdown("spindown", time.UnixMilli(1700000000123))
	got := await(f, polled, "the event")
	if got.body != `{"eventType":"SHUTDOWN","deadlineMs":1700000000123,"shutdownReason":"spindown"}` ||
		got.header.Get("Content-Type") != "text/plain; charset=utf-8" || got.header.Get("Lambda-Extension-Event-Identifier") != "" {
		t.Errorf("got %s %v", got.body, got.header)
	}
}

// An invocation that was not taken yet is of no use to who is to end.
func TestEvent_ShutdownAfterInvoke_Replaces(t *testing.T) {
	f := extended(t, "x")
	ctx, hangUp := context.WithCancel(t.Context())
	id := f.registered("x", "INVOKE", "SHUTDOWN")
	gone := f.pollAs(ctx, id)
	f.wantState(id, extension.Ready)
	hangUp()
	await(f, gone, "the end of the poll")
	f.ready()
	f.invoke(&hearth.Invocation{RequestID: "id-1"}, nil)
	f.session.Shutdown("failure", time.Now())
	if got := await(f, f.pollAs(t.Context(), id), "the event"); !strings.Contains(got.body, "SHUTDOWN") {
		t.Errorf("got %s", got.body)
	}
}

// progress notes in order what it is told.
type progress chan string

func (p progress) Delivered(*runtimeapi.Call)   { p <- "delivered" }
func (p progress) RuntimeDone(*runtimeapi.Call) { p <- "runtime" }
func (p progress) Done(*runtimeapi.Call)        { p <- "all" }

func TestInvoke_Shared_EndsWithTheLast(t *testing.T) {
	for _, runtimeFirst := range []bool{true, false} {
		f := serve(t)
		id := f.registered("x", "INVOKE")
		event, polled := f.readyAs(id), f.ready()
		told := make(progress, 4)
		call, err := f.session.Invoke(&hearth.Invocation{RequestID: "id-1"}, time.Second, told)
		if err != nil {
			t.Fatal(err)
		}
		await(f, event, "the extension's event")
		await(f, polled, "the runtime's event")
		f.wantAccepted(f.post(responsePath("id-1"), "{}"))
		if !call.WithExtensions() {
			t.Error("extensions were not given it")
		}
		if got := await(f, told, "the delivery"); got != "delivered" {
			t.Errorf("told of %s", got)
		}
		if runtimeFirst {
			f.poll(t.Context())
			if got := await(f, told, "the runtime's end"); got != "runtime" {
				t.Errorf("told of %s", got)
			}
			if _, err := f.session.Invoke(&hearth.Invocation{}, time.Second, nil); err == nil {
				t.Error("took another event before the extension was back")
			}
			f.readyAs(id)
		} else {
			f.readyAs(id)
			f.poll(t.Context())
		}
		if got := await(f, told, "the end"); got != "all" {
			t.Errorf("told of %s", got)
		}
		if len(told) != 0 {
			t.Errorf("and of %s", <-told)
		}
	}
}

func TestEvent_WithoutSubscription_NeverComes(t *testing.T) {
	f := extended(t, "x")
	id := f.registered("x")
	polled := f.readyAs(id)
	runtime := f.ready()
	ended := make(chan *runtimeapi.Call, 1)
	call := f.invoke(&hearth.Invocation{RequestID: "id-1"}, func(c *runtimeapi.Call) { ended <- c })
	await(f, runtime, "the event")
	f.wantAccepted(f.post(responsePath("id-1"), "{}"))
	f.poll(t.Context())
	await(f, ended, "the end")
	f.session.Shutdown("spindown", time.Now())
	if call.WithExtensions() || len(polled) > 0 {
		t.Errorf("given to extensions: %v, %d answers", call.WithExtensions(), len(polled))
	}
}

func TestEvent_ClientGone_WaitsForTheNextPoll(t *testing.T) {
	f := extended(t, "x")
	id := f.registered("x", "INVOKE")
	ctx, hangUp := context.WithCancel(t.Context())
	gone := f.pollAs(ctx, id)
	f.wantState(id, extension.Ready)
	hangUp()
	await(f, gone, "the end of the poll")
	again := f.pollAs(t.Context(), id) // at once: the first may not be seen to be gone
	f.ready()
	f.invoke(&hearth.Invocation{RequestID: "id-1"}, nil)
	if got := await(f, again, "the event"); got.status != http.StatusOK {
		t.Errorf("got %+v", got)
	}
}

func TestEvent_SecondPoll_IsForbidden(t *testing.T) {
	f := extended(t, "x")
	id := f.registered("x", "INVOKE")
	first := f.readyAs(id)
	f.wantForbidden(await(f, f.pollAs(t.Context(), id), "the second poll"), "Extension.InvalidExtensionState",
		"State transition from Ready to Ready failed for extension "+id+". Error: State transition is not allowed")
	f.ready()
	f.invoke(&hearth.Invocation{RequestID: "id-1"}, nil)
	if got := await(f, first, "the event"); got.status != http.StatusOK {
		t.Errorf("got %+v", got)
	}
}

func TestFault_Reported_IsTerminal(t *testing.T) {
	for path, want := range map[string]struct{ state, fault, other, otherState string }{
		initFaultPath: {"InitError", "Extension.InitError", exitFaultPath, "ExitError"},
		exitFaultPath: {"ExitError", "Extension.ExitError", initFaultPath, "InitError"},
	} {
		f := extended(t, "x")
		id := f.registered("x", "INVOKE")
		for _, errorType := range []string{"Extension.First", "Extension.Second"} {
			f.wantAccepted(f.post(path, "whatever", identifier, id, faultType, errorType))
		}
		if got := f.session.Extensions()[0]; string(got.State) != want.state || got.ErrorType != "Extension.First" || f.session.Fault() != want.fault {
			t.Errorf("%+v, fault %s", got, f.session.Fault())
		}
		f.wantForbidden(f.request(t.Context(), http.MethodGet, eventPath, nil, identifier, id), "Extension.InvalidExtensionState",
			"State transition from "+want.state+" to Ready failed for extension "+id+". Error: State transition is not allowed")
		f.wantForbidden(f.post(want.other, "", identifier, id, faultType, "X.Y"), "Extension.InvalidExtensionState",
			"State transition from "+want.state+" to "+want.otherState+" failed for extension "+id+". Error: State transition is not allowed")
	}
}

func TestFault_WithoutType_IsRefused(t *testing.T) {
	f := extended(t, "x")
	id := f.registered("x")
	for _, path := range []string{initFaultPath, exitFaultPath} {
		f.wantForbidden(f.post(path, "{}", identifier, id), "Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found")
	}
	if got := f.session.Extensions()[0].State; got != extension.Registered {
		t.Errorf("state %s", got)
	}
}

func TestFault_DuringInvoke_HoldsNothingUp(t *testing.T) {
	f := extended(t, "x")
	id := f.registered("x", "INVOKE")
	event, polled := f.readyAs(id), f.ready()
	told := make(progress, 4)
	if _, err := f.session.Invoke(&hearth.Invocation{RequestID: "id-1"}, time.Second, told); err != nil {
		t.Fatal(err)
	}
	await(f, event, "the extension's event")
	await(f, polled, "the runtime's event")
	f.wantAccepted(f.post(responsePath("id-1"), "{}"))
	again := f.poll(t.Context())
	if got := await(f, told, "the delivery") + ", " + await(f, told, "the runtime's end"); got != "delivered, runtime" {
		t.Errorf("told of %s", got)
	}
	f.wantAccepted(f.post(initFaultPath, "{}", identifier, id, faultType, "X.Y"))
	if got := await(f, told, "the end"); got != "all" {
		t.Errorf("told of %s", got)
	}
	if call := f.invoke(&hearth.Invocation{RequestID: "id-2"}, nil); call.WithExtensions() {
		t.Error("given to who has failed")
	}
	await(f, again, "the second event")
}

func TestLaunchFailed_CannotRegister(t *testing.T) {
	f := extended(t, "x")
	f.session.LaunchFailed("x", "PermissionDenied")
	if got := f.session.Extensions()[0]; got.State != extension.LaunchError || got.ErrorType != "PermissionDenied" || got.Registered() {
		t.Errorf("%+v", got)
	}
	f.wantForbidden(f.register("x"), "Extension.InvalidExtensionState",
		"State transition from LaunchError to Registered failed for extension x. Error: State transition is not allowed")
}

func TestExtension_EndedSession_IsAborted(t *testing.T) {
	f := extended(t, "x")
	id := f.registered("x")
	w := f.dial() // Go's client would ask again
	w.send("GET %s HTTP/1.1\r\nHost: x\r\n%s: %s\r\n\r\n", eventPath, identifier, id)
	f.wantState(id, extension.Ready)
	f.server.Begin()
	if got := w.receive(); got.err == nil {
		t.Errorf("got %+v", got)
	}
}

func TestExtension_OldIdentifier_IsUnknownAfterAReset(t *testing.T) {
	f := extended(t, "x")
	id := f.registered("x")
	f.client.CloseIdleConnections()
	f.session = f.server.Begin("x")
	f.wantForbidden(f.request(t.Context(), http.MethodGet, eventPath, nil, identifier, id),
		"Extension.UnknownExtensionIdentifier", "Unknown extension "+id)
	if again := f.registered("x"); again == id {
		t.Error("the identifier is the same")
	}
}

func TestExtensionRoutes_OtherMethod_IsNotAllowed(t *testing.T) {
	f := serve(t)
	for path, allow := range map[string]string{
		registerPath: http.MethodPost, eventPath: http.MethodGet, initFaultPath: http.MethodPost, exitFaultPath: http.MethodPost,
	} {
		got := f.request(t.Context(), http.MethodDelete, path, nil)
		if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != allow {
			t.Errorf("%s: %d, Allow %q", path, got.status, got.header.Get("Allow"))
		}
	}
	if got := f.get("/2020-01-01/extension/other"); got.status != http.StatusNotFound {
		t.Errorf("got %+v", got)
	}
}
