package extension_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/runtimeapi/extension"
)

// registered registers an extension, which must succeed.
func registered(t *testing.T, s *extension.Set, name string, events ...string) (id string) {
	t.Helper()
	id, err := s.Register(name, events, true)
	if err != nil {
		t.Fatalf("register %s: %v", name, err)
	}
	return id
}

// ready polls, which must succeed and find no other poll, and reports whether
// the extension came back from an invocation.
func ready(t *testing.T, s *extension.Set, id string) (a *extension.Agent, back bool) {
	t.Helper()
	a, earlier, back, err := s.Poll(id)
	if err != nil || earlier != nil {
		t.Fatalf("poll: %v", err)
	}
	return a, back
}

func wantRefused(t *testing.T, err error, errorType string) {
	t.Helper()
	refused, ok := errors.AsType[*extension.Refusal](err)
	if !ok || refused.Type != errorType {
		t.Errorf("got %v, want %s", err, errorType)
	}
}

func body() []byte { return []byte("event") }

func TestSet_External_AreThereFromTheBeginning(t *testing.T) {
	s := extension.NewSet([]string{"a", "b"}, false)
	want := []extension.Extension{{Name: "a", External: true, State: extension.Started}, {Name: "b", External: true, State: extension.Started}}
	if diff := cmp.Diff(want, s.List()); diff != "" {
		t.Errorf("extensions (-want +got):\n%s", diff)
	}
	if s.Registered() || s.Ready() {
		t.Error("they are registered, or ready")
	}
}

func TestRegister_EveryExternal_IsRegistered(t *testing.T) {
	s := extension.NewSet([]string{"a", "b"}, false)
	registered(t, s, "a")
	registered(t, s, "internal", extension.Invoke)
	if s.Registered() {
		t.Error("registered without b")
	}
	registered(t, s, "b", extension.Invoke, extension.Shutdown)
	if !s.Registered() {
		t.Error("not registered")
	}
	if got := s.List()[1].Events; !slices.Equal(got, []string{"SHUTDOWN", "INVOKE"}) {
		t.Errorf("events %q", got)
	}
}

func TestRegister_NotOpen_IsClosedForInternalOnes(t *testing.T) {
	s := extension.NewSet([]string{"a"}, false)
	if _, err := s.Register("a", nil, false); err != nil {
		t.Errorf("external: %v", err)
	}
	_, err := s.Register("internal", nil, false)
	wantRefused(t, err, "Extension.RegistrationClosed")
}

func TestRegister_NoInvoke_RefusesTheEvent(t *testing.T) {
	s := extension.NewSet([]string{"a"}, true)
	_, err := s.Register("a", []string{extension.Invoke}, true)
	wantRefused(t, err, "Extension.InvalidEventType")
}

func TestRegister_BeyondMax_IsRefused(t *testing.T) {
	s := extension.NewSet(nil, false)
	for i := range extension.Max {
		registered(t, s, string(rune('a'+i)))
	}
	_, err := s.Register("one more", nil, true)
	wantRefused(t, err, "Extension.TooManyExtensions")
}

func TestOffer_Subscribers_WorkUntilTheyPoll(t *testing.T) {
	s := extension.NewSet(nil, false)
	in, out := registered(t, s, "in", extension.Invoke), registered(t, s, "out")
	a, _ := ready(t, s, in)
	other, _ := ready(t, s, out)
	if !s.Ready() {
		t.Error("not ready, though all have polled")
	}
	if n := s.Offer(body); n != 1 {
		t.Errorf("%d work on it", n)
	}
	if len(other.Queue()) != 0 {
		t.Error("who did not register for it got it")
	}
	ev := <-a.Queue()
	if !a.Take(ev, false) || string(ev.Body) != "event" || ev.ID == "" || a.State != extension.Running {
		t.Errorf("event %q %q, state %s", ev.ID, ev.Body, a.State)
	}
	a.EndPoll()
	if _, back := ready(t, s, in); !back {
		t.Error("it is not back")
	}
	a.EndPoll()
	if _, back := ready(t, s, in); back {
		t.Error("it is back twice")
	}
}

func TestTake_ClientGone_LeavesTheEvent(t *testing.T) {
	s := extension.NewSet(nil, false)
	a, _ := ready(t, s, registered(t, s, "x", extension.Invoke))
	s.Offer(body)
	ev := <-a.Queue()
	if a.Take(ev, true) || a.State != extension.Ready {
		t.Errorf("taken in state %s", a.State)
	}
	if again := <-a.Queue(); again != ev {
		t.Error("another event waits")
	}
}

