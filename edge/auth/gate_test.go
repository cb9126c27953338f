package auth_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/auth"
	"github.com/hearthd/hearth/edge/policy/document"
	"github.com/hearthd/hearth/edge/scope"
	"github.com/hearthd/hearth/internal/sigv4"
)

const (
	owner    = "111122223333"
	stranger = "444455556666"
	secret   = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

// policies answer by the ARN of the resource.
type policies map[string]document.Decision

func (p policies) Decide(r document.Request) document.Decision { return p[r.Resource] }

// sessionLife is how long the door's sessions are good for.
const sessionLife = 6 * time.Hour

// door is a router behind a gate. It notes who got in.
type door struct {
	*api.Router

	sessions *auth.Sessions
	later    time.Duration // of the sessions' clock, than it is
	caller   scope.Caller
}

func key(id, account string, actions ...string) auth.Key {
	p := auth.Principal{Account: account, ARN: "arn:aws:iam::" + account + ":user/" + id}
	if len(actions) > 0 {
		p.Actions = actions
	}
	return auth.Key{AccessKeyID: id, SecretAccessKey: secret, Principal: p}
}

func newDoor(t *testing.T, p policies) *door {
	t.Helper()
	withToken := key("temporary", owner)
	withToken.SessionToken = "the token"
	root := key("root", owner)
	root.Principal.ARN = "arn:aws:iam::" + owner + ":root"
	d := &door{}
	d.sessions = auth.NewSessions(sessionLife, func() time.Time { return time.Now().Add(d.later) })
	verifier, err := auth.NewVerifier([]auth.Key{key("alice", owner), key("mallory", stranger), key("reader", owner, "lambda:Get*", "lambda:List*"), withToken, root}, d.sessions)
	if err != nil {
		t.Fatal(err)
	}
	d.Router = api.NewRouter(api.Options{Authorizer: auth.NewGate(verifier, p, scope.Defaults{Account: "000000000000", Region: "us-east-1"})})
	enter := func(ctx context.Context) { d.caller, _ = scope.CallerFrom(ctx) }
	api.Handle(d.Router, api.Invoke, func(ctx context.Context, in *api.InvokeInput) (*api.InvokeOutput, error) {
		enter(ctx)
		return &api.InvokeOutput{Payload: in.Payload}, nil
	})
	api.Handle(d.Router, api.ListFunctions, func(ctx context.Context, _ *api.ListFunctionsInput) (*api.ListFunctionsOutput, error) {
		enter(ctx)
		return nil, nil
	})
	api.Handle(d.Router, api.CreateFunction, func(ctx context.Context, _ *api.CreateFunctionInput) (*api.CreateFunctionOutput, error) {
		enter(ctx)
		return nil, nil
	})
	api.Handle(d.Router, api.RemovePermission, func(ctx context.Context, _ *api.RemovePermissionInput) (*api.Empty, error) {
		enter(ctx)
		return nil, nil
	})
	api.Handle(d.Router, api.DeleteResourcePolicy, func(ctx context.Context, _ *api.DeleteResourcePolicyInput) (*api.Empty, error) {
		enter(ctx)
		return nil, nil
	})
	return d
}

// call is a request that AWS's signer signs.
type call struct {
	key, token, method, path, body string
	age                            time.Duration
	service, region                string
	presign                        string // X-Amz-Expires; empty: in the header
	change                         func(*http.Request)
}

func regionOf(c call) string {
	if c.region == "" {
		return "eu-west-1"
	}
	return c.region
}

// knock sends a call and returns the status, and the error code with its
// message, in which times read TIME.
func (d *door) knock(t *testing.T, c call) (status int, answer string) {
	t.Helper()
	if c.method == "" {
		c.method, c.path, c.body = "POST", "/2015-03-31/functions/f/invocations", `{"a":1}`
	}
	if c.service == "" {
		c.service = "lambda"
	}
	r := httptest.NewRequest(c.method, "http://hearth.example"+c.path, strings.NewReader(c.body))
	creds := aws.Credentials{AccessKeyID: c.key, SecretAccessKey: secret, SessionToken: c.token}
	hash, at := sigv4.HashBody([]byte(c.body)), time.Now().Add(-c.age)
	if c.presign != "" {
		q := r.URL.Query()
		q.Set("X-Amz-Expires", c.presign)
		r.URL.RawQuery = q.Encode()
		url, _, err := v4.NewSigner().PresignHTTP(t.Context(), creds, r, hash, c.service, regionOf(c), at)
		if err != nil {
			t.Fatal(err)
		}
		r = httptest.NewRequest(c.method, url, strings.NewReader(c.body))
	} else if err := v4.NewSigner().SignHTTP(t.Context(), creds, r, hash, c.service, regionOf(c), at); err != nil {
		t.Fatal(err)
	}
	if c.change != nil {
		c.change(r)
	}
	return d.send(t, r)
}

func (d *door) send(t *testing.T, r *http.Request) (status int, answer string) {
	t.Helper()
	w := httptest.NewRecorder()
	d.caller = scope.Caller{}
	d.ServeHTTP(w, r)
	if w.Code/100 == 2 {
		return w.Code, ""
	}
	if d.caller != (scope.Caller{}) {
		t.Errorf("refused, but handled for %+v", d.caller)
	}
	message := regexp.MustCompile(`\d{8}T\d{6}Z`).ReplaceAllString(w.Body.String(), "TIME")
	return w.Code, w.Header().Get("X-Amzn-Errortype") + " " + message
}

func TestGate_GenuineSignatures_Pass(t *testing.T) {
	for name, c := range map[string]call{
		"header":                  {key: "alice"},
		"presigned":               {key: "alice", presign: "60"},
		"presigned long ago":      {key: "alice", presign: "3600", age: 59 * time.Minute},
		"fourteen minutes behind": {key: "alice", age: 14 * time.Minute},
		"fourteen minutes ahead":  {key: "alice", age: -14 * time.Minute},
	} {
		d := newDoor(t, nil)
		if status, answer := d.knock(t, c); status != 200 {
			t.Errorf("%s: %d %s", name, status, answer)
		}
		want := scope.Caller{Account: owner, Region: "eu-west-1", ARN: "arn:aws:iam::111122223333:user/alice"}
		if diff := cmp.Diff(want, d.caller); diff != "" {
			t.Errorf("%s: caller (-want +got):\n%s", name, diff)
		}
	}
	d := newDoor(t, nil)
	if status, answer := d.knock(t, call{key: "temporary", token: "the token"}); status != 200 {
		t.Errorf("with a token: %d %s", status, answer)
	}
}

func TestGate_Refusals_InAWSsWords(t *testing.T) {
	const (
		unknown  = `UnrecognizedClientException {"message":"The security token included in the request is invalid."}`
		mismatch = `InvalidSignatureException {"message":"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}`
	)
	d := newDoor(t, nil)
	for name, c := range map[string]struct {
		call call
		want string
	}{
		"unknown key":         {call{key: "nobody"}, unknown},
		"unknown session":     {call{key: "ASIAXXXXXXXXXXXXXXXX", token: "bm90IG91cnM"}, unknown},
		"token of a lasting":  {call{key: "alice", token: "x"}, unknown},
		"no token":            {call{key: "temporary"}, unknown},
		"another token":       {call{key: "temporary", token: "the tokem"}, unknown},
		"another body":        {call{key: "alice", change: func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`{"a":2}`)) }}, mismatch},
		"another path":        {call{key: "alice", change: func(r *http.Request) { r.URL.Path = "/2015-03-31/functions/g/invocations" }}, mismatch},
		"presigned, changed":  {call{key: "alice", presign: "60", change: func(r *http.Request) { r.URL.RawQuery += "&Qualifier=x" }}, mismatch},
		"behind":              {call{key: "alice", age: 16 * time.Minute}, `InvalidSignatureException {"message":"Signature expired: TIME is now earlier than TIME (TIME - 15 min.)"}`},
		"ahead":               {call{key: "alice", age: -16 * time.Minute}, `InvalidSignatureException {"message":"Signature not yet current: TIME is still later than TIME (TIME + 15 min.)"}`},
		"presigned, expired":  {call{key: "alice", presign: "90", age: 2 * time.Minute}, `InvalidSignatureException {"message":"Signature expired: TIME is now earlier than TIME (TIME - 90 sec.)"}`},
		"presigned, too long": {call{key: "alice", presign: "604801"}, `IncompleteSignatureException {"message":"X-Amz-Expires must be between 0 and 604800 seconds."}`},
		"another service":     {call{key: "alice", service: "s3"}, `InvalidSignatureException {"message":"Credential should be scoped to correct service: 'lambda'. "}`},
		"no region":           {call{key: "alice", region: "anything"}, `InvalidSignatureException {"message":"Credential should be scoped to a valid region. "}`},
		"not signed":          {call{key: "alice", change: func(r *http.Request) { r.Header.Del("Authorization") }}, `MissingAuthenticationTokenException {"message":"Missing Authentication Token"}`},
		"added header": {call{key: "alice", change: func(r *http.Request) { r.Header.Set("X-Amz-Invocation-Type", "Event") }},
			`IncompleteSignatureException {"message":"'X-Amz-Invocation-Type' must be a 'SignedHeader' in the AWS Authorization."}`},
	} {
		status, answer := d.knock(t, c.call)
		if diff := cmp.Diff(c.want, answer); diff != "" || status != http.StatusForbidden {
			t.Errorf("%s: %d (-want +got):\n%s", name, status, diff)
		}
	}
}

