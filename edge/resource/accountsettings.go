package resource

import (
	"context"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// accountSettings are the limits of an account in a region, and how much of them
// its functions and layers take.
type accountSettings struct {
	concurrency *Concurrency
	functions   Functions
	layers      Layers
}

func (s accountSettings) register(r *api.Router) {
	api.Handle(r, api.GetAccountSettings, s.get)
}

// The account's limits in bytes beside hearth.MaxCodeSize, AWS's.
const (
	maxZipped   = 50 << 20  // of a code archive within a request
	maxUnzipped = 250 << 20 // of a function's code and layers
)

func (s accountSettings) get(ctx context.Context, _ *api.GetAccountSettingsInput) (*api.GetAccountSettingsOutput, error) {
	account, region := s.concurrency.scope.Of(ctx)
	unreserved, err := s.concurrency.unreserved(ctx, account, region)
	if err != nil {
		return nil, err
	}
	functions, codeSize := s.usage(account, region)
	return &api.GetAccountSettingsOutput{
		AccountLimit: &api.AccountLimit{
			TotalCodeSize:        api.Ptr(int64(hearth.MaxCodeSize)),
			CodeSizeUnzipped:     api.Ptr(int64(maxUnzipped)),
			CodeSizeZipped:       api.Ptr(int64(maxZipped)),
			ConcurrentExecutions: &s.concurrency.limit, UnreservedConcurrentExecutions: &unreserved,
		},
		AccountUsage: &api.AccountUsage{TotalCodeSize: &codeSize, FunctionCount: &functions},
	}, nil
}

// usage returns how many functions an account has in a region, and how many
// bytes the code of their versions and the layers take.
func (s accountSettings) usage(account, region string) (functions, codeSize int64) {
	for _, fn := range s.functions.All() {
		if fn.Name.Account != account || fn.Name.Region != region {
			continue
		}
		if fn.Version == hearth.Latest {
			functions++
		}
		codeSize += fn.Code.Size
	}
	return functions, codeSize + s.layers.Bytes(account, region)
}