func TestPoll_AnotherWaits_ReturnsItsEnd(t *testing.T) {
	s := extension.NewSet(nil, false)
	id := registered(t, s, "x")
	a, _ := ready(t, s, id)
	_, earlier, _, err := s.Poll(id)
	if earlier == nil || err != nil {
		t.Fatalf("got %v, %v", earlier, err)
	}
	wantRefused(t, a.RefusePoll(id), "Extension.InvalidExtensionState")
	a.EndPoll()
	<-earlier
}

func TestFail_Working_IsBack(t *testing.T) {
	s := extension.NewSet(nil, false)
	id := registered(t, s, "x", extension.Invoke)
	ready(t, s, id)
	s.Offer(body)
	back, err := s.Fail(id, extension.ExitError, "X.Broken")
	if !back || err != nil || s.Fault() != extension.FaultExit {
		t.Errorf("back %t, fault %q, %v", back, s.Fault(), err)
	}
	if back, err := s.Fail(id, extension.ExitError, "X.Other"); back || err != nil || s.List()[0].ErrorType != "X.Broken" {
		t.Errorf("again: back %t, %v, %s", back, err, s.List()[0].ErrorType)
	}
	_, err = s.Fail(id, extension.InitError, "X.Other")
	wantRefused(t, err, "Extension.InvalidExtensionState")
	if n := s.Offer(body); n != 0 {
		t.Errorf("%d that failed work on the next", n)
	}
}

func TestShutdown_ExternalSubscriber_GetsItInPlaceOfWhatWaits(t *testing.T) {
	s := extension.NewSet([]string{"a", "b"}, false)
	a, _ := ready(t, s, registered(t, s, "a", extension.Invoke, extension.Shutdown))
	b, _ := ready(t, s, registered(t, s, "b"))
	s.Offer(body)
	s.Shutdown("spindown", time.UnixMilli(1700))
	const want = `{"eventType":"SHUTDOWN","deadlineMs":1700,"shutdownReason":"spindown"}`
	if ev := <-a.Queue(); string(ev.Body) != want || ev.ID != "" {
		t.Errorf("got %q %s", ev.ID, ev.Body)
	}
	if len(b.Queue()) != 0 {
		t.Error("who did not register for it got it")
	}
}

func TestClose_EveryRequest_IsRefused(t *testing.T) {
	s := extension.NewSet([]string{"a", "b"}, false)
	id := registered(t, s, "a")
	s.Close()
	_, err := s.Register("b", nil, true)
	wantRefused(t, err, "Extension.RegistrationClosed")
	_, _, _, err = s.Poll(id)
	wantRefused(t, err, "Extension.InvalidExtensionState")
	_, err = s.Fail(id, extension.ExitError, "X.Y")
	wantRefused(t, err, "Extension.InvalidExtensionState")
}

func TestLaunchFailed_NeverRegisters(t *testing.T) {
	s := extension.NewSet([]string{"a"}, false)
	s.LaunchFailed("a", "PermissionDenied")
	got := s.List()[0]
	if got.State != extension.LaunchError || got.ErrorType != "PermissionDenied" || got.Registered() {
		t.Errorf("got %+v", got)
	}
	_, err := s.Register("a", nil, true)
	wantRefused(t, err, "Extension.InvalidExtensionState")
}

func TestInvokeBody_Trace_IsOptional(t *testing.T) {
	const start = `{"eventType":"INVOKE","deadlineMs":1700,"requestId":"id-1","invokedFunctionArn":"arn:x"`
	if got := string(extension.InvokeBody("id-1", "arn:x", "", time.UnixMilli(1700))); got != start+"}" {
		t.Errorf("got %s", got)
	}
	if got := string(extension.InvokeBody("id-1", "arn:x", "Root=1", time.UnixMilli(1700))); got != start+`,"tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1"}}` {
		t.Errorf("got %s", got)
	}
}

func TestParseIdentifier_Refusals(t *testing.T) {
	_, err := extension.ParseIdentifier("")
	wantRefused(t, err, "Extension.MissingExtensionIdentifier")
	_, err = extension.ParseIdentifier("x")
	wantRefused(t, err, "Extension.InvalidExtensionIdentifier")
}
