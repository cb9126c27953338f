package scope

import (
	"context"

	"github.com/hearthd/hearth"
)

// Functions is what Exists asks; see store/catalog for the contract.
type Functions interface {
	Get(ctx context.Context, name hearth.Name, version string) (f *hearth.Function, revision uint64, err error)
	GetAlias(ctx context.Context, name hearth.Name, alias string) (*hearth.Alias, error)
}

// Exists returns nil when there is a function and, unless qualifier is empty,
// such a version or alias of it; else an error of kind hearth.ErrNotFound.
func Exists(ctx context.Context, functions Functions, name hearth.Name, qualifier string) error {
	if hearth.IsAlias(qualifier) {
		_, err := functions.GetAlias(ctx, name, qualifier)
		return err
	}
	_, _, err := functions.Get(ctx, name, qualifier)
	return err
}
