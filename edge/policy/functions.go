package policy

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/policy/document"
)

// target is a function, version or alias that exists, with its revision.
type target struct {
	Function

	revisionID string
}

// arn is the ARN that statements are about.
func (f Function) arn() string { return f.Name.ARN(f.Qualifier) }

// find returns what a request is about. Its error says that the function is not
// there; checkQualifier looks at the rest.
func (s *Service) find(ctx context.Context, functionName, qualifier *string) (Function, error) {
	name, q, err := s.opts.Scope.Function(ctx, functionName, qualifier)
	if err != nil {
		return Function{}, err
	}
	if _, _, err := s.opts.Functions.Get(ctx, name, hearth.Latest); err != nil {
		return Function{Name: name}, missing(err, "Function not found: "+name.ARN(""))
	}
	return Function{Name: name, Qualifier: q}, nil
}

// missing gives hearth.ErrNotFound a text, and leaves other errors as they are.
func missing(err error, text string) error {
	if errors.Is(err, hearth.ErrNotFound) {
		return hearth.Errorf(hearth.ErrNotFound, "%s", text)
	}
	return err
}

// resolve finds the version or alias that a qualifier names.
func (s *Service) resolve(ctx context.Context, f Function) (target, error) {
	switch {
	case f.Qualifier == "" || f.Qualifier == hearth.Latest:
		f.Qualifier = ""
		fn, _, err := s.opts.Functions.Get(ctx, f.Name, hearth.Latest)
		if err != nil {
			return target{}, missing(err, "Function not found: "+f.arn())
		}
		return target{f, fn.RevisionID}, nil
	case hearth.IsAlias(f.Qualifier) && !strings.Contains(f.Qualifier, "$"):
		a, err := s.opts.Functions.GetAlias(ctx, f.Name, f.Qualifier)
		if err != nil {
			return target{}, missing(err, "Cannot find alias arn: "+f.arn())
		}
		return target{f, a.RevisionID}, nil
	}
	if _, ok := hearth.VersionNumber(f.Qualifier); !ok {
		return target{}, hearth.Errorf(hearth.ErrNotFound, "Function not found: %s", f.arn())
	}
	fn, _, err := s.opts.Functions.Get(ctx, f.Name, f.Qualifier)
	if err != nil {
		return target{}, missing(err, "Function not found: "+f.arn())
	}
	return target{f, fn.RevisionID}, nil
}

