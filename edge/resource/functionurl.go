package resource

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/netip"
	"reflect"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/listing"
	"github.com/hearthd/hearth/edge/scope"
)

// functionURLs are the HTTP endpoints of functions and their aliases; what is
// sent to them is served by another part.
//
// A URL is http://<id>.lambda-url.<region>.<host>/, where host leads to this
// daemon.
type functionURLs struct {
	store     ByFunction[hearth.FunctionURL]
	functions Functions
	scope     scope.Defaults
	host      string // with a port unless it is 80, e.g. localhost:4566
}

func (s functionURLs) register(r *api.Router) {
	api.Handle(r, api.CreateFunctionUrlConfig, s.create)
	api.Handle(r, api.GetFunctionUrlConfig, s.get)
	api.Handle(r, api.UpdateFunctionUrlConfig, s.update)
	api.Handle(r, api.DeleteFunctionUrlConfig, s.delete)
	api.Handle(r, api.ListFunctionUrlConfigs, s.list)
}

func (s functionURLs) create(ctx context.Context, in *api.CreateFunctionUrlConfigInput) (*api.CreateFunctionUrlConfigOutput, error) {
	name, alias, err := s.reference(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := s.exists(ctx, name, alias); err != nil {
		return nil, err
	}
	now := time.Now()
	u := &hearth.FunctionURL{
		Function: name, Alias: alias, ID: newURLID(), AuthType: *in.AuthType,
		InvokeMode: api.Value(in.InvokeMode), CORS: corsOf(in.Cors), Created: now, Modified: now,
	}
	err = s.store.Create(ctx, name, qualifierOf(alias), u)
	if errors.Is(err, hearth.ErrConflict) {
		return nil, hearth.Errorf(hearth.ErrConflict, // the two blanks are AWS's
			"Failed to create function url config for [functionArn = %s]. Error message:  FunctionUrlConfig exists for this Lambda function", u.ARN())
	}
	if err != nil {
		return nil, err
	}
	return &api.CreateFunctionUrlConfigOutput{
		FunctionUrl: api.Ptr(s.url(u)), FunctionArn: api.Ptr(u.ARN()), AuthType: &u.AuthType,
		InvokeMode: in.InvokeMode, Cors: renderCORS(u.CORS), CreationTime: urlTime(u.Created),
	}, nil
}

// newURLID returns 32 random lower-case letters and digits.
func newURLID() string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567" // 32: a byte's low bits choose evenly
	var b [32]byte
	rand.Read(b[:]) // never fails: see crypto/rand
	for i := range b {
		b[i] = alphabet[b[i]%32]
	}
	return string(b[:])
}

// urlHost returns what function URLs end in: every name below localhost leads to
// this machine, while names below an IP address lead nowhere.
func urlHost(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "localhost"
	}
	if _, err := netip.ParseAddr(host); err == nil || host == "" {
		host = "localhost"
	}
	if port == "80" {
		return host
	}
	return net.JoinHostPort(host, port)
}

func (s functionURLs) url(u *hearth.FunctionURL) string {
	return "http://" + u.ID + ".lambda-url." + u.Function.Region + "." + s.host + "/"
}

// reference reads a function and an alias of it; empty is the function itself.
// A version cannot be meant: the model has none as a qualifier, but for ARNs.
func (s functionURLs) reference(ctx context.Context, functionName, qualifier *string) (hearth.Name, string, error) {
	name, alias, err := s.scope.Function(ctx, functionName, qualifier)
	if err == nil && alias != "" && !hearth.IsAlias(alias) {
		err = hearth.Errorf(hearth.ErrInvalid, "Function URLs are for functions and their aliases; %s is a version.", alias)
	}
	return name, alias, err
}

func (s functionURLs) exists(ctx context.Context, name hearth.Name, alias string) error {
	err := scope.Exists(ctx, s.functions, name, alias)
	if errors.Is(err, hearth.ErrNotFound) {
		return hearth.Errorf(hearth.ErrNotFound, "Function does not exist")
	}
	return err
}

// qualifierOf returns what a URL is kept by.
func qualifierOf(alias string) string { return cmp.Or(alias, hearth.Latest) }

func orNoURL(err error) error {
	if errors.Is(err, hearth.ErrNotFound) {
		return hearth.Errorf(hearth.ErrNotFound, "The resource you requested does not exist.")
	}
	return err
}

