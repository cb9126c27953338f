package resource

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
)

// CodeSigning is the code signing configs, and which functions have one.
//
// It keeps them and no more: signatures are made by AWS Signer with keys that
// never leave it, so hearth checks none, whatever a configuration's policy.
// Attaching one that enforces signatures is logged as a warning.
type CodeSigning struct {
	configs   ByID[hearth.CodeSigningConfig]
	bindings  ByFunction[hearth.CodeSigningBinding]
	functions Functions
	scope     scope.Defaults
	logger    *slog.Logger
}

func (s *CodeSigning) register(r *api.Router) {
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

// Tagged makes the configurations ones that tags can be on.
func (s *CodeSigning) Tagged() Tagged {
	return TaggedRecords[hearth.CodeSigningConfig]{
		Store: s.configs, Kind: "code-signing-config",
		TagsOf:  func(c *hearth.CodeSigningConfig) (*map[string]string, error) { return &c.Tags, nil },
		Missing: signingMissing,
	}
}

func (s *CodeSigning) create(ctx context.Context, in *api.CreateCodeSigningConfigInput) (*api.CreateCodeSigningConfigOutput, error) {
	account, region := s.scope.Of(ctx)
	c := &hearth.CodeSigningConfig{
		Account: account, Region: region, ID: newSigningID(), Tags: in.Tags,
		Publishers: in.AllowedPublishers.SigningProfileVersionArns, Untrusted: hearth.UntrustedWarn,
	}
	applyCodeSigning(c, in.Description, in.AllowedPublishers, in.CodeSigningPolicies)
	if err := s.configs.Create(ctx, account, region, c.ID, c); err != nil {
		return nil, err
	}
	return &api.CreateCodeSigningConfigOutput{CodeSigningConfig: renderCodeSigning(c)}, nil
}

// newSigningID returns csc- and 17 random hex digits.
func newSigningID() string {
	var b [9]byte
	rand.Read(b[:]) // never fails: see crypto/rand
	return "csc-" + hex.EncodeToString(b[:])[:17]
}

func (s *CodeSigning) update(ctx context.Context, in *api.UpdateCodeSigningConfigInput) (*api.UpdateCodeSigningConfigOutput, error) {
	account, region, id := scope.OfARN(*in.CodeSigningConfigArn)
	c, err := s.configs.Update(ctx, account, region, id, func(c *hearth.CodeSigningConfig) error {
		applyCodeSigning(c, in.Description, in.AllowedPublishers, in.CodeSigningPolicies)
		return nil
	})
	if err != nil {
		return nil, orSigningMissing(err, *in.CodeSigningConfigArn)
	}
	return &api.UpdateCodeSigningConfigOutput{CodeSigningConfig: renderCodeSigning(c)}, nil
}

// apply leaves what is not sent as it is.
func applyCodeSigning(c *hearth.CodeSigningConfig, description *string, publishers *api.AllowedPublishers, policies *api.CodeSigningPolicies) {
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

func (s *CodeSigning) get(ctx context.Context, in *api.GetCodeSigningConfigInput) (*api.GetCodeSigningConfigOutput, error) {
	c, err := s.find(ctx, *in.CodeSigningConfigArn)
	if err != nil {
		return nil, err
	}
	return &api.GetCodeSigningConfigOutput{CodeSigningConfig: renderCodeSigning(c)}, nil
}

func (s *CodeSigning) find(ctx context.Context, arn string) (*hearth.CodeSigningConfig, error) {
	account, region, id := scope.OfARN(arn)
	c, err := s.configs.Get(ctx, account, region, id)
	if err != nil {
		return nil, orSigningMissing(err, arn)
	}
	return c, nil
}

func orSigningMissing(err error, arn string) error {
	if errors.Is(err, hearth.ErrNotFound) {
		return signingMissing(arn)
	}
	return err
}

func signingMissing(arn string) error {
	return &hearth.Error{
		Kind: hearth.ErrNotFound, NoType: true,
		Message: "The Lambda code signing configuration " + arn + " can not be found.",
	}
}

func (s *CodeSigning) list(ctx context.Context, in *api.ListCodeSigningConfigsInput) (*api.ListCodeSigningConfigsOutput, error) {
	account, region := s.scope.Of(ctx)
	page, next, err := s.configs.List(ctx, account, region, api.Value(in.Marker), listing.Limit(in.MaxItems))
	if err != nil {
		return nil, err
	}
	return &api.ListCodeSigningConfigsOutput{CodeSigningConfigs: listing.Items(page, renderCodeSigning), NextMarker: api.Optional(next)}, nil
}

func (s *CodeSigning) delete(ctx context.Context, in *api.DeleteCodeSigningConfigInput) (*api.DeleteCodeSigningConfigOutput, error) {
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
	if _, err := s.configs.Delete(ctx, c.Account, c.Region, c.ID, nil); err != nil {
		return nil, orSigningMissing(err, *in.CodeSigningConfigArn)
	}
	return &api.DeleteCodeSigningConfigOutput{}, nil
}

func renderCodeSigning(c *hearth.CodeSigningConfig) *api.CodeSigningConfig {
	return &api.CodeSigningConfig{
		CodeSigningConfigId: &c.ID, CodeSigningConfigArn: api.Ptr(c.ARN()), Description: &c.Description,
		AllowedPublishers:   &api.AllowedPublishers{SigningProfileVersionArns: c.Publishers},
		CodeSigningPolicies: &api.CodeSigningPolicies{UntrustedArtifactOnDeployment: &c.Untrusted},
		LastModified:        api.Ptr(c.LastModified.UTC().Format(lastModified)),
	}
}
