// Package signing serves the operations on code signing configs and on which
// functions they are attached to.
//
// It keeps them and no more: signatures are made by AWS Signer with keys that
// never leave it, so hearth checks none, whatever a configuration's policy.
// Attaching one that enforces signatures is logged as a warning.
package signing

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/listing"
	"github.com/hearthd/hearth/edge/scope"
	"github.com/hearthd/hearth/edge/tags"
)

// Configs is where configurations are kept, by account, region and id; see
// store/records for the contract.
type Configs interface {
	Get(ctx context.Context, account, region, id string) (*hearth.CodeSigningConfig, error)
	Create(ctx context.Context, account, region, id string, c *hearth.CodeSigningConfig) error
	Update(ctx context.Context, account, region, id string, change func(*hearth.CodeSigningConfig) error) (*hearth.CodeSigningConfig, error)
	Delete(ctx context.Context, account, region, id string, check func(*hearth.CodeSigningConfig) error) (*hearth.CodeSigningConfig, error)
	List(ctx context.Context, account, region, after string, limit int) (page []*hearth.CodeSigningConfig, next string, err error)
}

// Bindings is where it is kept which function has which configuration; see
// store/records for the contract.
type Bindings interface {
	Get(ctx context.Context, name hearth.Name, qualifier string) (*hearth.CodeSigningBinding, error)
	Put(ctx context.Context, name hearth.Name, qualifier string, b *hearth.CodeSigningBinding) error
	Delete(ctx context.Context, name hearth.Name, qualifier string) error
	ListAll(ctx context.Context, account, region string) ([]*hearth.CodeSigningBinding, error)
}

// Options of a Service. All are required but Logger.
type Options struct {
	Configs   Configs
	Bindings  Bindings
	Functions scope.Functions
	Scope     scope.Defaults
	Logger    *slog.Logger
}

// Service serves the operations.
type Service struct{ opts Options }

// New returns a Service.
func New(opts Options) *Service {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Service{opts}
}

// Register makes a router serve this service's operations.
func (s *Service) Register(r *api.Router) {
	api.Handle(r, api.CreateCodeSigningConfig, s.create)
	api.Handle(r, api.GetCodeSigningConfig, s.get)
	api.Handle(r, api.ListCodeSigningConfigs, s.list)
	api.Handle(r, api.UpdateCodeSigningConfig, s.update)
	api.Handle(r, api.DeleteCodeSigningConfig, s.delete)
	api.Handle(r, api.ListFunctionsByCodeSigningConfig, s.listFunctions)
	api.Handle(r, api.PutFunctionCodeSigningConfig, s.attach)
	api.Handle(r, api.GetFunctionCodeSigningConfig, s.attached)
	api.Handle(r, api.DeleteFunctionCodeSigningConfig, s.detach)
}

// Tagged returns the configurations as what tags are on.
func (s *Service) Tagged() tags.Resources {
	return tags.Records[hearth.CodeSigningConfig]{
		Store: s.opts.Configs, Kind: "code-signing-config",
		Tagged:  func(c *hearth.CodeSigningConfig) (*map[string]string, error) { return &c.Tags, nil },
		Missing: missing,
	}
}

func (s *Service) create(ctx context.Context, in *api.CreateCodeSigningConfigInput) (*api.CreateCodeSigningConfigOutput, error) {
	account, region := s.opts.Scope.Of(ctx)
	c := &hearth.CodeSigningConfig{
		Account: account, Region: region, ID: newID(), Tags: in.Tags,
		Publishers: in.AllowedPublishers.SigningProfileVersionArns, Untrusted: hearth.UntrustedWarn,
	}
	apply(c, in.Description, in.AllowedPublishers, in.CodeSigningPolicies)
	if err := s.opts.Configs.Create(ctx, account, region, c.ID, c); err != nil {
		return nil, err
	}
	return &api.CreateCodeSigningConfigOutput{CodeSigningConfig: render(c)}, nil
}

// newID returns csc- and 17 random hex digits.
func newID() string {
	var b [9]byte
	rand.Read(b[:]) // never fails: see crypto/rand
	return "csc-" + hex.EncodeToString(b[:])[:17]
}

