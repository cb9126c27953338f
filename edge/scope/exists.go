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

// Unqualified reads the name of a function of which no version or alias may be
// meant.
func (d Defaults) Unqualified(ctx context.Context, functionName *string) (hearth.Name, error) {
	name, qualifier, err := d.Function(ctx, functionName, nil)
	if err == nil && qualifier != "" {
		err = hearth.Errorf(hearth.ErrInvalid, "This operation is permitted on Lambda functions only. "+
			"Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.")
	}
	return name, err
}

// Existing reads the name of a function that there must be, in any of the forms
// of the model. A qualifier counts for nothing: what is asked for is the
// function's.
func (d Defaults) Existing(ctx context.Context, functions Functions, functionName *string) (hearth.Name, error) {
	name, _, err := d.Function(ctx, functionName, nil)
	if err != nil {
		return name, err
	}
	return name, Exists(ctx, functions, name, "")
}
