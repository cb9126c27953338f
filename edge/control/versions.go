package control

import (
	"context"
	"errors"
	"reflect"
	"strconv"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// publishAttempts is how often PublishVersion looks again when the function
// changed under it.
const publishAttempts = 8

// errPublishTo refuses what would silently do something else than was asked for.
var errPublishTo = hearth.Errorf(hearth.ErrNotImplemented, "hearth does not publish to $LATEST.PUBLISHED yet. Leave PublishTo out.")

func (s *Service) publishVersion(ctx context.Context, in *api.PublishVersionInput) (*api.FunctionConfiguration, error) {
	if in.PublishTo != nil {
		return nil, errPublishTo
	}
	for attempt := 1; ; attempt++ {
		fn, revision, err := s.forUpdate(ctx, in.FunctionName, in.RevisionId)
		if err != nil {
			return nil, err
		}
		if in.CodeSha256 != nil && *in.CodeSha256 != fn.Code.SHA256 {
			return nil, hearth.Errorf(hearth.ErrInvalid,
				"CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.",
				*in.CodeSha256, fn.Code.SHA256)
		}
		last, err := s.lastVersion(ctx, fn)
		if err != nil {
			return nil, err
		}
		if last != nil {
			return configuration(last), nil
		}
		version := nextVersion(fn, in.Description)
		_, err = s.opts.Functions.Publish(ctx, version, fn, revision)
		if err == nil {
			if version.State == hearth.StatePending {
				s.prepare(version.Name, version.Version)
			}
			return configuration(version), nil
		}
		if !errors.Is(err, hearth.ErrConflict) || attempt == publishAttempts {
			return nil, err
		}
	}
}

// createPublished creates a function with its first version, which is the
// answer. Its ARN is the function's there, as on AWS.
func (s *Service) createPublished(ctx context.Context, fn *hearth.Function) (*api.FunctionConfiguration, error) {
	version := nextVersion(fn, nil)
	if err := s.storeUpdate(ctx, fn, version, 0); err != nil {
		return nil, err
	}
	c := configuration(version)
	c.FunctionArn = api.Ptr(fn.Name.ARN(""))
	return c, nil
}

// nextVersion returns the next version of a function and notes in latest that
// it is taken, which is a new revision of $LATEST too. The version is Active
// when $LATEST is ready.
func nextVersion(latest *hearth.Function, description *string) *hearth.Function {
	latest.LastPublished++
	latest.RevisionID = api.NewRequestID()

	v := *latest
	v.Version, v.LastPublished = strconv.Itoa(latest.LastPublished), 0
	v.RevisionID = api.NewRequestID()
	v.Tags = nil
	v.SourceDescription = latest.Description
	if description != nil {
		v.Description = *description
	}
	if latest.State != hearth.StateActive || latest.Update != hearth.UpdateSuccessful {
		v.State, v.StateReason, v.StateReasonCode = hearth.StatePending, reasonCreating, codeCreating
		v.Update, v.UpdateReason, v.UpdateReasonCode = "", "", ""
	}
	return &v
}

// lastVersion returns the version that was published last if it is what would
// be published now, else nil.
func (s *Service) lastVersion(ctx context.Context, latest *hearth.Function) (*hearth.Function, error) {
	if latest.LastPublished == 0 {
		return nil, nil //nolint:nilnil // there is none, which is no error
	}
	v, _, err := s.opts.Functions.Get(ctx, latest.Name, strconv.Itoa(latest.LastPublished))
	switch {
	case errors.Is(err, hearth.ErrNotFound): // deleted
		return nil, nil //nolint:nilnil // see above
	case err != nil:
		return nil, err
	case !reflect.DeepEqual(content(latest), content(v)):
		return nil, nil //nolint:nilnil // see above
	}
	return v, nil
}

// content is the code and configuration of a version: what two versions of a
// function can have in common.
func content(fn *hearth.Function) hearth.Function {
	c := *fn
	if c.Version != hearth.Latest {
		c.Description = c.SourceDescription
	}
	c.Version, c.SourceDescription, c.LastPublished, c.Tags = "", "", 0, nil
	c.State, c.StateReason, c.StateReasonCode = "", "", ""
	c.Update, c.UpdateReason, c.UpdateReasonCode = "", "", ""
	c.Generation, c.RevisionID, c.LastModified = "", "", time.Time{}
	return c
}

func (s *Service) listVersionsByFunction(ctx context.Context, in *api.ListVersionsByFunctionInput) (*api.ListVersionsByFunctionOutput, error) {
	name, _, err := s.opts.Scope.Function(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	page, next, err := s.opts.Functions.ListVersions(ctx, name, api.Value(in.Marker), pageSize(in.MaxItems))
	if err != nil {
		return nil, err
	}
	return &api.ListVersionsByFunctionOutput{Versions: listed(page, qualifiedARN), NextMarker: optional(next)}, nil
}

// deleteVersion removes what DeleteFunction names with a qualifier. A version
// that is not there is no error, but a function is, before its qualifier is
// looked at.
func (s *Service) deleteVersion(ctx context.Context, name hearth.Name, qualifier string) error {
	if _, _, err := s.opts.Functions.Get(ctx, name, ""); err != nil {
		return err
	}
	switch {
	case qualifier == hearth.Latest:
		return hearth.Errorf(hearth.ErrInvalid, "$LATEST version cannot be deleted without deleting the function.")
	case hearth.IsAlias(qualifier):
		return hearth.Errorf(hearth.ErrInvalid, "Deletion of aliases is not currently supported.")
	}
	err := s.opts.Functions.DeleteVersion(ctx, name, qualifier)
	if errors.Is(err, hearth.ErrNotFound) {
		return nil
	}
	return err
}