func TestVerifier_RegionOfTheNode_IsGoodWhateverItsForm(t *testing.T) {
	verifier, err := auth.NewVerifier([]auth.Key{key("alice", owner)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	verify := func() error {
		r := httptest.NewRequest("GET", "http://hearth.example/2015-03-31/functions", nil)
		sigv4.Sign(r, sigv4.Credentials{AccessKeyID: "alice", SecretAccessKey: secret}, "home", "lambda", nil, time.Now())
		_, _, err := verifier.Verify(r, api.HashBody(nil), time.Now())
		return err
	}
	if err := verify(); !errors.Is(err, hearth.ErrSignature) {
		t.Errorf("a word that is no region: %v", err)
	}
	verifier.Regional("home")
	if err := verify(); err != nil {
		t.Errorf("the node's own region: %v", err)
	}
}

func TestGate_UnknownPaths_TellStrangersNothing(t *testing.T) {
	d := newDoor(t, nil)
	status, answer := d.send(t, httptest.NewRequest("GET", "/nothing/here", nil))
	if status != http.StatusForbidden || !strings.HasPrefix(answer, "MissingAuthenticationTokenException") {
		t.Errorf("%d %s", status, answer)
	}
}

// denied is AWS's message.
func denied(who, action, resource, reason string) string {
	return `AccessDeniedException {"message":"User: ` + who + ` is not authorized to perform: ` + action + ` on resource: ` + resource + ` ` + reason + `"}`
}

func TestGate_WhoMayDoWhat(t *testing.T) {
	const (
		mallory = "arn:aws:iam::444455556666:user/mallory"
		reader  = "arn:aws:iam::111122223333:user/reader"
		alice   = "arn:aws:iam::111122223333:user/alice"
		fn      = "arn:aws:lambda:eu-west-1:111122223333:function:f"
		noRes   = "because no resource-based policy allows the lambda:InvokeFunction action"
		noID    = "because no identity-based policy allows the lambda:InvokeFunction action"
		deny    = "with an explicit deny in a resource-based policy"
	)
	invoke := func(name string) call {
		return call{method: "POST", path: "/2015-03-31/functions/" + name + "/invocations", body: "{}"}
	}
	create := func(name string) call {
		return call{method: "POST", path: "/2015-03-31/functions", body: `{"functionname":"x","FunctionName":"` + name + `","Role":"arn:aws:iam::111122223333:role/r","Code":{"ZipFile":"eA=="}}`}
	}
	for _, c := range []struct {
		name, key string
		call      call
		policies  policies
		want      string
	}{
		{"owner", "alice", invoke("f"), nil, ""},
		{"owner, by ARN", "alice", invoke(fn), nil, ""},
		{"owner, denied", "alice", invoke("f"), policies{fn: document.Denied}, denied(alice, "lambda:InvokeFunction", fn, deny)},
		{"stranger, by ARN", "mallory", invoke(fn), nil, denied(mallory, "lambda:InvokeFunction", fn, noRes)},
		{"stranger, partial ARN", "mallory", invoke("111122223333:function:f"), nil, denied(mallory, "lambda:InvokeFunction", fn, noRes)},
		{"stranger, escaped ARN", "mallory", invoke(strings.ReplaceAll(fn, ":", "%3A")), nil, denied(mallory, "lambda:InvokeFunction", fn, noRes)},
		{"stranger, alias", "mallory", invoke(fn + ":live"), policies{fn: document.Allowed}, denied(mallory, "lambda:InvokeFunction", fn+":live", noRes)},
		{"stranger, allowed", "mallory", invoke(fn), policies{fn: document.Allowed}, ""},
		{"stranger, allowed the alias", "mallory", invoke(fn + ":live"), policies{fn + ":live": document.Allowed}, ""},
		{"stranger, own function of that name", "mallory", invoke("f"), nil, ""},
		{"stranger creates elsewhere", "mallory", create(fn), nil, denied(mallory, "lambda:CreateFunction", fn, "because no resource-based policy allows the lambda:CreateFunction action")},
		{"stranger creates elsewhere, by another spelling", "mallory", call{method: "POST", path: "/2015-03-31/functions", body: `{"FunctionName":"x","FUNCTIONNAME":"` + fn + `","Role":"arn:aws:iam::111122223333:role/r","Code":{"ZipFile":"eA=="}}`}, nil,
			denied(mallory, "lambda:CreateFunction", fn, "because no resource-based policy allows the lambda:CreateFunction action")},
		{"reader invokes", "reader", invoke("f"), nil, denied(reader, "lambda:InvokeFunction", fn, noID)},
		{"reader, allowed", "reader", invoke("f"), policies{fn: document.Allowed}, ""},
		{"reader lists", "reader", call{method: "GET", path: "/2015-03-31/functions/"}, nil, ""},
		{"user, locked out of the policy", "alice", call{method: "DELETE", path: "/2026-07-09/resource-policy/" + fn}, policies{fn: document.Denied}, denied(alice, "lambda:DeleteResourcePolicy", fn, deny)},
		{"root, never locked out of the policy", "root", call{method: "DELETE", path: "/2026-07-09/resource-policy/" + fn}, policies{fn: document.Denied}, ""},
		{"stranger removes a permission", "mallory", call{method: "DELETE", path: "/2015-03-31/functions/" + fn + "/policy/s"}, nil,
			denied(mallory, "lambda:RemovePermission", fn, "because no resource-based policy allows the lambda:RemovePermission action")},
	} {
		c.call.key = c.key
		d := newDoor(t, c.policies)
		status, answer := d.knock(t, c.call)
		if diff := cmp.Diff(c.want, answer); diff != "" || (c.want == "") != (status/100 == 2) {
			t.Errorf("%s: %d (-want +got):\n%s", c.name, status, diff)
		}
	}
}

func TestGate_KnowsEveryLabelOfTheModel(t *testing.T) {
	router := api.NewRouter(api.Options{})
	labels := map[string]bool{}
	for _, path := range router.Paths() {
		for _, m := range regexp.MustCompile(`\{(\w+)\+?\}`).FindAllStringSubmatch(path, -1) {
			labels[m[1]] = true
		}
	}
	want := slices.Sorted(maps.Keys(labels))
	got := auth.Labels()
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("labels (-model +gate): does a new one name things of other accounts?\n%s", diff)
	}
}

func testFunction() *hearth.Function {
	return &hearth.Function{Name: hearth.Name{Account: owner, Region: "eu-west-1", Function: "caller"}, Role: "arn:aws:iam::" + owner + ":role/service/worker"}
}

func TestSession_InvokesAndNothingElse(t *testing.T) {
	d := newDoor(t, nil)
	c := d.sessions.Issue(auth.FunctionSession(testFunction(), []string{"lambda:InvokeFunction"}))
	sign := func(method, path, body string, c sigv4.Credentials) (int, string) {
		r := httptest.NewRequest(method, "http://hearth.example"+path, strings.NewReader(body))
		sigv4.Sign(r, c, "eu-west-1", "lambda", []byte(body), time.Now())
		return d.send(t, r)
	}
	const me = "arn:aws:sts::111122223333:assumed-role/worker/caller"
	if status, answer := sign("POST", "/2015-03-31/functions/f/invocations", "{}", c); status != 200 || d.caller.ARN != me {
		t.Errorf("invoke: %d %s as %s", status, answer, d.caller.ARN)
	}
	_, answer := sign("GET", "/2015-03-31/functions/", "", c)
	if want := denied(me, "lambda:ListFunctions", "*", "because no identity-based policy allows the lambda:ListFunctions action"); answer != want {
		t.Errorf("list: %s", answer)
	}
	other := d.sessions.Issue(auth.FunctionSession(testFunction(), nil))
	for name, forged := range map[string]sigv4.Credentials{
		"another's key id":  {AccessKeyID: other.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken},
		"another's token":   {AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: other.SessionToken},
		"another's secret":  {AccessKeyID: c.AccessKeyID, SecretAccessKey: other.SecretAccessKey, SessionToken: c.SessionToken},
		"changed token":     {AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken[:len(c.SessionToken)-4] + "AAAA"},
		"of another daemon": auth.NewSessions(sessionLife, time.Now).Issue(auth.FunctionSession(testFunction(), nil)),
	} {
		if status, answer := sign("POST", "/2015-03-31/functions/f/invocations", "{}", forged); status != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
	d.later = sessionLife - time.Minute
	if status, answer := sign("POST", "/2015-03-31/functions/f/invocations", "{}", c); status != http.StatusOK {
		t.Errorf("before its end: %d %s", status, answer)
	}
	d.later = sessionLife
	if _, answer := sign("POST", "/2015-03-31/functions/f/invocations", "{}", c); answer != `ExpiredTokenException {"message":"The security token included in the request is expired"}` {
		t.Errorf("expired: %s", answer)
	}
}

func TestFunctionSession_RolesOfOtherAccounts_AreNotTheirs(t *testing.T) {
	fn := testFunction()
	if got := auth.FunctionSession(fn, nil); got.RoleARN != fn.Role || got.Actions == nil {
		t.Errorf("%+v", got)
	}
	fn.Role = "arn:aws:iam::" + stranger + ":role/admin"
	if got := auth.FunctionSession(fn, nil); got.RoleARN != "" || got.Account != owner {
		t.Errorf("%+v", got)
	}
}

// seen asks for one of hearth's own paths.
func seen(t *testing.T, id, target string) int {
	t.Helper()
	verifier, err := auth.NewVerifier([]auth.Key{key("alice", owner), key("mallory", stranger), key("reader", owner, "lambda:*", "hearth:logs")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	gate := auth.NewGate(verifier, policies{}, scope.Defaults{Account: owner, Region: "us-east-1"})
	r := httptest.NewRequest("GET", "http://hearth.example"+target, nil)
	if id != "" {
		sigv4.Sign(r, sigv4.Credentials{AccessKeyID: id, SecretAccessKey: secret}, "us-east-1", "lambda", nil, time.Now())
	}
	w := httptest.NewRecorder()
	gate.Own(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })).ServeHTTP(w, r)
	return w.Code
}

func TestOwn_WhoMaySeeTheDaemon(t *testing.T) {
	for _, c := range []struct {
		key, target string
		want        int
	}{
		{"", "/_hearth/clock", 403},
		{"alice", "/_hearth/clock", 418},
		{"mallory", "/_hearth/clock", 403},
		{"reader", "/_hearth/clock", 403},
		{"reader", "/_hearth/logs?function=f", 418},
		{"mallory", "/_hearth/logs?function=f", 418}, // of its own account
		{"mallory", "/_hearth/logs?function=arn:aws:lambda:us-east-1:111122223333:function:f", 403},
		{"mallory", "/_hearth/clock?function=f", 403},
	} {
		if got := seen(t, c.key, c.target); got != c.want {
			t.Errorf("%q, %s: %d, want %d", c.key, c.target, got, c.want)
		}
	}
}

func TestNewVerifier_TwoKeysOfOneID(t *testing.T) {
	if _, err := auth.NewVerifier([]auth.Key{key("a", owner), key("a", stranger)}, nil); err == nil {
		t.Error("no error")
	}
}

func BenchmarkGate(b *testing.B) {
	verifier, err := auth.NewVerifier([]auth.Key{key("alice", owner)}, nil)
	if err != nil {
		b.Fatal(err)
	}
	for name, authorizer := range map[string]api.Authorizer{"auth": auth.NewGate(verifier, policies{}, scope.Defaults{}), "none": nil} {
		b.Run(name, func(b *testing.B) {
			router := api.NewRouter(api.Options{Authorizer: authorizer})
			api.Handle(router, api.GetAccountSettings, func(context.Context, *api.GetAccountSettingsInput) (*api.GetAccountSettingsOutput, error) {
				return nil, nil
			})
			r := httptest.NewRequest("GET", "http://hearth.example"+api.GetAccountSettings.Path(), nil)
			sigv4.Sign(r, sigv4.Credentials{AccessKeyID: "alice", SecretAccessKey: secret}, "us-east-1", "lambda", nil, time.Now())
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				if router.ServeHTTP(w, r); w.Code != 200 {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
