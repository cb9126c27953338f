// Package urls serves the operations on function URL configs: the HTTP
// endpoints of functions and their aliases. It stores them; requests to the
// URLs are served by another part.
//
// A URL is http://<id>.lambda-url.<region>.<host>/, where host leads to this
// daemon: every name below localhost does so by itself.
package urls

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/listing"
	"github.com/hearthd/hearth/edge/scope"
)

// Configs is where the configurations are kept, with $LATEST as the qualifier
// of the function's own; see store/records for the contract.
type Configs interface {
	Get(ctx context.Context, name hearth.Name, qualifier string) (*hearth.FunctionURL, error)
	Create(ctx context.Context, name hearth.Name, qualifier string, u *hearth.FunctionURL) error
	Update(ctx context.Context, name hearth.Name, qualifier string, change func(*hearth.FunctionURL) error) (*hearth.FunctionURL, error)
	Delete(ctx context.Context, name hearth.Name, qualifier string) error
	List(ctx context.Context, name hearth.Name, after string, limit int) (page []*hearth.FunctionURL, next string, err error)
}

// Options of a Service. All are required.
type Options struct {
	Configs   Configs
	Functions scope.Functions
	Scope     scope.Defaults
	// Host is where the URLs lead to, with a port unless it is 80, e.g.
	// localhost:4566.
	Host string
}

// Service serves the operations.
type Service struct{ opts Options }

// New returns a Service.
func New(opts Options) *Service { return &Service{opts} }

// Register makes a router serve this service's operations.
func (s *Service) Register(r *api.Router) {
	api.Handle(r, api.CreateFunctionUrlConfig, s.create)
	api.Handle(r, api.GetFunctionUrlConfig, s.get)
	api.Handle(r, api.UpdateFunctionUrlConfig, s.update)
	api.Handle(r, api.DeleteFunctionUrlConfig, s.delete)
	api.Handle(r, api.ListFunctionUrlConfigs, s.list)
}

func (s *Service) create(ctx context.Context, in *api.CreateFunctionUrlConfigInput) (*api.CreateFunctionUrlConfigOutput, error) {
	name, alias, err := s.reference(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := s.exists(ctx, name, alias); err != nil {
		return nil, err
	}
	now := time.Now()
	u := &hearth.FunctionURL{
		Function: name, Alias: alias, ID: newID(), AuthType: *in.AuthType,
		InvokeMode: api.Value(in.InvokeMode), CORS: corsOf(in.Cors), Created: now, Modified: now,
	}
	err = s.opts.Configs.Create(ctx, name, qualifierOf(alias), u)
	if errors.Is(err, hearth.ErrConflict) {
		return nil, hearth.Errorf(hearth.ErrConflict, // the two blanks are AWS's
			"Failed to create function url config for [functionArn = %s]. Error message:  FunctionUrlConfig exists for this Lambda function", u.ARN())
	}
	if err != nil {
		return nil, err
	}
	return &api.CreateFunctionUrlConfigOutput{
		FunctionUrl: api.Ptr(s.url(u)), FunctionArn: api.Ptr(u.ARN()), AuthType: &u.AuthType,
		InvokeMode: in.InvokeMode, Cors: renderCORS(u.CORS), CreationTime: timestamp(u.Created),
	}, nil
}

// newID returns 32 random lower-case letters and digits.
func newID() string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567" // 32: a byte's low bits choose evenly
	var b [32]byte
	rand.Read(b[:]) // never fails: see crypto/rand
	for i := range b {
		b[i] = alphabet[b[i]%32]
	}
	return string(b[:])
}

func (s *Service) url(u *hearth.FunctionURL) string {
	return "http://" + u.ID + ".lambda-url." + u.Function.Region + "." + s.opts.Host + "/"
}

// reference reads a function and an alias of it; empty is the function itself.
// A version cannot be meant: the model has none as a qualifier, but for ARNs.
func (s *Service) reference(ctx context.Context, functionName, qualifier *string) (hearth.Name, string, error) {
	name, alias, err := s.opts.Scope.Function(ctx, functionName, qualifier)
	if err == nil && alias != "" && !hearth.IsAlias(alias) {
		err = hearth.Errorf(hearth.ErrInvalid, "Function URLs are for functions and their aliases; %s is a version.", alias)
	}
	return name, alias, err
}

func (s *Service) exists(ctx context.Context, name hearth.Name, alias string) error {
	err := scope.Exists(ctx, s.opts.Functions, name, alias)
	if errors.Is(err, hearth.ErrNotFound) {
		return hearth.Errorf(hearth.ErrNotFound, "Function does not exist")
	}
	return err
}

func qualifierOf(alias string) string { return cmp.Or(alias, hearth.Latest) }

func missing(err error) error {
	if errors.Is(err, hearth.ErrNotFound) {
		return hearth.Errorf(hearth.ErrNotFound, "The resource you requested does not exist.")
	}
	return err
}

func (s *Service) get(ctx context.Context, in *api.GetFunctionUrlConfigInput) (*api.GetFunctionUrlConfigOutput, error) {
	name, alias, err := s.reference(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	u, err := s.opts.Configs.Get(ctx, name, qualifierOf(alias))
	if err != nil {
		return nil, missing(err)
	}
	out := api.GetFunctionUrlConfigOutput(s.described(u))
	return &out, nil
}

// update leaves what is not sent as it is.
func (s *Service) update(ctx context.Context, in *api.UpdateFunctionUrlConfigInput) (*api.UpdateFunctionUrlConfigOutput, error) {
	name, alias, err := s.reference(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := s.exists(ctx, name, alias); err != nil {
		return nil, err
	}
	u, err := s.opts.Configs.Update(ctx, name, qualifierOf(alias), func(u *hearth.FunctionURL) error {
		u.AuthType = cmp.Or(api.Value(in.AuthType), u.AuthType)
		u.InvokeMode = cmp.Or(api.Value(in.InvokeMode), u.InvokeMode)
		if in.Cors != nil {
			u.CORS = corsOf(in.Cors)
		}
		u.Modified = time.Now()
		return nil
	})
	if err != nil {
		return nil, missing(err)
	}
	out := api.UpdateFunctionUrlConfigOutput(s.described(u))
	out.InvokeMode = api.Optional(u.InvokeMode)
	return &out, nil
}

func (s *Service) delete(ctx context.Context, in *api.DeleteFunctionUrlConfigInput) (*api.Empty, error) {
	name, alias, err := s.reference(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := s.opts.Configs.Delete(ctx, name, qualifierOf(alias)); err != nil {
		return nil, missing(err)
	}
	return &api.Empty{}, nil
}

func (s *Service) list(ctx context.Context, in *api.ListFunctionUrlConfigsInput) (*api.ListFunctionUrlConfigsOutput, error) {
	name, _, err := s.opts.Scope.Function(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	if err := s.exists(ctx, name, ""); err != nil {
		return nil, err
	}
	page, next, err := s.opts.Configs.List(ctx, name, api.Value(in.Marker), listing.Limit(in.MaxItems))
	if err != nil {
		return nil, err
	}
	return &api.ListFunctionUrlConfigsOutput{FunctionUrlConfigs: listing.Items(page, s.item), NextMarker: api.Optional(next)}, nil
}
