package auth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	wire "github.com/hearthd/hearth/api/own"
	"github.com/hearthd/hearth/edge/auth"
	"github.com/hearthd/hearth/edge/own"
	"github.com/hearthd/hearth/edge/policy/document"
	"github.com/hearthd/hearth/edge/scope"
	"github.com/hearthd/hearth/internal/sigv4"
)

// ahead is a Clock that is so far ahead.
type ahead time.Duration

func (a *ahead) Now() time.Time { return time.Now().Add(time.Duration(*a)) }

// opened is the Access of a daemon that asks for signatures: alice's, and those of
// functions, which may list functions.
func opened(t *testing.T, p policies) (*auth.Access, *ahead) {
	t.Helper()
	return openedFor(t, p, 4*time.Hour)
}

// openedFor is opened for environments that live for so long.
func openedFor(t *testing.T, p policies, environmentAge time.Duration) (*auth.Access, *ahead) {
	t.Helper()
	clock := new(ahead)
	a, err := auth.Open(auth.Options{
		Enabled: true, Keys: []auth.Key{key("alice", owner)}, FunctionActions: []string{"lambda:ListFunctions"},
		EnvironmentAge: environmentAge, Clock: clock, Policies: p, Scope: scope.Defaults{Account: owner, Region: "us-east-1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a, clock
}

// closed are those that ask for none.
func closed(t *testing.T) map[string]*auth.Access {
	t.Helper()
	a, err := auth.Open(auth.Options{Keys: []auth.Key{key("a", owner), key("a", owner)}})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*auth.Access{"nil": nil, "not enabled": a}
}

var teapot = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })

// get sends a request that credentials sign, unless they are empty.
func get(t *testing.T, h http.Handler, target string, c sigv4.Credentials) int {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://hearth.example"+target, http.NoBody)
	if c.AccessKeyID != "" {
		sigv4.Sign(r, c, "us-east-1", "lambda", nil, time.Now())
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// of are the credentials in the variables of an environment.
func of(variables map[string]string) sigv4.Credentials {
	return sigv4.Credentials{
		AccessKeyID: variables["AWS_ACCESS_KEY_ID"], SecretAccessKey: variables["AWS_SECRET_ACCESS_KEY"], SessionToken: variables["AWS_SESSION_TOKEN"],
	}
}

// lists is the Lambda API behind an Access, as far as listing functions goes.
func lists(a *auth.Access) *api.Router {
	router := api.NewRouter(api.Options{Authorizer: a.Authorizer()})
	api.Handle(router, api.ListFunctions, func(context.Context, *api.ListFunctionsInput) (*api.ListFunctionsOutput, error) {
		return nil, nil
	})
	return router
}

func TestOpen_TwoKeysOfOneID(t *testing.T) {
	if _, err := auth.Open(auth.Options{Enabled: true, Keys: []auth.Key{key("a", owner), key("a", stranger)}, Clock: new(ahead)}); err == nil {
		t.Error("two keys have one id")
	}
}

func TestAccess_NotEnabled_AsksForNothing(t *testing.T) {
	for name, a := range closed(t) {
		t.Run(name, func(t *testing.T) {
			if a.Enabled() {
				t.Error("it is enabled")
			}
			if got := a.Authorizer(); got != nil {
				t.Errorf("authorizer %v", got)
			}
			if got := a.Credentials(testFunction()); got != nil {
				t.Errorf("credentials %v", got)
			}
			if err := a.MayInvoke(testFunction(), "arn:aws:lambda:us-east-1:"+stranger+":function:g"); err != nil {
				t.Errorf("may not invoke: %v", err)
			}
			if code := get(t, a.Guard(teapot), "/_hearth/status", sigv4.Credentials{}); code != http.StatusTeapot {
				t.Errorf("guarded: %d", code)
			}
		})
	}
}

// Whom the daemon asks for no signature must not be a web page.
func TestOutermost_NotEnabled_IsLocal(t *testing.T) {
	for name, a := range closed(t) {
		if code := get(t, a.Outermost(teapot), "/", sigv4.Credentials{}); code != http.StatusForbidden { // hearth.example
			t.Errorf("%s: %d", name, code)
		}
	}
}

func TestOutermost_Enabled_LetsEveryHostThrough(t *testing.T) {
	a, _ := opened(t, nil)
	if code := get(t, a.Outermost(teapot), "/", sigv4.Credentials{}); code != http.StatusTeapot {
		t.Errorf("%d", code)
	}
}

func TestGuard_Enabled_OpenPathsNeedNoSignature(t *testing.T) {
	a, _ := opened(t, nil)
	h := a.Guard(teapot, "/_hearth/health", "/_hearth/code/")
	alice := sigv4.Credentials{AccessKeyID: "alice", SecretAccessKey: secret}
	for _, test := range []struct {
		target string
		by     sigv4.Credentials
		want   int
	}{
		{"/_hearth/health", sigv4.Credentials{}, http.StatusTeapot},
		{"/_hearth/code/0123", sigv4.Credentials{}, http.StatusTeapot},
		{"/_hearth/health/more", sigv4.Credentials{}, http.StatusForbidden},
		{"/_hearth/status", sigv4.Credentials{}, http.StatusForbidden},
		{"/_hearth/status", alice, http.StatusTeapot},
	} {
		if code := get(t, h, test.target, test.by); code != test.want {
			t.Errorf("%q, %s: %d, want %d", test.by.AccessKeyID, test.target, code, test.want)
		}
	}
}

func TestGuard_Enabled_OpenPathsAreForReading(t *testing.T) {
	a, _ := opened(t, nil)
	w := httptest.NewRecorder()
	a.Guard(teapot, "/_hearth/health").ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/_hearth/health", http.NoBody))
	if w.Code != http.StatusForbidden {
		t.Errorf("%d", w.Code)
	}
}

func TestAuthorizer_Enabled_AsksForSignatures(t *testing.T) {
	a, _ := opened(t, nil)
	const target = "/2015-03-31/functions"
	if code := get(t, lists(a), target, sigv4.Credentials{}); code != http.StatusForbidden {
		t.Errorf("unsigned: %d", code)
	}
	if code := get(t, lists(a), target, sigv4.Credentials{AccessKeyID: "alice", SecretAccessKey: secret}); code != http.StatusOK {
		t.Errorf("signed: %d", code)
	}
}

// A function's code calls with what its environment was given, for what functions may
// do.
func TestCredentials_ActAsTheFunction(t *testing.T) {
	a, _ := opened(t, nil)
	c := of(a.Credentials(testFunction()))
	if code := get(t, lists(a), "/2015-03-31/functions", c); code != http.StatusOK {
		t.Errorf("list functions: %d", code)
	}
	if code := get(t, a.Guard(teapot), "/_hearth/status", c); code != http.StatusForbidden {
		t.Errorf("see the daemon: %d", code)
	}
}

// An environment may begin an event at the end of its life, and keeps its credentials
// for that.
func TestCredentials_OutliveTheEnvironment(t *testing.T) {
	a, clock := opened(t, nil)
	c := of(a.Credentials(testFunction()))
	for age, want := range map[time.Duration]int{6*time.Hour - time.Minute: http.StatusOK, 6*time.Hour + time.Minute: http.StatusForbidden} {
		*clock = ahead(age)
		if code := get(t, lists(a), "/2015-03-31/functions", c); code != want {
			t.Errorf("after %v: %d, want %d", age, code, want)
		}
	}
}

func TestCredentials_OfEnvironmentsWithoutBound_DoNotExpire(t *testing.T) {
	a, clock := openedFor(t, nil, 0)
	c := of(a.Credentials(testFunction()))
	*clock = ahead(20 * 365 * 24 * time.Hour)
	if code := get(t, lists(a), "/2015-03-31/functions", c); code != http.StatusOK {
		t.Errorf("after twenty years: %d", code)
	}
}

func TestMayInvoke_AsPoliciesSay(t *testing.T) {
	granted := "arn:aws:lambda:us-east-1:" + owner + ":function:granted"
	a, _ := opened(t, policies{granted: document.Allowed})
	if err := a.MayInvoke(testFunction(), granted); err != nil {
		t.Error(err)
	}
	if err := a.MayInvoke(testFunction(), "arn:aws:lambda:us-east-1:"+owner+":function:other"); !errors.Is(err, hearth.ErrDenied) {
		t.Errorf("error = %v", err)
	}
}

func TestReport_SaysWhetherSignaturesAreAskedFor(t *testing.T) {
	enabled, _ := opened(t, nil)
	got := map[string]string{}
	for name, a := range map[string]*auth.Access{"enabled": enabled, "nil": nil} {
		w := httptest.NewRecorder()
		h := own.New(own.Options{Version: "v9", Parts: []own.Part{a}})
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, wire.StatusPath, http.NoBody))
		got[name] = w.Body.String()
	}
	want := map[string]string{
		"enabled": `{"version":"v9","clock":"real","auth":true}` + "\n",
		"nil":     `{"version":"v9","clock":"real","auth":false}` + "\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