func (s *Service) update(ctx context.Context, in *api.UpdateCodeSigningConfigInput) (*api.UpdateCodeSigningConfigOutput, error) {
	account, region, id := scope.OfARN(*in.CodeSigningConfigArn)
	c, err := s.opts.Configs.Update(ctx, account, region, id, func(c *hearth.CodeSigningConfig) error {
		apply(c, in.Description, in.AllowedPublishers, in.CodeSigningPolicies)
		return nil
	})
	if err != nil {
		return nil, orMissing(err, *in.CodeSigningConfigArn)
	}
	return &api.UpdateCodeSigningConfigOutput{CodeSigningConfig: render(c)}, nil
}

// apply leaves what is not sent as it is.
func apply(c *hearth.CodeSigningConfig, description *string, publishers *api.AllowedPublishers, policies *api.CodeSigningPolicies) {
	if description != nil {
		c.Description = *description
	}
	if publishers != nil {
		c.Publishers = publishers.SigningProfileVersionArns
	}
	if policies != nil && policies.UntrustedArtifactOnDeployment != nil {
		c.Untrusted = *policies.UntrustedArtifactOnDeployment
	}
	c.LastModified = time.Now()
}

func (s *Service) get(ctx context.Context, in *api.GetCodeSigningConfigInput) (*api.GetCodeSigningConfigOutput, error) {
	c, err := s.find(ctx, *in.CodeSigningConfigArn)
	if err != nil {
		return nil, err
	}
	return &api.GetCodeSigningConfigOutput{CodeSigningConfig: render(c)}, nil
}

func (s *Service) find(ctx context.Context, arn string) (*hearth.CodeSigningConfig, error) {
	account, region, id := scope.OfARN(arn)
	c, err := s.opts.Configs.Get(ctx, account, region, id)
	if err != nil {
		return nil, orMissing(err, arn)
	}
	return c, nil
}

func orMissing(err error, arn string) error {
	if errors.Is(err, hearth.ErrNotFound) {
		return missing(arn)
	}
	return err
}

func missing(arn string) error {
	return &hearth.Error{
		Kind: hearth.ErrNotFound, NoType: true,
		Message: "The Lambda code signing configuration " + arn + " can not be found.",
	}
}

func (s *Service) list(ctx context.Context, in *api.ListCodeSigningConfigsInput) (*api.ListCodeSigningConfigsOutput, error) {
	account, region := s.opts.Scope.Of(ctx)
	page, next, err := s.opts.Configs.List(ctx, account, region, api.Value(in.Marker), listing.Limit(in.MaxItems))
	if err != nil {
		return nil, err
	}
	return &api.ListCodeSigningConfigsOutput{CodeSigningConfigs: listing.Items(page, render), NextMarker: api.Optional(next)}, nil
}

func (s *Service) delete(ctx context.Context, in *api.DeleteCodeSigningConfigInput) (*api.DeleteCodeSigningConfigOutput, error) {
	c, err := s.find(ctx, *in.CodeSigningConfigArn)
	if err != nil {
		return nil, err
	}
	users, err := s.users(ctx, c)
	if err != nil {
		return nil, err
	}
	if len(users) > 0 {
		return nil, hearth.Errorf(hearth.ErrConflict, "Cannot delete the code signing configuration %s: %d function(s) use it.", c.ARN(), len(users))
	}
	if _, err := s.opts.Configs.Delete(ctx, c.Account, c.Region, c.ID, nil); err != nil {
		return nil, orMissing(err, *in.CodeSigningConfigArn)
	}
	return &api.DeleteCodeSigningConfigOutput{}, nil
}

// timeLayout is that of LastModified, UTC.
const timeLayout = "2006-01-02T15:04:05.000-0700"

func render(c *hearth.CodeSigningConfig) *api.CodeSigningConfig {
	return &api.CodeSigningConfig{
		CodeSigningConfigId: &c.ID, CodeSigningConfigArn: api.Ptr(c.ARN()), Description: &c.Description,
		AllowedPublishers:   &api.AllowedPublishers{SigningProfileVersionArns: c.Publishers},
		CodeSigningPolicies: &api.CodeSigningPolicies{UntrustedArtifactOnDeployment: &c.Untrusted},
		LastModified:        api.Ptr(c.LastModified.UTC().Format(timeLayout)),
	}
}
