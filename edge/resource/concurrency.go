package resource

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/scope"
)

// Concurrency is what functions reserve and what is provisioned for them.
//
// It keeps what is asked for; invoke/provision brings it about, and says how far
// it is. What the functions of an account reserve, and what is provisioned for
// those that reserve nothing, comes off what the others share, of which
// hearth.MinUnreserved always stay.
type Concurrency struct {
	reservations ByFunction[hearth.ReservedConcurrency]
	provisioned  ByFunction[hearth.ProvisionedConcurrency]
	functions    Functions
	progress     Progress
	scope        scope.Defaults
	limit        int // of each account in each region

	// writing is held while limits are checked and what they allow is stored.
	writing sync.Mutex
}

func (c *Concurrency) register(r *api.Router) {
	api.Handle(r, api.PutFunctionConcurrency, c.putReserved)
	api.Handle(r, api.GetFunctionConcurrency, c.getReserved)
	api.Handle(r, api.DeleteFunctionConcurrency, c.deleteReserved)
	api.Handle(r, api.PutProvisionedConcurrencyConfig, c.putProvisioned)
	api.Handle(r, api.GetProvisionedConcurrencyConfig, c.getProvisioned)
	api.Handle(r, api.DeleteProvisionedConcurrencyConfig, c.deleteProvisioned)
	api.Handle(r, api.ListProvisionedConcurrencyConfigs, c.listProvisioned)
}

// Reserved returns what GetFunction shows of a function's concurrency; nil when
// it reserves none.
func (c *Concurrency) Reserved(ctx context.Context, name hearth.Name) (*int, error) {
	r, err := c.reserved(ctx, name)
	if r == nil || err != nil {
		return nil, err
	}
	return &r.Executions, nil
}

// reserved is what a function reserves; nil: nothing.
func (c *Concurrency) reserved(ctx context.Context, name hearth.Name) (*hearth.ReservedConcurrency, error) {
	r, err := c.reservations.Get(ctx, name, "")
	if errors.Is(err, hearth.ErrNotFound) {
		return nil, nil //nolint:nilnil // as the comment says
	}
	return r, err
}

// unreserved is what the functions of an account share that reserve nothing.
func (c *Concurrency) unreserved(ctx context.Context, account, region string) (int, error) {
	left := c.limit
	reserved, err := c.reservations.ListAll(ctx, account, region)
	if err != nil {
		return 0, err
	}
	own := make(map[hearth.Name]bool, len(reserved))
	for _, r := range reserved {
		left -= r.Executions
		own[r.Function] = true
	}
	provisioned, err := c.provisioned.ListAll(ctx, account, region)
	if err != nil {
		return 0, err
	}
	for _, p := range provisioned {
		if !own[p.Function] {
			left -= p.Executions
		}
	}
	return left, nil
}

// concurrencyRefused is an error about the account's limits, which AWS sends without a type.
func concurrencyRefused(format string, limit int) error {
	return &hearth.Error{Kind: hearth.ErrInvalid, NoType: true, Message: fmt.Sprintf(format, limit)}
}
