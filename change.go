package hearth

// Kind names a kind of resource that the control plane keeps. Its text is part of
// the keys of the store.
type Kind string

// The kinds. A version's and an alias's Change has the qualifier in it; so have
// those of settings that a qualifier can have of its own. The last two groups are
// resources with an id within an account and a region.
const (
	KindFunction Kind = "function" // one version of it, $LATEST being one
	KindAlias    Kind = "alias"

	KindEventInvokeConfig      Kind = "event-config"
	KindFunctionURL            Kind = "url"
	KindRuntimeManagement      Kind = "runtime-management"
	KindRecursion              Kind = "recursion"
	KindCodeSigningBinding     Kind = "signing-binding"
	KindReservedConcurrency    Kind = "reserved"
	KindProvisionedConcurrency Kind = "provisioned"
	KindScalingBounds          Kind = "scaling"
	KindFunctionPolicy         Kind = "policy"

	KindCodeSigningConfig  Kind = "signing-config"
	KindEventSourceMapping Kind = "mapping"
	KindCapacityProvider   Kind = "capacity-provider"

	KindLayerNumber  Kind = "layer-number"
	KindLayerVersion Kind = "layer-version"
	KindLayerPolicy  Kind = "layer-policy"
)

// Change says that a resource was created, changed or deleted, and not which of
// the three: whoever is told looks up what there is now. So a Change may come
// twice, and two may come in any order.
type Change struct {
	Kind Kind
	// Function is the function that the resource belongs to. For a resource that
	// belongs to none it has the account and the region alone.
	Function  Name
	Qualifier string // of the function; empty: the function's own
	ID        string // of a resource that belongs to no function
}

// Subscriber is told of changes.
type Subscriber interface {
	// Changed is called once a look-up in memory shows the change, on whatever
	// goroutine made or received it, and on several at once. It must not block,
	// and not write to the store.
	Changed(Change)
}

// Changes is where a Subscriber asks to be told; see store/changes.
type Changes interface {
	// Subscribe tells s of everything that there is, and then of every change,
	// until cancel. When it returns, s has been told of all that there was. No
	// call of s begins or goes on once cancel has returned, so s itself must not
	// call cancel.
	Subscribe(s Subscriber) (cancel func())
}
