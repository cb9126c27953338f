package auth

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	wire "github.com/hearthd/hearth/api/own"
	"github.com/hearthd/hearth/edge/policy/document"
	"github.com/hearthd/hearth/edge/scope"
	"github.com/hearthd/hearth/internal/sigv4"
)

// Policies says what the resource-based policy of a request's resource says.
type Policies interface {
	Decide(r document.Request) document.Decision
}

// Gate is an api.Authorizer: it lets through calls with a genuine signature of
// a principal that may make them. Handlers find the principal by
// scope.CallerFrom.
type Gate struct {
	verifier *Verifier
	policies Policies
	scope    scope.Defaults
}

// NewGate returns a gate. The account and region of defaults are not used for
// calls, which all have their own.
func NewGate(v *Verifier, p Policies, defaults scope.Defaults) *Gate {
	return &Gate{verifier: v, policies: p, scope: defaults}
}

// Begin refuses calls that bear no signature of a known key of about now.
func (g *Gate) Begin(call *api.Call) error {
	_, err := g.verifier.claim(call.HTTP, time.Now())
	return err
}

// Authorize checks the signature and whether the principal may make the call.
func (g *Gate) Authorize(ctx context.Context, call *api.Call, body api.Body) (context.Context, error) {
	p, region, err := g.verifier.Verify(call.HTTP, body.SHA256, time.Now())
	if err != nil {
		return nil, err
	}
	ctx = scope.WithCaller(ctx, scope.Caller{Account: p.Account, Region: region, ARN: p.ARN})
	resource, err := g.resource(ctx, call, body.Data)
	if err != nil {
		return nil, err
	}
	return ctx, g.Allow(p, action(call.Operation), resource)
}

// action is the IAM action of an operation.
func action(operation string) string {
	switch operation {
	case "Invoke", "InvokeAsync", "InvokeWithResponseStream":
		return "lambda:InvokeFunction"
	case "GetLayerVersionByArn":
		return "lambda:GetLayerVersion"
	}
	return "lambda:" + operation
}

// Allow decides whether a principal may do something with a resource. Within
// its account either its own actions or the resource's policy must allow it, in
// another's both; a policy that denies it always wins.
func (g *Gate) Allow(p Principal, action, resource string) error {
	decision := g.policies.Decide(document.Request{
		Principal: document.Principal{Account: p.Account, ARN: p.ARN, RoleARN: p.RoleARN},
		Action:    action, Resource: resource, Context: p.context(),
	})
	own := resource == anyResource || accountOf(resource) == p.Account
	identity := p.may(action)
	reason := ""
	switch {
	case decision == document.Denied && !(own && p.isRoot() && strings.HasSuffix(action, "Policy")):
		reason = "with an explicit deny in a resource-based policy"
	case own && (identity || decision == document.Allowed), identity && decision == document.Allowed:
		return nil
	case !identity:
		reason = "because no identity-based policy allows the " + action + " action"
	default:
		reason = "because no resource-based policy allows the " + action + " action"
	}
	return hearth.Errorf(hearth.ErrDenied, "User: %s is not authorized to perform: %s on resource: %s %s", p.ARN, action, resource, reason)
}

// isRoot says whether a principal is its account, which nobody can lock out of
// its own policies.
func (p Principal) isRoot() bool { return strings.HasSuffix(p.ARN, ":root") }

// may says whether a principal's own actions include one.
func (p Principal) may(action string) bool {
	return p.Actions == nil || slices.ContainsFunc(p.Actions, func(pattern string) bool {
		return document.Match(strings.ToLower(pattern), strings.ToLower(action))
	})
}

// context is what conditions of policies can ask about a principal.
func (p Principal) context() map[string]string {
	c := map[string]string{"aws:principalarn": p.ARN, "aws:principalaccount": p.Account}
	if p.RoleARN != "" {
		c["aws:principalarn"] = p.RoleARN
	}
	if p.Organization != "" {
		c["aws:principalorgid"] = p.Organization
	}
	if p.Function != "" {
		c["lambda:sourcefunctionarn"] = p.Function
	}
	return c
}

func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}

// maxOwnBody bounds the bodies of hearth's own paths, in bytes.
const maxOwnBody = 1 << 20

// Own guards a handler of paths under /_hearth/, which AWS has no counterpart
// for: it takes a signature of a principal that may do hearth:<name>, name being
// what follows /_hearth/. Logs are about the function of the query; all else is
// about the whole daemon, and for the account that the defaults name. The
// handler's context has the caller.
func (g *Gate) Own(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, err := g.own(r)
		if err != nil {
			api.WriteError(w, api.RequestID(r.Context()), err)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (g *Gate) own(r *http.Request) (context.Context, error) {
	if _, err := g.verifier.claim(r, time.Now()); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxOwnBody+1))
	if err != nil || len(body) > maxOwnBody {
		return nil, hearth.Errorf(hearth.ErrTooLarge, "The request body must be complete and not larger than %d bytes.", maxOwnBody)
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	p, region, err := g.verifier.Verify(r, sigv4.HashBody(body), time.Now())
	if err != nil {
		return nil, err
	}
	ctx := scope.WithCaller(r.Context(), scope.Caller{Account: p.Account, Region: region, ARN: p.ARN})
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, wire.Prefix), "/")
	resource := "arn:aws:hearth:" + region + ":" + g.scope.Account + ":" + name
	if name == "logs" {
		if resource, err = g.function(ctx, r.URL.Query().Get("function"), ""); err != nil {
			return nil, err
		}
	}
	return ctx, g.Allow(p, "hearth:"+name, resource)
}
