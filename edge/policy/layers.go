package policy

import (
	"context"
	"errors"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/policy/document"
)

// layer returns the layer version that a request names, by name or ARN; an
// error when there is none.
func (s *Service) layer(ctx context.Context, layerName *string, version *int64) (LayerVersion, error) {
	account, region := s.opts.Scope.Of(ctx)
	l := LayerVersion{hearth.LayerName{Account: account, Region: region, Layer: api.Value(layerName)}, api.Value(version)}
	if named, _, ok := hearth.ParseLayerARN(l.Layer.Layer); ok {
		l.Layer = named
	}
	err := error(hearth.ErrNotFound)
	if l.Layer.Region == region {
		_, err = s.opts.Layers.Get(ctx, l.Layer, l.Version)
	}
	return l, missing(err, "Layer version "+l.ARN()+" does not exist.")
}

func (s *Service) addLayerVersionPermission(ctx context.Context, in *api.AddLayerVersionPermissionInput) (*api.AddLayerVersionPermissionOutput, error) {
	l, err := s.layer(ctx, in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	statement, err := document.Permission{
		Sid: *in.StatementId, Action: *in.Action, Resource: l.ARN(), Principal: *in.Principal, PrincipalOrgID: api.Value(in.OrganizationId),
	}.Statement(hearth.Partition(l.Layer.Region))
	if errors.Is(err, document.ErrPrincipal) {
		return nil, errPrincipal()
	}
	if err != nil {
		return nil, err
	}
	p, err := s.editLayer(ctx, l, func(p *Policy) error {
		if err := add(&p.Document, statement); err != nil {
			return err
		}
		return p.expect(in.RevisionId)
	})
	if err != nil {
		return nil, err
	}
	return &api.AddLayerVersionPermissionOutput{Statement: api.Ptr(statement.Text()), RevisionId: &p.RevisionID}, nil
}

func (s *Service) removeLayerVersionPermission(ctx context.Context, in *api.RemoveLayerVersionPermissionInput) (*api.Empty, error) {
	l, err := s.layer(ctx, in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	_, err = s.editLayer(ctx, l, func(p *Policy) error {
		if err := remove(&p.Document, *in.StatementId); err != nil {
			return err
		}
		return p.expect(in.RevisionId)
	})
	return nil, err
}

func (s *Service) getLayerVersionPolicy(ctx context.Context, in *api.GetLayerVersionPolicyInput) (*api.GetLayerVersionPolicyOutput, error) {
	l, err := s.layer(ctx, in.LayerName, in.VersionNumber)
	if err != nil {
		return nil, err
	}
	p, err := get(ctx, s.opts.LayerPolicies, l)
	if err != nil {
		return nil, err
	}
	if len(p.Document.Statements) == 0 {
		return nil, errNoPolicy()
	}
	return &api.GetLayerVersionPolicyOutput{Policy: api.Ptr(p.Document.String()), RevisionId: &p.RevisionID}, nil
}

// expect checks a revision that a caller wants to change.
func (p *Policy) expect(revisionID *string) error {
	if revisionID != nil && *revisionID != p.RevisionID {
		return errRevision("GetLayerPolicy")
	}
	return nil
}

// editLayer changes the policy of a layer version and gives it a new revision.
func (s *Service) editLayer(ctx context.Context, l LayerVersion, change func(*Policy) error) (*Policy, error) {
	p, err := s.opts.LayerPolicies.Modify(ctx, l, func(p *Policy, _ bool) error {
		if err := change(p); err != nil {
			return err
		}
		p.RevisionID = api.NewRequestID()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p, sweep(ctx, s.opts.LayerPolicies, l, p)
}

// MayUseLayer says whether an account may use a layer version of another account:
// give it to its functions, and look at it. The version's policy says so to the
// account as a whole, whichever of its principals asks.
func (s *Service) MayUseLayer(_ context.Context, account string, v *hearth.LayerVersion) bool {
	if !s.opts.Authenticated {
		return true
	}
	about := map[string]string{"aws:principalaccount": account}
	if id := s.opts.Organizations[account]; id != "" {
		about["aws:principalorgid"] = id
	}
	return s.Decide(document.Request{
		Principal: document.Principal{Account: account, ARN: "arn:aws:iam::" + account + ":root"},
		Action:    "lambda:GetLayerVersion", Resource: v.ARN(), Context: about,
	}) == document.Allowed
}

// DeleteLayerVersion deletes the policy of a layer version that is deleted. To have
// none is no error.
func (s *Service) DeleteLayerVersion(ctx context.Context, layer hearth.LayerName, version int64) error {
	_, err := s.opts.LayerPolicies.Delete(ctx, LayerVersion{layer, version}, nil)
	if errors.Is(err, hearth.ErrNotFound) {
		return nil
	}
	return err
}
