package schema

import (
	"reflect"

	"github.com/hearthd/hearth"
)

// Kinds returns every kind that there is. The first two are store/catalog's, the
// others are collections of store/records. Mappings stay when their function goes,
// as on AWS. The caller owns the list.
func Kinds() []Kind {
	kinds := []Kind{
		{Name: hearth.KindFunction, Form: reflect.TypeFor[hearth.Function](), Member: "Function"},
		{Name: hearth.KindAlias, Form: reflect.TypeFor[hearth.Alias](), Member: "Alias"},

		{Name: hearth.KindEventInvokeConfig, Form: reflect.TypeFor[hearth.EventInvokeConfig](), OfFunction: true},
		{Name: hearth.KindFunctionURL, Form: reflect.TypeFor[hearth.FunctionURL](), OfFunction: true, OutlivesAlias: true},
		{Name: hearth.KindRuntimeManagement, Form: reflect.TypeFor[hearth.RuntimeManagement](), OfFunction: true},
		{Name: hearth.KindRecursion, Form: reflect.TypeFor[hearth.Recursion](), OfFunction: true},
		{Name: hearth.KindCodeSigningBinding, Form: reflect.TypeFor[hearth.CodeSigningBinding](), OfFunction: true},
		{Name: hearth.KindReservedConcurrency, Form: reflect.TypeFor[hearth.ReservedConcurrency](), OfFunction: true},
		{Name: hearth.KindProvisionedConcurrency, Form: reflect.TypeFor[hearth.ProvisionedConcurrency](), OfFunction: true},
		{Name: hearth.KindScalingBounds, Form: reflect.TypeFor[hearth.ScalingBounds](), OfFunction: true},
		{Name: hearth.KindFunctionPolicy, Form: reflect.TypeFor[Policy](), Foreign: true, OfFunction: true},

		{Name: hearth.KindCodeSigningConfig, Form: reflect.TypeFor[hearth.CodeSigningConfig]()},
		{Name: hearth.KindEventSourceMapping, Form: reflect.TypeFor[hearth.EventSourceMapping]()},
		{Name: hearth.KindCapacityProvider, Form: reflect.TypeFor[hearth.CapacityProvider]()},

		{Name: hearth.KindLayerNumber, Form: reflect.TypeFor[LayerNumber]()},
		{Name: hearth.KindLayerVersion, Form: reflect.TypeFor[hearth.LayerVersion]()},
		{Name: hearth.KindLayerPolicy, Form: reflect.TypeFor[Policy](), Foreign: true},
	}
	for i := range kinds {
		kinds[i].Schema = 1 + len(kinds[i].Migrations)
	}
	return kinds
}

// Of returns the row of a kind, and whether there is one.
func Of(name hearth.Kind) (Kind, bool) {
	for _, k := range Kinds() {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

// LayerNumber is the number of a layer's last version, deleted or not.
type LayerNumber struct {
	Last int64 `json:"Last"`
}

// Policy is the form of a resource-based policy. Edge knows what its statements
// mean, and has the Go type that reads and writes it.
type Policy struct {
	Document   Document `json:"Document"`
	RevisionID string   `json:"RevisionID"` // of a layer version's; empty for functions
}

// Document is the policy's document.
type Document struct {
	Version    string   `json:"Version"`
	ID         string   `json:"ID"`
	Statements []string `json:"Statements"` // the JSON of each, as it was given
}
