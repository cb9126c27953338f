// Package policy serves the Lambda API's operations on resource-based policies,
// those of functions, their versions and aliases, and those of layer versions,
// and answers what the policies say of a request (Decide).
//
// A function's policy has no revision of its own: it is the function's, or the
// version's, or the alias's, and adding or removing a permission changes that,
// as on AWS. A layer version's policy has its own.
//
// AddPermission and PutResourcePolicy write to the same policy. Whether a
// policy would be public is not looked at: there is no account setting that
// forbids it.
package policy

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/policy/document"
	"github.com/hearthd/hearth/edge/scope"
)

// MaxSize is how long a policy may be, in bytes of its JSON, as on AWS.
const MaxSize = 20480

// Function is what a function's policy is attached to: the function when the
// qualifier is empty, else a version or an alias.
type Function struct {
	Name      hearth.Name
	Qualifier string // never $LATEST
}

// Key returns the parts that a store has a function's policy under.
func (f Function) Key() []string {
	key := []string{f.Name.Account, f.Name.Region, f.Name.Function}
	if f.Qualifier != "" {
		key = append(key, f.Qualifier)
	}
	return key
}

// LayerVersion is what a layer's policy is attached to.
type LayerVersion struct {
	Layer   hearth.LayerName
	Version int64
}

// Key returns the parts that a store has a layer version's policy under.
func (l LayerVersion) Key() []string {
	return []string{l.Layer.Account, l.Layer.Region, l.Layer.Layer, strconv.FormatInt(l.Version, 10)}
}

// ARN returns the version's ARN.
func (l LayerVersion) ARN() string { return l.Layer.VersionARN(l.Version) }

// Policy is what is kept of a policy. One without statements is as good as none.
type Policy struct {
	Document document.Document `json:"Document"`
	// RevisionID is that of the last change to the policy. The policy of a function
	// that was last changed by an older hearth has none: the function's is shown.
	RevisionID string `json:"RevisionID"`
}

// at reports whether the policy is at a revision of its own.
func (p *Policy) at(revisionID *string) bool {
	return revisionID != nil && p.RevisionID != "" && *revisionID == p.RevisionID
}

// Store keeps policies by what they are attached to; see store/records for the
// contract.
type Store[K any] interface {
	// Find answers from memory: nil when there is no policy, and an error when there
	// is one that cannot be read.
	Find(key K) (*Policy, error)
	Get(ctx context.Context, key K) (*Policy, error)
	Modify(ctx context.Context, key K, change func(p *Policy, exists bool) error) (*Policy, error)
	Delete(ctx context.Context, key K, check func(*Policy) error) (*Policy, error)
}

// Functions is where functions and aliases are kept; see store/catalog for the
// contract.
type Functions interface {
	Get(ctx context.Context, name hearth.Name, version string) (f *hearth.Function, revision uint64, err error)
	Modify(ctx context.Context, name hearth.Name, version string, change func(*hearth.Function) error) (*hearth.Function, error)
	GetAlias(ctx context.Context, name hearth.Name, alias string) (*hearth.Alias, error)
	UpdateAlias(ctx context.Context, name hearth.Name, alias string, change func(*hearth.Alias) error) (*hearth.Alias, error)
}

// Layers knows which layer versions there are; see store/layers for the
// contract.
type Layers interface {
	Get(ctx context.Context, name hearth.LayerName, version int64) (*hearth.LayerVersion, error)
}

// Options of a Service. All are required but the last two.
type Options struct {
	Functions        Functions
	Layers           Layers
	FunctionPolicies Store[Function]
	LayerPolicies    Store[LayerVersion]
	Scope            scope.Defaults
	// Authenticated says that requests are held to signatures. Without, there are no
	// other accounts: every account is the caller's.
	Authenticated bool
	// Organizations are the ids of accounts' organizations, such as o-a1b2c3d4e5, for
	// what accounts may do rather than principals.
	Organizations map[string]string
}

// Service serves the operations.
type Service struct{ opts Options }

// New returns a Service.
func New(opts Options) *Service { return &Service{opts: opts} }

