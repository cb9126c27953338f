// Package resource serves the Lambda API's operations on the smaller resources:
// those of functions beside their configuration, and those that functions refer
// to. Each has a file of its own:
//
//	alias.go               names of versions
//	reserved.go            reserved concurrency
//	provisioned.go         provisioned concurrency
//	accountsettings.go     the account's limits, and what its functions take
//	capacityprovider.go    capacity providers, and in
//	scalingconfig.go       the scaling of the functions on them
//	eventinvokeconfig.go   what becomes of asynchronous events
//	functionurl.go         HTTP endpoints
//	runtimemanagement.go   when a runtime is updated
//	recursion.go           what becomes of functions that invoke themselves
//	codesigningconfig.go   code signing, and in
//	codesigningbinding.go  which functions have it
//	tag.go                 tags, also of the resources of other packages
//	durableexecution.go    durable executions: 501
//
// The package checks, keeps and shows what is asked for, with AWS's semantics:
// defaults, limits between members and the order of checks. The router has read
// and validated the input before. Other packages bring about what is kept here:
// invoke/provision, invoke/queue and invoke/dispatch.
//
// The package has more lines than most. Its files share stores, paging and tests
// and little else; nothing would get simpler by putting them into packages.
package resource

import (
	"context"
	"log/slog"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/scope"
)

// Attached is what belongs to aliases and is kept elsewhere; see store/records.
type Attached interface {
	// DeleteAlias deletes what goes with an alias: not its URL, which waits for
	// the next alias of the name.
	DeleteAlias(ctx context.Context, name hearth.Name, alias string) error
}

// Layers says how much space layers take; see store/layers.
type Layers interface {
	// Bytes is the size of the layer versions of an account and region.
	Bytes(account, region string) int64
}

// Progress says how far provisioned concurrency has come, without waiting.
type Progress interface {
	Status(p *hearth.ProvisionedConcurrency) hearth.Provisioning
}

// Options of a Service. All are required but Tagged and Logger.
type Options struct {
	Stores    Stores
	Functions Functions
	Aliases   Aliases
	Attached  Attached
	Layers    Layers
	Progress  Progress
	// Tagged are the resources of other packages that tags can be on.
	Tagged []Tagged
	Scope  scope.Defaults
	// Limit is the concurrency of each account in each region.
	Limit int
	// Listen is the address that the daemon listens at, as host:port. Function
	// URLs lead there.
	Listen string
	Logger *slog.Logger
}

// Service serves the operations.
type Service struct {
	concurrency *Concurrency
	signing     *CodeSigning
	parts       []interface{ register(r *api.Router) }
}

// New returns a Service.
func New(o Options) *Service {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	concurrency := &Concurrency{
		reservations: o.Stores.Reserved, provisioned: o.Stores.Provisioned,
		functions: o.Functions, progress: o.Progress, scope: o.Scope, limit: o.Limit,
	}
	providers := capacityProviders{o.Stores.CapacityProviders, o.Functions, o.Scope}
	signing := &CodeSigning{
		configs: o.Stores.CodeSigningConfigs, bindings: o.Stores.CodeSigningBindings,
		functions: o.Functions, scope: o.Scope, logger: o.Logger,
	}
	kinds := append([]Tagged{functionTags{o.Functions, o.Scope}, signing.Tagged(), providers.tagged()}, o.Tagged...)
	return &Service{concurrency, signing, []interface{ register(r *api.Router) }{
		aliases{o.Aliases, o.Functions, o.Attached, o.Scope},
		concurrency,
		accountSettings{concurrency, o.Functions, o.Layers},
		providers,
		scalingConfigs{o.Stores.ScalingConfigs, o.Functions, o.Scope},
		eventInvokeConfigs{o.Stores.EventInvokeConfigs, o.Functions, o.Scope},
		functionURLs{o.Stores.URLs, o.Functions, o.Scope, urlHost(o.Listen)},
		runtimeManagement{o.Stores.Runtimes, o.Functions, o.Scope},
		recursions{o.Stores.Recursions, o.Functions, o.Scope},
		signing,
		tags{kinds},
		durableExecutions{},
	}}
}

// Register makes a router serve this service's operations.
func (s *Service) Register(r *api.Router) {
	for _, part := range s.parts {
		part.register(r)
	}
}

// Concurrency returns what functions reserve.
func (s *Service) Concurrency() *Concurrency { return s.concurrency }

// Signing returns the code signing configs and the functions that have one.
func (s *Service) Signing() *CodeSigning { return s.signing }

// lastModified is AWS's format of most members of that name.
const lastModified = "2006-01-02T15:04:05.000-0700"
