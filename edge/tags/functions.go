package tags

import (
	"context"
	"maps"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/scope"
)

// FunctionStore is where functions are kept; see store/catalog.
type FunctionStore interface {
	Get(ctx context.Context, name hearth.Name, version string) (f *hearth.Function, revision uint64, err error)
	// Modify lets change write to a version and stores it; change may be called
	// several times, and its error is returned as it is.
	Modify(ctx context.Context, name hearth.Name, version string, change func(*hearth.Function) error) (*hearth.Function, error)
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
	name, err := f.name(ctx, arn)
	if err != nil {
		return nil, err
	}
	fn, _, err := f.Store.Get(ctx, name, "")
	if err != nil {
		return nil, err
	}
	return fn.Tags, nil
}

// UpdateTags is Resources'. A change of tags is a new revision of the function,
// whose environments stay as they are.
func (f Functions) UpdateTags(ctx context.Context, arn string, change func(map[string]string) (map[string]string, error)) error {
	name, err := f.name(ctx, arn)
	if err != nil {
		return err
	}
	_, err = f.Store.Modify(ctx, name, "", func(fn *hearth.Function) error {
		tags, err := change(maps.Clone(fn.Tags))
		if err != nil {
			return err
		}
		if len(tags) == 0 {
			tags = nil
		}
		fn.Tags, fn.RevisionID = tags, api.NewRequestID()
		return nil
	})
	return err
}

// name returns the function that an ARN names; it must name no version or alias.
func (f Functions) name(ctx context.Context, arn string) (hearth.Name, error) {
	name, qualifier, err := f.Scope.Function(ctx, &arn, nil)
	if err != nil {
		return hearth.Name{}, err
	}
	if qualifier != "" {
		return hearth.Name{}, hearth.Errorf(hearth.ErrInvalid, "Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	return name, nil
}