// Register makes a router serve this service's operations.
func (s *Service) Register(r *api.Router) {
	api.Handle(r, api.AddPermission, s.addPermission)
	api.Handle(r, api.RemovePermission, s.removePermission)
	api.Handle(r, api.GetPolicy, s.getPolicy)
	api.Handle(r, api.PutResourcePolicy, s.putResourcePolicy)
	api.Handle(r, api.GetResourcePolicy, s.getResourcePolicy)
	api.Handle(r, api.DeleteResourcePolicy, s.deleteResourcePolicy)
	api.Handle(r, api.AddLayerVersionPermission, s.addLayerVersionPermission)
	api.Handle(r, api.RemoveLayerVersionPermission, s.removeLayerVersionPermission)
	api.Handle(r, api.GetLayerVersionPolicy, s.getLayerVersionPolicy)
}

// Decide says what the policy of a request's resource says of the request, from
// memory. The policy of a function is that of its unqualified name, for $LATEST
// too; versions and aliases have their own. What a policy says that cannot be read
// is no.
func (s *Service) Decide(r document.Request) document.Decision {
	parts := strings.Split(r.Resource, ":")
	if len(parts) < 7 || parts[2] != "lambda" {
		return document.Silent
	}
	region, account, kind, name := parts[3], parts[4], parts[5], parts[6]
	var p *Policy
	var err error
	switch {
	case kind == "function" && len(parts) <= 8:
		f := Function{Name: hearth.Name{Account: account, Region: region, Function: name}}
		if len(parts) == 8 {
			f.Qualifier = parts[7]
		}
		if f.Qualifier == hearth.Latest {
			f.Qualifier = ""
			r.Resource = f.Name.ARN("")
		}
		p, err = s.opts.FunctionPolicies.Find(f)
	case kind == "layer" && len(parts) == 8:
		layer, version, ok := hearth.ParseLayerARN(r.Resource)
		if !ok {
			return document.Silent
		}
		p, err = s.opts.LayerPolicies.Find(LayerVersion{layer, version})
	}
	switch {
	case err != nil:
		return document.Denied
	case p == nil:
		return document.Silent
	}
	r.Owner = account
	return p.Document.Evaluate(r)
}

// Errors that both kinds of policies have.

func errNoPolicy() error {
	return hearth.Errorf(hearth.ErrNotFound, "No policy is associated with the given resource.")
}

func errNoStatement(sid string) error {
	return hearth.Errorf(hearth.ErrNotFound, "Statement %s is not found in resource policy.", sid)
}

func errPrincipal() error {
	return hearth.Errorf(hearth.ErrInvalid, "The provided principal was invalid. Please check the principal and try again.")
}

func errRevision(operation string) error {
	return hearth.Errorf(hearth.ErrPrecondition,
		"The Revision Id provided does not match the latest Revision Id. Call the %s API to retrieve the latest Revision Id", operation)
}

// add appends a statement whose id is new.
func add(d *document.Document, s document.Statement) error {
	if d.Sid(s.Sid) != nil {
		return hearth.Errorf(hearth.ErrConflict,
			"The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", s.Sid)
	}
	next := *d
	if len(next.Statements) == 0 {
		next.Version, next.ID = document.Version, "default"
	}
	next.Statements = append(next.Statements[:len(next.Statements):len(next.Statements)], s)
	if err := checkSize(&next); err != nil {
		return err
	}
	*d = next
	return nil
}

// remove takes a statement out.
func remove(d *document.Document, sid string) error {
	switch {
	case len(d.Statements) == 0:
		return errNoPolicy()
	case d.Sid(sid) == nil:
		return errNoStatement(sid)
	}
	*d = d.Without(sid)
	return nil
}

func checkSize(d *document.Document) error {
	if size := len(d.String()); size > MaxSize {
		return hearth.Errorf(hearth.ErrPolicyTooLong, "The final policy size (%d) is bigger than the limit (%d).", size, MaxSize)
	}
	return nil
}

// get reads a policy; one without statements when there is none.
func get[K any](ctx context.Context, s Store[K], key K) (*Policy, error) {
	p, err := s.Get(ctx, key)
	if errors.Is(err, hearth.ErrNotFound) {
		return &Policy{}, nil
	}
	return p, err
}

// sweep deletes a policy that has lost its last statement.
func sweep[K any](ctx context.Context, s Store[K], key K, p *Policy) error {
	if len(p.Document.Statements) > 0 {
		return nil
	}
	errInUse := errors.New("the policy has a statement again")
	_, err := s.Delete(ctx, key, func(p *Policy) error {
		if len(p.Document.Statements) > 0 {
			return errInUse
		}
		return nil
	})
	if errors.Is(err, hearth.ErrNotFound) || errors.Is(err, errInUse) {
		return nil
	}
	return err
}
