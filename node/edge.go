package node

import (
	"context"
	"net/http"
	"strings"

	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/archive"
	"github.com/hearthd/hearth/edge/control"
	"github.com/hearthd/hearth/edge/layers"
	"github.com/hearthd/hearth/edge/layers/layermap"
	"github.com/hearthd/hearth/edge/links"
	"github.com/hearthd/hearth/edge/logview"
	"github.com/hearthd/hearth/edge/mapping"
	"github.com/hearthd/hearth/edge/own"
	"github.com/hearthd/hearth/edge/resource"
	"github.com/hearthd/hearth/edge/scope"
)

// edge is what serves the operations of the Lambda API, and links.
type edge struct {
	control   *control.Service
	layers    *layers.Service
	resources *resource.Service
	mappings  *mapping.Service
	links     *links.Links
}

// scope is the account and region of requests that say nothing of them.
func (n *Node) scope() scope.Defaults {
	return scope.Defaults{Account: n.opts.Account, Region: n.opts.Region}
}

func (n *Node) newEdge(ctx context.Context) (edge, error) {
	source, err := n.opts.objects()
	if err != nil {
		return edge{}, err
	}
	mapped, err := layermap.Parse(n.opts.LayerMap, n.opts.Logger)
	if err != nil {
		return edge{}, err
	}
	intake := archive.New(archive.Options{Store: n.catalog, Check: n.launcher, Objects: source, Dir: n.opts.Dir})
	e := edge{links: links.New(n.catalog, n.opts.Logger)}
	e.layers = layers.New(layers.Options{
		Versions: n.records.layers, Lists: n.records.layers, Policies: n.policies, Intake: intake, Holder: n.catalog, Links: e.links,
		Scope: n.scope(), Foreign: mapped,
	})
	e.mappings = mapping.New(mapping.Options{Mappings: n.records.eventSourceMappings, Functions: n.catalog, Scope: n.scope()})
	e.resources = n.newResources(e.mappings.Tagged())
	e.control = control.New(ctx, control.Options{
		Functions: n.catalog, Host: n.launcher, Intake: intake, Layers: e.layers, Links: e.links, Attached: n.records.set,
		Signing: e.resources.Signing(), Concurrency: e.resources.Concurrency(), Scope: n.scope(), Logger: n.opts.Logger,
	})
	return e, nil
}

// newResources returns what serves the resources beside functions.
func (n *Node) newResources(tagged ...resource.Tagged) *resource.Service {
	t := n.records
	return resource.New(resource.Options{
		Functions: n.catalog, Aliases: n.catalog, Attached: t.set, Layers: t.layers, Progress: n.provision,
		Stores: resource.Stores{
			Reserved: t.reserved, Provisioned: t.provisioned, ScalingConfigs: t.scalingBounds, CapacityProviders: t.capacityProviders,
			EventInvokeConfigs: t.eventInvokeConfigs, URLs: t.functionURLs, Runtimes: t.runtimeManagement, Recursions: t.recursions,
			CodeSigningConfigs: t.codeSigningConfigs, CodeSigningBindings: t.codeSigningBindings,
		},
		Tagged: tagged, Scope: n.scope(), Limit: n.opts.MaxConcurrency, Listen: n.opts.Listen, Logger: n.opts.Logger,
	})
}

// newHandler returns everything that is served over HTTP: the Lambda API, and
// hearth's own paths.
func (n *Node) newHandler() http.Handler {
	router, ownPaths := n.newRouter(), n.access.Guard(n.newOwn(), own.HealthPath, links.Path)
	return n.access.Outermost(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Not one mux for both: it would clean, and so change, the paths of
		// the Lambda API.
		if strings.HasPrefix(r.URL.Path, own.Prefix) {
			ownPaths.ServeHTTP(w, r)
			return
		}
		router.ServeHTTP(w, r)
	}))
}

// newRouter returns the Lambda API, each group of operations from its own package.
func (n *Node) newRouter() *api.Router {
	router := api.NewRouter(api.Options{Logger: n.opts.Logger, Authorizer: n.access.Authorizer()})
	n.newInvocation().Register(router)
	n.edge.control.Register(router)
	n.edge.layers.Register(router)
	n.edge.mappings.Register(router)
	n.edge.resources.Register(router)
	n.policies.Register(router)
	return router
}

// newOwn returns hearth's own paths.
func (n *Node) newOwn() http.Handler {
	return own.New(own.Options{})
}

var _ = logview.Path
