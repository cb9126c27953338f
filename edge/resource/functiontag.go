package resource

import (
	"context"
	"maps"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/scope"
)

// functionTags are the functions as Tagged.
type functionTags struct {
	functions Functions
	scope     scope.Defaults
}

// Owns is Tagged's.
func (f functionTags) Owns(arn string) bool { return strings.Contains(arn, ":function:") }

// Tags is Tagged's.
func (f functionTags) Tags(ctx context.Context, arn string) (map[string]string, error) {
	name, err := f.name(ctx, arn)
	if err != nil {
		return nil, err
	}
	fn, _, err := f.functions.Get(ctx, name, "")
	if err != nil {
		return nil, err
	}
	return fn.Tags, nil
}

// UpdateTags is Tagged's. A change of tags is a new revision of the function,
// whose environments stay as they are.
func (f functionTags) UpdateTags(ctx context.Context, arn string, change func(map[string]string) (map[string]string, error)) error {
	name, err := f.name(ctx, arn)
	if err != nil {
		return err
	}
	_, err = f.functions.Modify(ctx, name, "", func(fn *hearth.Function) error {
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

// name reads the ARN of a function, which must have no qualifier.
func (f functionTags) name(ctx context.Context, arn string) (hearth.Name, error) {
	name, qualifier, err := f.scope.Function(ctx, &arn, nil)
	if err == nil && qualifier != "" {
		err = hearth.Errorf(hearth.ErrInvalid, "Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	return name, err
}
