package resource

import (
	"context"
	"maps"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// maxTags is how many tags a resource can have.
const maxTags = 50

// Tagged are the resources of one kind. Missing ones are hearth.ErrNotFound,
// with a text for the caller.
type Tagged interface {
	// Owns reports whether an ARN is that of a resource of this kind, there or
	// not.
	Owns(arn string) bool
	Tags(ctx context.Context, arn string) (map[string]string, error)
	// UpdateTags replaces tags by what change makes of a copy of them, which may
	// be nil. change may be called several times; its error is returned as it is.
	UpdateTags(ctx context.Context, arn string, change func(map[string]string) (map[string]string, error)) error
}

// tags are on functions and on the other resources that can have some. Who keeps
// a resource keeps its tags.
type tags struct{ kinds []Tagged }

func (s tags) register(r *api.Router) {
	api.Handle(r, api.TagResource, s.tag)
	api.Handle(r, api.UntagResource, s.untag)
	api.Handle(r, api.ListTags, s.list)
}

// owner finds the kind of a resource.
func (s tags) owner(arn string) (Tagged, error) {
	for _, k := range s.kinds {
		if k.Owns(arn) {
			return k, nil
		}
	}
	// Layers are in the pattern of the model, and have no tags.
	return nil, hearth.Errorf(hearth.ErrNotFound, "The resource you requested does not exist.")
}

func (s tags) tag(ctx context.Context, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	owner, err := s.owner(*in.Resource)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, hearth.Errorf(hearth.ErrInvalid, "An error occurred and the request cannot be processed.")
	}
	return &api.TagResourceOutput{}, owner.UpdateTags(ctx, *in.Resource, func(tags map[string]string) (map[string]string, error) {
		if tags == nil {
			tags = map[string]string{}
		}
		maps.Copy(tags, in.Tags)
		if len(tags) > maxTags {
			return nil, hearth.Errorf(hearth.ErrInvalid, "Number of tags exceeds resource tag limit.")
		}
		return tags, nil
	})
}

func (s tags) untag(ctx context.Context, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	owner, err := s.owner(*in.Resource)
	if err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, owner.UpdateTags(ctx, *in.Resource, func(tags map[string]string) (map[string]string, error) {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
		return tags, nil
	})
}

func (s tags) list(ctx context.Context, in *api.ListTagsInput) (*api.ListTagsOutput, error) {
	owner, err := s.owner(*in.Resource)
	if err != nil {
		return nil, err
	}
	tags, err := owner.Tags(ctx, *in.Resource)
	if err != nil {
		return nil, err
	}
	if tags == nil {
		tags = map[string]string{} // shown empty
	}
	return &api.ListTagsOutput{Tags: tags}, nil
}
