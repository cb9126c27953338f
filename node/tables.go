package node

import (
	"log/slog"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/policy"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/changes"
	"github.com/hearthd/hearth/store/layers"
	"github.com/hearthd/hearth/store/records"
)

// tables are the records beside the functions, a table for each kind.
type tables struct {
	set    *records.Set
	layers *layers.Store

	eventInvokeConfigs  records.ByFunction[hearth.EventInvokeConfig]
	functionURLs        records.ByFunction[hearth.FunctionURL]
	runtimeManagement   records.ByFunction[hearth.RuntimeManagement]
	recursions          records.ByFunction[hearth.Recursion]
	codeSigningBindings records.ByFunction[hearth.CodeSigningBinding]
	reserved            records.ByFunction[hearth.ReservedConcurrency]
	provisioned         records.ByFunction[hearth.ProvisionedConcurrency]
	scalingBounds       records.ByFunction[hearth.ScalingBounds]
	functionPolicies    records.ByKey[policy.Function, policy.Policy]

	codeSigningConfigs  records.ByID[hearth.CodeSigningConfig]
	eventSourceMappings records.ByID[hearth.EventSourceMapping]
	capacityProviders   records.ByID[hearth.CapacityProvider]
	layerPolicies       records.ByKey[policy.LayerVersion, policy.Policy]
}

// newTables returns the tables of a store, which are empty until their set is open.
func newTables(kv store.KV, feed *changes.Feed, logger *slog.Logger) tables {
	set := records.New(kv, feed, logger)
	return tables{
		set: set, layers: layers.New(set),
		eventInvokeConfigs:  records.NewByFunction[hearth.EventInvokeConfig](set, hearth.KindEventInvokeConfig),
		functionURLs:        records.NewByFunction[hearth.FunctionURL](set, hearth.KindFunctionURL),
		runtimeManagement:   records.NewByFunction[hearth.RuntimeManagement](set, hearth.KindRuntimeManagement),
		recursions:          records.NewByFunction[hearth.Recursion](set, hearth.KindRecursion),
		codeSigningBindings: records.NewByFunction[hearth.CodeSigningBinding](set, hearth.KindCodeSigningBinding),
		reserved:            records.NewByFunction[hearth.ReservedConcurrency](set, hearth.KindReservedConcurrency),
		provisioned:         records.NewByFunction[hearth.ProvisionedConcurrency](set, hearth.KindProvisionedConcurrency),
		scalingBounds:       records.NewByFunction[hearth.ScalingBounds](set, hearth.KindScalingBounds),
		functionPolicies:    records.NewByKey[policy.Function, policy.Policy](set, hearth.KindFunctionPolicy),
		codeSigningConfigs:  records.NewByID[hearth.CodeSigningConfig](set, hearth.KindCodeSigningConfig),
		eventSourceMappings: records.NewByID[hearth.EventSourceMapping](set, hearth.KindEventSourceMapping),
		capacityProviders:   records.NewByID[hearth.CapacityProvider](set, hearth.KindCapacityProvider),
		layerPolicies:       records.NewByKey[policy.LayerVersion, policy.Policy](set, hearth.KindLayerPolicy),
	}
}

// Reserved, Provisioned and Bounds make them what provision brings about.
func (t tables) Reserved(name hearth.Name) *hearth.ReservedConcurrency {
	return t.reserved.Lookup(name, "")
}

func (t tables) Provisioned(name hearth.Name, qualifier string) *hearth.ProvisionedConcurrency {
	return t.provisioned.Lookup(name, qualifier)
}

func (t tables) Bounds(name hearth.Name, qualifier string) *hearth.ScalingBounds {
	return t.scalingBounds.Lookup(name, qualifier)
}
