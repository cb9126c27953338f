package tags

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/scope"
)

// Store is where resources are kept by account, region and id; see
// store/records for the contract.
type Store[T any] interface {
	Get(ctx context.Context, account, region, id string) (*T, error)
	Update(ctx context.Context, account, region, id string, change func(*T) error) (*T, error)
}

// Records are the resources of a Store as Resources. Their ARNs are those of
// scope.OfARN.
type Records[T any] struct {
	Store Store[T]
	Kind  string // the part of the ARNs that comes before the id
	// Tagged returns where a resource has its tags; hearth.ErrNotFound when it is
	// there no more but for its record.
	Tagged func(*T) (tags *map[string]string, err error)
	// Missing words hearth.ErrNotFound for the caller.
	Missing func(arn string) error
}

// Owns is Resources'.
func (r Records[T]) Owns(arn string) bool { return strings.Contains(arn, ":"+r.Kind+":") }

// Tags is Resources'.
func (r Records[T]) Tags(ctx context.Context, arn string) (map[string]string, error) {
	account, region, id := scope.OfARN(arn)
	v, err := r.Store.Get(ctx, account, region, id)
	if err != nil {
		return nil, r.worded(err, arn)
	}
	tags, err := r.Tagged(v)
	if err != nil {
		return nil, r.worded(err, arn)
	}
	return *tags, nil
}

// UpdateTags is Resources'.
func (r Records[T]) UpdateTags(ctx context.Context, arn string, change func(map[string]string) (map[string]string, error)) error {
	account, region, id := scope.OfARN(arn)
	_, err := r.Store.Update(ctx, account, region, id, func(v *T) error {
		tags, err := r.Tagged(v)
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
func (r Records[T]) worded(err error, arn string) error {
	if _, told := errors.AsType[*hearth.Error](err); !told && errors.Is(err, hearth.ErrNotFound) {
		return r.Missing(arn)
	}
	return err
}
