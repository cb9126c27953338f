package daemon

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/edge/auth"
	"github.com/hearthd/hearth/edge/policy"
	"github.com/hearthd/hearth/edge/policy/document"
	"github.com/hearthd/hearth/invoke/destination"
	"github.com/hearthd/hearth/invoke/queue"
	layerstore "github.com/hearthd/hearth/store/layers"
	"github.com/hearthd/hearth/store/records"
)

// policyStore is a policy.Store on a collection.
type policyStore[K any] struct {
	*records.Collection[policy.Policy]

	key func(K) string
}

func (s policyStore[K]) Lookup(k K) (*policy.Policy, error) { return s.Collection.Find(s.key(k)) }

func (s policyStore[K]) Get(ctx context.Context, k K) (*policy.Policy, error) {
	return s.Collection.Get(ctx, s.key(k))
}

func (s policyStore[K]) Modify(ctx context.Context, k K, change func(*policy.Policy, bool) error) (*policy.Policy, error) {
	return s.Collection.Modify(ctx, s.key(k), change)
}

func (s policyStore[K]) Delete(ctx context.Context, k K, check func(*policy.Policy) error) (*policy.Policy, error) {
	return s.Collection.Delete(ctx, s.key(k), check)
}

// policyRecords are the resource-based policies.
type policyRecords struct {
	functions policyStore[policy.Function]
	layers    policyStore[policy.LayerVersion]
}

// newPolicyRecords adds them to a set that is not open yet.
func newPolicyRecords(set *records.Set) policyRecords {
	return policyRecords{
		functions: policyStore[policy.Function]{records.Of[policy.Policy](set, hearth.KindFunctionPolicy), func(f policy.Function) string {
			return records.FunctionKey(f.Name, f.Qualifier)
		}},
		layers: policyStore[policy.LayerVersion]{records.Of[policy.Policy](set, hearth.KindLayerPolicy), func(l policy.LayerVersion) string {
			return records.Key(l.Layer.Account, l.Layer.Region, l.Layer.Layer, strconv.FormatInt(l.Version, 10))
		}},
	}
}

// access is who may call: nil parts without --auth.
type access struct {
	policies *policy.Service
	sessions *auth.Sessions
	gate     *auth.Gate
}

// lastEvent is how much longer than an environment lives its credentials are
// good for: it has an init phase before, and may take an event at its end. Both
// together take 105 minutes at most.
const lastEvent = 2 * time.Hour

// openAccess comes after the clock and the store and before the engine.
func (d *daemon) openAccess() error {
	defaults := d.defaults()
	d.access.policies = policy.New(policy.Options{
		Functions: d.catalog, Layers: d.layers, FunctionPolicies: d.policies.functions, LayerPolicies: d.policies.layers, Scope: defaults,
	})
	if !d.cfg.Auth {
		return nil
	}
	d.access.sessions = auth.NewSessions(d.cfg.MaxAge+lastEvent, d.clock.Now)
	verifier, err := auth.NewVerifier(d.cfg.Keys(), d.access.sessions)
	if err != nil {
		return exit.Usagef("access-keys: %w", err)
	}
	d.access.gate = auth.NewGate(verifier, d.access.policies, defaults)
	return nil
}

// functionCredentials returns the credentials of a new environment of a
// function: none without --auth.
func (d *daemon) functionCredentials(fn *hearth.Function) map[string]string {
	if d.access.sessions == nil {
		return nil
	}
	c := d.access.sessions.Issue(auth.FunctionSession(fn, d.cfg.AllowedActions()))
	return map[string]string{
		"AWS_ACCESS_KEY_ID": c.AccessKeyID, "AWS_SECRET_ACCESS_KEY": c.SecretAccessKey, "AWS_SESSION_TOKEN": c.SessionToken,
	}
}

// authorizer is the Router's; nil without --auth.
func (a *access) authorizer() api.Authorizer {
	if a.gate == nil {
		return nil // not a nil *Gate in the interface
	}
	return a.gate
}

// guard puts hearth's own paths behind the gate, but for those that are open:
// health, and links that are signed in their own way. Without --auth all of the
// server is behind auth.Local.
func (a *access) guard(own http.Handler, open ...string) http.Handler {
	if a.gate == nil {
		return own
	}
	guarded, mux := a.gate.Own(own), http.NewServeMux()
	mux.Handle("/", guarded)
	for _, path := range open {
		mux.Handle("GET "+path, own)
	}
	return mux
}

// outermost is what every request passes first.
func (a *access) outermost(h http.Handler) http.Handler {
	if a.gate == nil {
		return auth.Local(h)
	}
	return h // a browser has no key to sign with, whatever page it shows
}

// mayUseLayer says whether an account may use a layer version of another one.
// Without --auth there are no others: every account is the caller's.
func (d *daemon) mayUseLayer(_ context.Context, account string, v *hearth.LayerVersion) bool {
	if !d.cfg.Auth {
		return true
	}
	about := map[string]string{"aws:principalaccount": account}
	for _, k := range d.cfg.AccessKeys {
		if k.Account == account && k.Organization != "" {
			about["aws:principalorgid"] = k.Organization
		}
	}
	return d.access.policies.Decide(document.Request{
		Principal: document.Principal{Account: account, ARN: "arn:aws:iam::" + account + ":root"},
		Action:    "lambda:GetLayerVersion", Resource: v.ARN(), Context: about,
	}) == document.Allowed
}

// layerVersions deletes the policy of a layer version with it.
type layerVersions struct {
	*layerstore.Store

	policies *policy.Service
}

func (l layerVersions) Delete(ctx context.Context, name hearth.LayerName, version int64) error {
	if err := l.policies.DeleteLayerVersion(ctx, name, version); err != nil {
		return err
	}
	return l.Store.Delete(ctx, name, version)
}

// permittedEventConfig is eventConfig without the functions that the function's
// role may not invoke: a destination is no way around their policies.
func (d *daemon) permittedEventConfig(name hearth.Name, qualifier string) queue.Config {
	c := d.eventConfig(name, qualifier)
	if d.access.gate == nil {
		return c
	}
	for _, target := range []*string{&c.OnSuccess, &c.OnFailure, &c.DeadLetter} {
		if _, _, isFunction := destination.FunctionTarget(*target); !isFunction {
			continue
		}
		fn, err := d.catalog.Lookup(name, hearth.Latest)
		if err == nil {
			err = d.access.gate.Allow(auth.FunctionSession(fn, d.cfg.AllowedActions()), "lambda:InvokeFunction", *target)
		}
		if err != nil {
			d.logger.Warn("a destination is not told", "function", name.String(), "destination", *target, "error", err)
			*target = ""
		}
	}
	return c
}
