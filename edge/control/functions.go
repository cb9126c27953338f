package control

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/listing"
)

// What AWS says of a function in the making.
const (
	reasonCreating = "The function is being created."
	codeCreating   = "Creating"
)

func (s *Service) createFunction(ctx context.Context, in *api.CreateFunctionInput) (*api.FunctionConfiguration, error) {
	name, err := s.newName(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	d := &draft{fn: NewFunction(name)}
	defer d.release()
	if err := s.configure(ctx, d, requestedToCreate(in)); err != nil {
		return nil, err
	}
	if len(in.Tags) > maxTags {
		return nil, hearth.Errorf(hearth.ErrInvalid, "Number of tags exceeds resource tag limit.")
	}
	d.fn.Tags = in.Tags
	if err := checkPublishTo(d.fn, in.PublishTo); err != nil {
		return nil, err
	}
	if in.CodeSigningConfigArn != nil {
		if err := s.opts.Signing.Check(ctx, *in.CodeSigningConfigArn); err != nil {
			return nil, err
		}
	}
	if err := s.setCode(ctx, d, "creating", createSource(in.Code)); err != nil {
		return nil, err
	}
	d.fn.State, d.fn.StateReason, d.fn.StateReasonCode = hearth.StatePending, reasonCreating, codeCreating
	d.fn.ID = api.NewRequestID()
	touch(d.fn)
	shown, err := s.create(ctx, d.fn, in)
	if err != nil {
		return nil, err
	}
	if in.CodeSigningConfigArn != nil {
		return shown, s.opts.Signing.Bind(ctx, name, *in.CodeSigningConfigArn)
	}
	return shown, nil
}

// create stores a new function, with its first version if the request wants
// one, and goes on to prepare it. It returns what the answer shows.
func (s *Service) create(ctx context.Context, fn *hearth.Function, in *api.CreateFunctionInput) (*api.FunctionConfiguration, error) {
	if api.Value(in.Publish) {
		return s.createPublished(ctx, fn, in.PublishTo != nil)
	}
	if _, err := s.opts.Functions.Create(ctx, fn); err != nil {
		return nil, err
	}
	s.prepare(fn.Name, fn.Version)
	return configuration(fn), nil
}

// maxName is how long the name of a function may be. The model allows more,
// for the other forms of a reference.
const maxName = 64

// newName reads the name of a function that is to be made in the caller's
// account.
func (s *Service) newName(ctx context.Context, functionName *string) (hearth.Name, error) {
	name, qualifier, err := s.opts.Scope.Function(ctx, functionName, nil)
	if err != nil {
		return name, err
	}
	account, _ := s.opts.Scope.Of(ctx)
	switch {
	case name.Account != account: // AWS sends no message
		return name, &hearth.Error{Kind: hearth.ErrDenied}
	case len(name.Function) > maxName:
		return name, hearth.Errorf(hearth.ErrInvalid, "1 validation error detected: Value '%s' at 'functionName' "+
			"failed to satisfy constraint: Member must have length less than or equal to %d", *functionName, maxName)
	case qualifier != "":
		return name, hearth.Errorf(hearth.ErrInvalid, "The function name must not carry a version or alias: %s", qualifier)
	}
	return name, nil
}

// NewFunction returns a function with AWS's defaults for what was not sent.
func NewFunction(name hearth.Name) *hearth.Function {
	return &hearth.Function{
		Name: name, Version: hearth.Latest, PackageType: hearth.PackageZip,
		Timeout: 3, MemorySize: 128, EphemeralStorage: 512,
		Architectures: []string{"x86_64"}, TracingMode: "PassThrough", SnapStart: "None",
		Logging: hearth.Logging{Format: hearth.LogText, Group: name.LogGroup()},
	}
}

// touch gives a function a new revision.
func touch(fn *hearth.Function) {
	fn.RevisionID = api.NewRequestID()
	fn.LastModified = time.Now().UTC()
	fn.Generation = fn.RevisionID
}

func (s *Service) getFunction(ctx context.Context, in *api.GetFunctionInput) (*api.GetFunctionOutput, error) {
	fn, qualifier, err := s.read(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	out := &api.GetFunctionOutput{
		Configuration: qualified(fn, qualifier),
		Code:          s.codeLocation(ctx, fn),
	}
	if len(fn.Tags) > 0 { // none at all, rather than an empty map
		out.Tags = fn.Tags
	}
	if s.opts.Concurrency == nil {
		return out, nil
	}
	reserved, err := s.opts.Concurrency.Reserved(ctx, fn.Name)
	if reserved != nil {
		out.Concurrency = &api.Concurrency{ReservedConcurrentExecutions: reserved}
	}
	return out, err
}

func (s *Service) getFunctionConfiguration(ctx context.Context, in *api.GetFunctionConfigurationInput) (*api.FunctionConfiguration, error) {
	fn, qualifier, err := s.read(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return qualified(fn, qualifier), nil
}

func (s *Service) read(ctx context.Context, functionName, qualifier *string) (*hearth.Function, string, error) {
	name, q, err := s.opts.Scope.Function(ctx, functionName, qualifier)
	if err != nil {
		return nil, "", err
	}
	fn, err := s.get(ctx, name, q)
	return fn, q, err
}

// get reads the version that a qualifier names; of an alias the first.
func (s *Service) get(ctx context.Context, name hearth.Name, qualifier string) (*hearth.Function, error) {
	version := qualifier
	if hearth.IsAlias(qualifier) {
		alias, err := s.opts.Functions.GetAlias(ctx, name, qualifier)
		if errors.Is(err, hearth.ErrNotFound) {
			return nil, hearth.Errorf(hearth.ErrNotFound, "Function not found: %s", name.ARN(qualifier))
		}
		if err != nil {
			return nil, err
		}
		version = alias.Version
	}
	fn, _, err := s.opts.Functions.Get(ctx, name, version)
	return fn, err
}

// qualified shows the ARN as it was asked for.
func qualified(fn *hearth.Function, qualifier string) *api.FunctionConfiguration {
	c := configuration(fn)
	if qualifier != "" {
		c.FunctionArn = api.Ptr(fn.Name.ARN(qualifier))
	}
	return c
}

func (s *Service) listFunctions(ctx context.Context, in *api.ListFunctionsInput) (*api.ListFunctionsOutput, error) {
	account, region := s.opts.Scope.Of(ctx)
	list, arn := s.opts.Functions.List, (*hearth.Function).ARN
	if in.FunctionVersion != nil { // ALL
		list, arn = s.opts.Functions.ListAll, qualifiedARN
	}
	page, next, err := list(ctx, account, region, api.Value(in.Marker), listing.Limit(in.MaxItems))
	if err != nil {
		return nil, err
	}
	return &api.ListFunctionsOutput{Functions: listed(page, arn), NextMarker: api.Optional(next)}, nil
}

// qualifiedARN is how versions are shown beside each other, $LATEST too.
func qualifiedARN(fn *hearth.Function) string { return fn.Name.ARN(fn.Version) }

// listed shows functions as lists do, which leave out the states and the build
// of the runtime.
func listed(page []*hearth.Function, arn func(*hearth.Function) string) []api.FunctionConfiguration {
	return listing.Items(page, func(fn *hearth.Function) *api.FunctionConfiguration {
		c := configuration(fn)
		c.FunctionArn = api.Ptr(arn(fn))
		c.State, c.StateReason, c.StateReasonCode = nil, nil, nil
		c.LastUpdateStatus, c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = nil, nil, nil
		c.RuntimeVersionConfig = nil
		return c
	})
}

func (s *Service) deleteFunction(ctx context.Context, in *api.DeleteFunctionInput) (*api.DeleteFunctionOutput, error) {
	name, qualifier, err := s.opts.Scope.Function(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if qualifier == hearth.Latest { // whether there is a function or not
		return nil, hearth.Errorf(hearth.ErrInvalid, "$LATEST version cannot be deleted without deleting the function.")
	}
	// A function that is there and cannot be read is a conflict: this is how to be
	// rid of it.
	fn, _, err := s.opts.Functions.Get(ctx, name, "")
	if err != nil && !errors.Is(err, hearth.ErrConflict) {
		return nil, err
	}
	if qualifier != "" {
		err = s.deleteVersion(ctx, name, qualifier)
	} else {
		err = s.deleteAll(ctx, name)
	}
	if err != nil {
		return nil, err
	}
	if fn != nil {
		s.running.end(fn.ID, qualifier)
	}
	return &api.DeleteFunctionOutput{StatusCode: api.Ptr(http.StatusNoContent)}, nil
}

// deleteAll deletes a function with everything that belongs to it: what is
// attached to it before, so that nothing of it is left when a crash comes in
// between, and again after, because of what came in between.
func (s *Service) deleteAll(ctx context.Context, name hearth.Name) error {
	if err := s.opts.Attached.DeleteFunction(ctx, name, ""); err != nil {
		return err
	}
	if err := s.opts.Functions.Delete(ctx, name); err != nil {
		return err
	}
	return s.opts.Attached.DeleteFunction(ctx, name, "")
}
