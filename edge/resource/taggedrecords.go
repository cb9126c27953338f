package resource

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/scope"
)

// TaggedRecords are the resources of a store as Tagged. Their ARNs are those of
// scope.OfARN.
type TaggedRecords[T any] struct {
	Store ByID[T]
	Kind  string // the part of the ARNs that comes before the id
	// TagsOf returns where a resource has its tags; hearth.ErrNotFound when it is
	// there no more but for its record.
	TagsOf func(*T) (tags *map[string]string, err error)
	// Missing words hearth.ErrNotFound for the caller.
	Missing func(arn string) error
}

// Owns is Tagged's.
func (r TaggedRecords[T]) Owns(arn string) bool { return strings.Contains(arn, ":"+r.Kind+":") }

// Tags is Tagged's.
func (r TaggedRecords[T]) Tags(ctx context.Context, arn string) (map[string]string, error) {
	account, region, id := scope.OfARN(arn)
	v, err := r.Store.Get(ctx, account, region, id)
	if err != nil {
		return nil, r.worded(err, arn)
	}
	tags, err := r.TagsOf(v)
	if err != nil {
		return nil, r.worded(err, arn)
	}
	return *tags, nil
}

// UpdateTags is Tagged's.
func (r TaggedRecords[T]) UpdateTags(ctx context.Context, arn string, change func(map[string]string) (map[string]string, error)) error {
	account, region, id := scope.OfARN(arn)
	_, err := r.Store.Update(ctx, account, region, id, func(v *T) error {
		tags, err := r.TagsOf(v)
		if err != nil {
			return err
		}
		*tags, err = change(maps.Clone(*tags))
		return err
	})
	return r.worded(err, arn)
}

// worded gives a missing resource the text for the caller, unless the error has
// one.
func (r TaggedRecords[T]) worded(err error, arn string) error {
	if _, told := errors.AsType[*hearth.Error](err); !told && errors.Is(err, hearth.ErrNotFound) {
		return r.Missing(arn)
	}
	return err
}
