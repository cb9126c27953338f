package tags

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/scope"
)

// FunctionStore is where functions are kept; see store/catalog.
type FunctionStore interface {
	Get(ctx context.Context, name hearth.Name, version string) (f *hearth.Function, revision uint64, err error)
	// Update returns hearth.ErrConflict when the function was changed since it was
	// at the revision.
	Update(ctx context.Context, f *hearth.Function, revision uint64) (uint64, error)
}

// Functions are the functions of a store as Resources.
type Functions struct {
	Store FunctionStore
	Scope scope.Defaults
}

// Owns is Resources'.
func (f Functions) Owns(arn string) bool { return strings.Contains(arn, ":function:") }

// Tags is Resources'.
func (f Functions) Tags(ctx context.Context, arn string) (map[string]string, error) {
	fn, _, err := f.get(ctx, arn)
	if err != nil {
		return nil, err
	}
	return fn.Tags, nil
}

// attempts is how often a change of tags starts over when the function was
// changed meanwhile.
const attempts = 8

// UpdateTags is Resources'. A change of tags is a new revision of the function,
// whose environments stay as they are.
func (f Functions) UpdateTags(ctx context.Context, arn string, change func(map[string]string) (map[string]string, error)) error {
	for attempt := 1; ; attempt++ {
		fn, revision, err := f.get(ctx, arn)
		if err != nil {
			return err
		}
		tags, err := change(maps.Clone(fn.Tags))
		if err != nil {
			return err
		}
		if len(tags) == 0 {
			tags = nil
		}
		changed := *fn
		changed.Tags, changed.RevisionID = tags, api.NewRequestID()
		_, err = f.Store.Update(ctx, &changed, revision)
		if err == nil || !errors.Is(err, hearth.ErrConflict) || attempt == attempts {
			return err
		}
	}
}

func (f Functions) get(ctx context.Context, arn string) (*hearth.Function, uint64, error) {
	name, qualifier, err := f.Scope.Function(ctx, &arn, nil)
	if err != nil {
		return nil, 0, err
	}
	if qualifier != "" {
		return nil, 0, hearth.Errorf(hearth.ErrInvalid, "Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	return f.Store.Get(ctx, name, "")
}