func (s functionURLs) get(ctx context.Context, in *api.GetFunctionUrlConfigInput) (*api.GetFunctionUrlConfigOutput, error) {
	name, alias, err := s.reference(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	u, err := s.store.Get(ctx, name, qualifierOf(alias))
	if err != nil {
		return nil, orNoURL(err)
	}
	out := api.GetFunctionUrlConfigOutput(s.described(u))
	return &out, nil
}

// update leaves what is not sent as it is.
func (s functionURLs) update(ctx context.Context, in *api.UpdateFunctionUrlConfigInput) (*api.UpdateFunctionUrlConfigOutput, error) {
	name, alias, err := s.reference(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := s.exists(ctx, name, alias); err != nil {
		return nil, err
	}
	u, err := s.store.Update(ctx, name, qualifierOf(alias), func(u *hearth.FunctionURL) error {
		u.AuthType = cmp.Or(api.Value(in.AuthType), u.AuthType)
		u.InvokeMode = cmp.Or(api.Value(in.InvokeMode), u.InvokeMode)
		if in.Cors != nil {
			u.CORS = corsOf(in.Cors)
		}
		u.Modified = time.Now()
		return nil
	})
	if err != nil {
		return nil, orNoURL(err)
	}
	out := api.UpdateFunctionUrlConfigOutput(s.described(u))
	out.InvokeMode = api.Optional(u.InvokeMode)
	return &out, nil
}

func (s functionURLs) delete(ctx context.Context, in *api.DeleteFunctionUrlConfigInput) (*api.Empty, error) {
	name, alias, err := s.reference(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := s.store.Delete(ctx, name, qualifierOf(alias)); err != nil {
		return nil, orNoURL(err)
	}
	return &api.Empty{}, nil
}

func (s functionURLs) list(ctx context.Context, in *api.ListFunctionUrlConfigsInput) (*api.ListFunctionUrlConfigsOutput, error) {
	name, _, err := s.scope.Function(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	if err := s.exists(ctx, name, ""); err != nil {
		return nil, err
	}
	page, next, err := s.store.List(ctx, name, api.Value(in.Marker), listing.Limit(in.MaxItems))
	if err != nil {
		return nil, err
	}
	return &api.ListFunctionUrlConfigsOutput{FunctionUrlConfigs: listing.Items(page, s.item), NextMarker: api.Optional(next)}, nil
}

// described is a configuration as it is read: with an invoke mode, whether one
// was set or not.
func (s functionURLs) described(u *hearth.FunctionURL) api.GetFunctionUrlConfigOutput {
	return api.GetFunctionUrlConfigOutput{
		FunctionUrl: api.Ptr(s.url(u)), FunctionArn: api.Ptr(u.ARN()), AuthType: &u.AuthType, Cors: renderCORS(u.CORS),
		CreationTime: urlTime(u.Created), LastModifiedTime: urlTime(u.Modified),
		InvokeMode: api.Ptr(cmp.Or(u.InvokeMode, hearth.URLBuffered)),
	}
}

// item is described, as a part of a list.
func (s functionURLs) item(u *hearth.FunctionURL) *api.FunctionUrlConfig {
	d := s.described(u)
	return &api.FunctionUrlConfig{
		FunctionUrl: d.FunctionUrl, FunctionArn: d.FunctionArn, CreationTime: d.CreationTime,
		LastModifiedTime: d.LastModifiedTime, Cors: d.Cors, AuthType: d.AuthType, InvokeMode: d.InvokeMode,
	}
}

// urlTime is in ISO 8601 with microseconds, unlike the times of functions.
func urlTime(t time.Time) *string {
	return api.Ptr(t.UTC().Format("2006-01-02T15:04:05.000000Z"))
}

// corsOf returns nil for an empty object too: it is how CORS is turned off.
func corsOf(c *api.Cors) *hearth.CORS {
	if c == nil || reflect.ValueOf(*c).IsZero() {
		return nil
	}
	return &hearth.CORS{
		AllowCredentials: c.AllowCredentials, AllowHeaders: c.AllowHeaders, AllowMethods: c.AllowMethods,
		AllowOrigins: c.AllowOrigins, ExposeHeaders: c.ExposeHeaders, MaxAge: c.MaxAge,
	}
}

func renderCORS(c *hearth.CORS) *api.Cors {
	if c == nil {
		return nil
	}
	return &api.Cors{
		AllowCredentials: c.AllowCredentials, AllowHeaders: c.AllowHeaders, AllowMethods: c.AllowMethods,
		AllowOrigins: c.AllowOrigins, ExposeHeaders: c.ExposeHeaders, MaxAge: c.MaxAge,
	}
}
