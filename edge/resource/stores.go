package resource

import (
	"context"

	"github.com/hearthd/hearth"
)

// ByFunction keeps what belongs to functions: a T for each qualifier of a
// function, and one for the empty qualifier, which is the function as a whole.
// What is not there is hearth.ErrNotFound. See store/records for the contract.
type ByFunction[T any] interface {
	FunctionReader[T]
	FunctionWriter[T]
}

// FunctionReader is the reading half of ByFunction.
type FunctionReader[T any] interface {
	Get(ctx context.Context, name hearth.Name, qualifier string) (*T, error)
	// List returns up to limit records of a function's qualifiers, those after one
	// of them; all when limit is 0. The record of the empty qualifier is not among
	// them. next is what the following page comes after, empty on the last page.
	List(ctx context.Context, name hearth.Name, after string, limit int) (page []*T, next string, err error)
	// ListAll returns the records of all functions of an account and region.
	ListAll(ctx context.Context, account, region string) ([]*T, error)
}

// FunctionWriter is the writing half of ByFunction.
type FunctionWriter[T any] interface {
	// Create returns hearth.ErrConflict when there is a record already.
	Create(ctx context.Context, name hearth.Name, qualifier string, v *T) error
	Put(ctx context.Context, name hearth.Name, qualifier string, v *T) error
	// Update stores what change makes of a record. change may be called several
	// times; its error is returned as it is.
	Update(ctx context.Context, name hearth.Name, qualifier string, change func(*T) error) (*T, error)
	Delete(ctx context.Context, name hearth.Name, qualifier string) error
}

// ByID keeps what has an id of its own within an account and a region. What is
// not there is hearth.ErrNotFound. See store/records for the contract.
type ByID[T any] interface {
	IDReader[T]
	IDWriter[T]
}

// IDReader is the reading half of ByID.
type IDReader[T any] interface {
	Get(ctx context.Context, account, region, id string) (*T, error)
	// List is FunctionReader's, of the ids of an account and region.
	List(ctx context.Context, account, region, after string, limit int) (page []*T, next string, err error)
}

// IDWriter is the writing half of ByID.
type IDWriter[T any] interface {
	// Create returns hearth.ErrConflict when there is a record already.
	Create(ctx context.Context, account, region, id string, v *T) error
	// Update is FunctionWriter's.
	Update(ctx context.Context, account, region, id string, change func(*T) error) (*T, error)
	// Delete returns what was deleted. check, when not nil, can refuse: it may be
	// called several times, and its error is returned as it is.
	Delete(ctx context.Context, account, region, id string, check func(*T) error) (*T, error)
}

// Stores is where the resources are kept.
type Stores struct {
	Reserved            ByFunction[hearth.ReservedConcurrency]    // by the empty qualifier
	Provisioned         ByFunction[hearth.ProvisionedConcurrency] // by versions and aliases
	ScalingConfigs      ByFunction[hearth.ScalingBounds]          // by versions
	CapacityProviders   ByID[hearth.CapacityProvider]             // by their names
	EventInvokeConfigs  ByFunction[hearth.EventInvokeConfig]      // by $LATEST, versions and aliases
	URLs                ByFunction[hearth.FunctionURL]            // by aliases and, for the function's own, $LATEST
	Runtimes            ByFunction[hearth.RuntimeManagement]      // by $LATEST and versions
	Recursions          ByFunction[hearth.Recursion]              // by the empty qualifier
	CodeSigningConfigs  ByID[hearth.CodeSigningConfig]
	CodeSigningBindings ByFunction[hearth.CodeSigningBinding] // by the empty qualifier
}

// Functions is where functions are kept; see store/catalog for the contract.
type Functions interface {
	Get(ctx context.Context, name hearth.Name, version string) (f *hearth.Function, revision uint64, err error)
	GetAlias(ctx context.Context, name hearth.Name, alias string) (*hearth.Alias, error)
	// All returns every version of every function, in no order.
	All() []*hearth.Function
	// Modify stores what change makes of a version. change may be called several
	// times; its error is returned as it is.
	Modify(ctx context.Context, name hearth.Name, version string, change func(*hearth.Function) error) (*hearth.Function, error)
}

// Aliases is where aliases are kept; Functions reads them. See store/catalog for
// the contract.
type Aliases interface {
	CreateAlias(ctx context.Context, a *hearth.Alias) error
	UpdateAlias(ctx context.Context, name hearth.Name, alias string, change func(*hearth.Alias) error) (*hearth.Alias, error)
	DeleteAlias(ctx context.Context, name hearth.Name, alias string) error
	ListAliases(ctx context.Context, name hearth.Name, version, marker string, limit int) (page []*hearth.Alias, next string, err error)
}
