package auth

import (
	"context"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/scope"
)

type functionKey struct{}

// WithFunction returns a context for a request that came from an environment of a
// function: from the listener that the environment alone can reach.
func WithFunction(ctx context.Context, fn *hearth.Function) context.Context {
	return context.WithValue(ctx, functionKey{}, fn)
}

// Inside is the Router's for requests that come from environments, whose contexts have
// the function: see WithFunction. Where signatures are asked for they are asked for here
// too, which the credentials of the function make. Otherwise the function acts as its
// role all the same, whatever it signs with: code of strangers must not own the API
// because nobody has to sign.
func (a *Access) Inside() api.Authorizer {
	if a.Enabled() {
		return a.gate
	}
	return &inside{gate: a.inside, actions: a.actions}
}

// inside is an api.Authorizer of requests whose sender is known.
type inside struct {
	gate    *Gate
	actions []string
}

// Begin refuses requests of nobody.
func (i *inside) Begin(call *api.Call) error {
	_, err := functionOf(call.HTTP.Context())
	return err
}

// Authorize decides as the Gate does for the credentials of the function.
func (i *inside) Authorize(ctx context.Context, call *api.Call, body api.Body) (context.Context, error) {
	fn, err := functionOf(ctx)
	if err != nil {
		return nil, err
	}
	p := FunctionSession(fn, i.actions)
	region := scope.Region(call.HTTP)
	if region == "" {
		region = fn.Name.Region
	}
	ctx = scope.WithCaller(ctx, scope.Caller{Account: p.Account, Region: region, ARN: p.ARN})
	resource, err := i.gate.resource(ctx, call, body.Data)
	if err != nil {
		return nil, err
	}
	return ctx, i.gate.Allow(p, action(call.Operation), resource)
}

func functionOf(ctx context.Context) (*hearth.Function, error) {
	fn, ok := ctx.Value(functionKey{}).(*hearth.Function)
	if !ok {
		return nil, hearth.Errorf(hearth.ErrDenied, "Requests of functions come from their environments.")
	}
	return fn, nil
}
