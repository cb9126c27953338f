package policy

import (
	"context"
	"slices"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/policy/document"
)

func (s *Service) putResourcePolicy(ctx context.Context, in *api.PutResourcePolicyInput) (*api.PutResourcePolicyOutput, error) {
	f, err := s.findForChange(ctx, in.ResourceArn, nil)
	if err != nil {
		return nil, err
	}
	t, err := s.resolve(ctx, f)
	if err != nil {
		return nil, err
	}
	d, err := document.Parse(*in.Policy)
	if err != nil {
		return nil, hearth.Errorf(hearth.ErrInvalid, "The policy is invalid: %s.", err)
	}
	for i := range d.Statements {
		if !d.Statements[i].Covers(t.arn()) {
			return nil, hearth.Errorf(hearth.ErrInvalid, "The policy is invalid: the Resource of a statement must be %s.", t.arn())
		}
	}
	if err := checkSize(&d); err != nil {
		return nil, err
	}
	p, revisionID, err := s.edit(ctx, t, in.RevisionId, func(current *document.Document) error {
		*current = document.Document{Version: d.Version, ID: d.ID, Statements: slices.Clone(d.Statements)}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.PutResourcePolicyOutput{Policy: api.Ptr(p.Document.String()), RevisionId: &revisionID}, nil
}

func (s *Service) getResourcePolicy(ctx context.Context, in *api.GetResourcePolicyInput) (*api.GetResourcePolicyOutput, error) {
	f, err := s.find(ctx, in.ResourceArn, nil)
	if err != nil {
		return nil, err
	}
	text, revisionID, err := s.read(ctx, f)
	if err != nil {
		return nil, err
	}
	return &api.GetResourcePolicyOutput{Policy: &text, RevisionId: &revisionID}, nil
}

func (s *Service) deleteResourcePolicy(ctx context.Context, in *api.DeleteResourcePolicyInput) (*api.Empty, error) {
	f, err := s.find(ctx, in.ResourceArn, nil)
	if err != nil {
		return nil, err
	}
	t, err := s.resolve(ctx, f)
	if err != nil {
		return nil, err
	}
	if _, err := s.opts.FunctionPolicies.Find(t.Function); err != nil { // there is no other way to be rid of it
		if _, err := s.revise(ctx, t, in.RevisionId); err != nil {
			return nil, err
		}
		_, err := s.opts.FunctionPolicies.Delete(ctx, t.Function, nil)
		return nil, err
	}
	_, _, err = s.edit(ctx, t, in.RevisionId, func(d *document.Document) error {
		if len(d.Statements) == 0 {
			return errNoPolicy()
		}
		*d = document.Document{}
		return nil
	})
	return nil, err
}