func (s *Service) addPermission(ctx context.Context, in *api.AddPermissionInput) (*api.AddPermissionOutput, error) {
	f, err := s.findForChange(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	t, err := s.resolve(ctx, f)
	if err != nil {
		return nil, err
	}
	if in.RevisionId != nil && *in.RevisionId != t.revisionID {
		if p, err := get(ctx, s.opts.FunctionPolicies, t.Function); err != nil || !p.at(in.RevisionId) {
			return nil, cmp.Or(err, errRevision("GetPolicy"))
		}
	}
	statement, err := document.Permission{
		Sid: *in.StatementId, Action: *in.Action, Resource: t.arn(), Principal: *in.Principal,
		SourceAccount: api.Value(in.SourceAccount), SourceARN: api.Value(in.SourceArn),
		EventSourceToken: api.Value(in.EventSourceToken), PrincipalOrgID: api.Value(in.PrincipalOrgID),
		FunctionURLAuthType: api.Value(in.FunctionUrlAuthType), ViaFunctionURL: in.InvokedViaFunctionUrl,
	}.Statement(hearth.Partition(t.Name.Region))
	if errors.Is(err, document.ErrPrincipal) {
		return nil, errPrincipal()
	}
	if err != nil {
		return nil, err
	}
	if _, _, err := s.edit(ctx, t, in.RevisionId, func(d *document.Document) error { return add(d, statement) }); err != nil {
		return nil, err
	}
	return &api.AddPermissionOutput{Statement: api.Ptr(statement.Text())}, nil
}

// findForChange is find for operations that cannot be about $LATEST.
func (s *Service) findForChange(ctx context.Context, functionName, qualifier *string) (Function, error) {
	_, q, err := s.opts.Scope.Function(ctx, functionName, qualifier)
	if err != nil {
		return Function{}, err
	}
	if q == hearth.Latest {
		return Function{}, hearth.Errorf(hearth.ErrInvalid, "We currently do not support adding policies for $LATEST.")
	}
	return s.find(ctx, functionName, qualifier)
}

func (s *Service) removePermission(ctx context.Context, in *api.RemovePermissionInput) (*api.Empty, error) {
	f, err := s.find(ctx, in.FunctionName, in.Qualifier)
	if errors.Is(err, hearth.ErrNotFound) && f.Name.Function != "" {
		return nil, hearth.Errorf(hearth.ErrNotFound, "No policy found for: %s", f.Name.ARN(""))
	}
	if err != nil {
		return nil, err
	}
	t, err := s.resolve(ctx, f)
	if err != nil {
		return nil, err
	}
	_, _, err = s.edit(ctx, t, in.RevisionId, func(d *document.Document) error { return remove(d, *in.StatementId) })
	return nil, err
}

func (s *Service) getPolicy(ctx context.Context, in *api.GetPolicyInput) (*api.GetPolicyOutput, error) {
	f, err := s.find(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, missing(err, noResource)
	}
	text, revisionID, err := s.read(ctx, f)
	if err != nil {
		return nil, err
	}
	return &api.GetPolicyOutput{Policy: &text, RevisionId: &revisionID}, nil
}

// noResource is AWS's word for a policy that is not there, be it for want of the
// function.
const noResource = "The resource you requested does not exist."

// read returns a policy and its revision.
func (s *Service) read(ctx context.Context, f Function) (text, revisionID string, err error) {
	none := hearth.Errorf(hearth.ErrNotFound, "%s", noResource)
	t, err := s.resolve(ctx, f)
	if err != nil {
		return "", "", missing(err, noResource)
	}
	p, err := get(ctx, s.opts.FunctionPolicies, t.Function)
	if err != nil {
		return "", "", err
	}
	if len(p.Document.Statements) == 0 {
		return "", "", none
	}
	return p.Document.String(), cmp.Or(p.RevisionID, t.revisionID), nil
}

// edit changes the policy of t, which must still be at a revision, if one is
// given, and gives both the policy and t a new revision, which it returns. The
// expected revision is the policy's, or that of t: it is the same until t changes
// without its policy. change is tried on the policy before anything is written, and
// may be called several times.
func (s *Service) edit(ctx context.Context, t target, revisionID *string, change func(*document.Document) error) (*Policy, string, error) {
	p, err := get(ctx, s.opts.FunctionPolicies, t.Function)
	if err != nil {
		return nil, "", err
	}
	if err := change(&p.Document); err != nil {
		return nil, "", err
	}
	expected, ofPolicy := revisionID, p.at(revisionID)
	if ofPolicy {
		expected = &t.revisionID
	}
	next, err := s.revise(ctx, t, expected)
	if err != nil {
		return nil, "", err
	}
	p, err = s.opts.FunctionPolicies.Modify(ctx, t.Function, func(p *Policy, _ bool) error {
		if ofPolicy && !p.at(revisionID) { // somebody else was between us and t
			return errRevision("GetPolicy")
		}
		p.RevisionID = next
		return change(&p.Document)
	})
	if err != nil {
		return nil, "", err
	}
	return p, next, sweep(ctx, s.opts.FunctionPolicies, t.Function, p)
}

// revise gives a function, version or alias a new revision. It is what makes
// one of several changes with the same expected revision the only one.
func (s *Service) revise(ctx context.Context, t target, expected *string) (next string, err error) {
	next = api.NewRequestID()
	change := func(current *string) error {
		if expected != nil && *expected != *current {
			return errRevision("GetPolicy")
		}
		*current = next
		return nil
	}
	if hearth.IsAlias(t.Qualifier) {
		_, err := s.opts.Functions.UpdateAlias(ctx, t.Name, t.Qualifier, func(a *hearth.Alias) error { return change(&a.RevisionID) })
		return next, err
	}
	version := t.Qualifier
	if version == "" {
		version = hearth.Latest
	}
	_, err = s.opts.Functions.Modify(ctx, t.Name, version, func(fn *hearth.Function) error { return change(&fn.RevisionID) })
	return next, err
}
