package control

import (
	"context"
	"errors"
	"reflect"
	"strconv"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/listing"
)

// publishAttempts is how often PublishVersion looks again when the function
// changed under it.
const publishAttempts = 8

// checkPublishTo refuses to publish to $LATEST.PUBLISHED what has no such
// version: only functions on managed instances do.
func checkPublishTo(fn *hearth.Function, publishTo *string) error {
	if publishTo != nil && fn.Managed == nil {
		return hearth.Errorf(hearth.ErrInvalid, "PublishTo is supported for functions with a CapacityProviderConfig only.")
	}
	return nil
}

func (s *Service) publishVersion(ctx context.Context, in *api.PublishVersionInput) (*api.FunctionConfiguration, error) {
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
		if err := checkPublishTo(fn, in.PublishTo); err != nil {
			return nil, err
		}
		version, is, err := s.toPublish(ctx, fn, in)
		if err != nil || is {
			return shownVersion(version, err)
		}
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

// toPublish returns the version that a request makes of a function; is says
// that there is one like it, and that it is that.
func (s *Service) toPublish(ctx context.Context, fn *hearth.Function, in *api.PublishVersionInput) (version *hearth.Function, is bool, err error) {
	if in.PublishTo != nil {
		return publishLatest(fn, in.Description), false, nil
	}
	last, err := s.lastVersion(ctx, fn)
	if err != nil || last != nil {
		return last, last != nil, err
	}
	return nextVersion(fn, in.Description), false, nil
}

func shownVersion(version *hearth.Function, err error) (*api.FunctionConfiguration, error) {
	if err != nil {
		return nil, err
	}
	return configuration(version), nil
}

// createPublished creates a function with its first version, which is the
// answer. Its ARN is the function's there, as on AWS.
func (s *Service) createPublished(ctx context.Context, fn *hearth.Function, latestPublished bool) (*api.FunctionConfiguration, error) {
	var version *hearth.Function
	if latestPublished {
		version = publishLatest(fn, nil)
	} else {
		version = nextVersion(fn, nil)
	}
	if err := s.storeUpdate(ctx, fn, version, 0); err != nil {
		return nil, err
	}
	c := configuration(version)
	c.FunctionArn = api.Ptr(fn.Name.ARN(""))
	return c, nil
}

// publishLatest returns what the version $LATEST.PUBLISHED becomes, which is
// replaced each time.
func publishLatest(latest *hearth.Function, description *string) *hearth.Function {
	return publish(latest, hearth.LatestPublished, description)
}

// nextVersion returns the next version of a function and notes in latest that
// it is taken, which is a new revision of $LATEST too. The version is Active
// when $LATEST is ready.
func nextVersion(latest *hearth.Function, description *string) *hearth.Function {
	latest.LastPublished++
	return publish(latest, strconv.Itoa(latest.LastPublished), description)
}

// publish returns a version of a function, which gets a new revision by it.
func publish(latest *hearth.Function, version string, description *string) *hearth.Function {
	latest.RevisionID = api.NewRequestID()

	v := *latest
	v.Version, v.LastPublished = version, 0
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
	case errors.Is(err, hearth.ErrNotFound), errors.Is(err, hearth.ErrConflict): // deleted, or it cannot be read
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
	page, next, err := s.opts.Functions.ListVersions(ctx, name, api.Value(in.Marker), listing.Limit(in.MaxItems))
	if err != nil {
		return nil, err
	}
	return &api.ListVersionsByFunctionOutput{Versions: listed(page, qualifiedARN), NextMarker: api.Optional(next)}, nil
}

// deleteVersion removes what DeleteFunction names with a qualifier. A version
// that is not there is no error.
func (s *Service) deleteVersion(ctx context.Context, name hearth.Name, qualifier string) error {
	if hearth.IsAlias(qualifier) {
		return hearth.Errorf(hearth.ErrInvalid, "Deletion of aliases is not currently supported.")
	}
	err := s.opts.Functions.DeleteVersion(ctx, name, qualifier)
	if err != nil && !errors.Is(err, hearth.ErrNotFound) {
		return err
	}
	return s.opts.Attached.DeleteFunction(ctx, name, qualifier)
}
