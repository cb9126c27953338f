// Package concurrency serves the operations on reserved and provisioned
// concurrency, and the account's settings.
//
// It stores what is asked for; invoke/provision brings it about, and says how
// far it is. What the functions of an account reserve, and what is provisioned
// for those that reserve nothing, comes off what the others share, of which
// hearth.MinUnreserved always stay.
package concurrency

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/scope"
)

// Reservations is where reserved concurrency is kept, by functions without
// qualifiers; see store/records for the contract.
type Reservations interface {
	Get(ctx context.Context, name hearth.Name, qualifier string) (*hearth.ReservedConcurrency, error)
	Put(ctx context.Context, name hearth.Name, qualifier string, v *hearth.ReservedConcurrency) error
	Delete(ctx context.Context, name hearth.Name, qualifier string) error
	ListAll(ctx context.Context, account, region string) ([]*hearth.ReservedConcurrency, error)
}

// Configs is where provisioned concurrency is kept, by functions and
// qualifiers; see store/records for the contract.
type Configs interface {
	Get(ctx context.Context, name hearth.Name, qualifier string) (*hearth.ProvisionedConcurrency, error)
	Put(ctx context.Context, name hearth.Name, qualifier string, v *hearth.ProvisionedConcurrency) error
	Delete(ctx context.Context, name hearth.Name, qualifier string) error
	List(ctx context.Context, name hearth.Name, after string, limit int) (page []*hearth.ProvisionedConcurrency, next string, err error)
	ListAll(ctx context.Context, account, region string) ([]*hearth.ProvisionedConcurrency, error)
}

// Progress says how far provisioned concurrency has come, without waiting.
type Progress interface {
	Status(p *hearth.ProvisionedConcurrency) hearth.Provisioning
}

// Usage says how many functions an account has in a region, and how many bytes
// their code takes.
type Usage interface {
	Usage(account, region string) (functions int, codeSize int64)
}

// Options of a Service. All are required.
type Options struct {
	Reservations Reservations
	Configs      Configs
	Functions    scope.Functions
	Progress     Progress
	Usage        Usage
	Scope        scope.Defaults
	// Limit is the concurrency of each account in each region.
	Limit int
}

// Service serves the operations.
type Service struct {
	opts Options

	// writing is held while limits are checked and what they allow is stored.
	writing sync.Mutex
}

// New returns a Service.
func New(opts Options) *Service { return &Service{opts: opts} }

// Register makes a router serve this service's operations.
func (s *Service) Register(r *api.Router) {
	api.Handle(r, api.GetAccountSettings, s.getAccountSettings)
	api.Handle(r, api.PutFunctionConcurrency, s.putReserved)
	api.Handle(r, api.GetFunctionConcurrency, s.getReserved)
	api.Handle(r, api.DeleteFunctionConcurrency, s.deleteReserved)
	api.Handle(r, api.PutProvisionedConcurrencyConfig, s.putProvisioned)
	api.Handle(r, api.GetProvisionedConcurrencyConfig, s.getProvisioned)
	api.Handle(r, api.DeleteProvisionedConcurrencyConfig, s.deleteProvisioned)
	api.Handle(r, api.ListProvisionedConcurrencyConfigs, s.listProvisioned)
}

// Reserved returns what GetFunction shows of a function's concurrency; nil when
// it reserves none.
func (s *Service) Reserved(ctx context.Context, name hearth.Name) (*int, error) {
	r, err := s.reserved(ctx, name)
	if r == nil || err != nil {
		return nil, err
	}
	return &r.Executions, nil
}

// reserved is what a function reserves; nil: nothing.
func (s *Service) reserved(ctx context.Context, name hearth.Name) (*hearth.ReservedConcurrency, error) {
	r, err := s.opts.Reservations.Get(ctx, name, "")
	if errors.Is(err, hearth.ErrNotFound) {
		return nil, nil //nolint:nilnil // as the comment says
	}
	return r, err
}

// unreserved is what the functions of an account share that reserve nothing.
func (s *Service) unreserved(ctx context.Context, account, region string) (int, error) {
	left := s.opts.Limit
	reserved, err := s.opts.Reservations.ListAll(ctx, account, region)
	if err != nil {
		return 0, err
	}
	own := make(map[hearth.Name]bool, len(reserved))
	for _, r := range reserved {
		left -= r.Executions
		own[r.Function] = true
	}
	provisioned, err := s.opts.Configs.ListAll(ctx, account, region)
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

func (s *Service) getAccountSettings(ctx context.Context, _ *api.GetAccountSettingsInput) (*api.GetAccountSettingsOutput, error) {
	account, region := s.opts.Scope.Of(ctx)
	unreserved, err := s.unreserved(ctx, account, region)
	if err != nil {
		return nil, err
	}
	functions, codeSize := s.opts.Usage.Usage(account, region)
	return &api.GetAccountSettingsOutput{
		AccountLimit: &api.AccountLimit{
			TotalCodeSize:        api.Ptr(int64(hearth.MaxCodeSize)),
			CodeSizeUnzipped:     api.Ptr(int64(262144000)),
			CodeSizeZipped:       api.Ptr(int64(52428800)),
			ConcurrentExecutions: &s.opts.Limit, UnreservedConcurrentExecutions: &unreserved,
		},
		AccountUsage: &api.AccountUsage{TotalCodeSize: &codeSize, FunctionCount: api.Ptr(int64(functions))},
	}, nil
}

// refusal is an error about the account's limits, which AWS sends without a type.
func refusal(format string, limit int) error {
	return &hearth.Error{Kind: hearth.ErrInvalid, NoType: true, Message: fmt.Sprintf(format, limit)}
}
