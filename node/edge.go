package node

import (
	"context"
	"net/http"

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
	"github.com/hearthd/hearth/edge/unserved"
	"github.com/hearthd/hearth/sandbox/bundle"
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
	mapped, err := layermap.Parse(n.opts.LayerMap)
	if err != nil {
		return edge{}, err
	}
	intake := archive.New(archive.Options{Store: n.catalog, Checker: n.launcher, Objects: source, Dir: n.opts.Dir})
	e := edge{links: links.New(n.catalog, n.opts.Logger)}
	e.layers = layers.New(layers.Options{
		Versions: n.records.layers, Lists: n.records.layers, Intake: intake, Holder: n.catalog, Links: e.links,
		Policies: n.policies, Scope: n.scope(),
		Foreign: layermap.New(layermap.Options{Entries: mapped, Archives: bundle.Paths{}, Logger: n.opts.Logger}),
	})
	e.mappings = mapping.New(mapping.Options{Mappings: n.records.eventSourceMappings, Functions: n.catalog, Scope: n.scope()})
	e.resources = n.newResources(e.mappings.Tagged())
	e.control = control.New(ctx, control.Options{
		Functions: n.catalog, Host: n.launcher, Intake: intake, Layers: e.layers, Links: e.links, Attached: n.records.set,
		Signing: e.resources.Signing(), Concurrency: e.resources.Concurrency(),
		Authenticated: n.opts.Auth, Scope: n.scope(), Logger: n.opts.Logger,
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
// hearth's own paths beside it. Requests for other services are told so.
func (n *Node) newHandler() http.Handler {
	return n.access.Outermost(n.newOwn().Beside(unserved.Handler(n.newRouter(n.access.Authorizer()))))
}

// newRouter returns the Lambda API, each group of operations from its own package, for
// those whom an authorizer lets in.
func (n *Node) newRouter(authorizer api.Authorizer) *api.Router {
	router := api.NewRouter(api.Options{Logger: n.opts.Logger, Authorizer: authorizer, Dir: n.opts.Dir})
	n.newInvocation(n.queue).Register(router)
	n.edge.control.Register(router)
	n.edge.layers.Register(router)
	n.edge.mappings.Register(router)
	n.edge.resources.Register(router)
	n.policies.Register(router)
	return router
}

// newOwn returns hearth's own paths, which show what the parts report.
func (n *Node) newOwn() *own.Handler {
	o := own.Options{
		Version: n.opts.Version, Clock: n.opts.Clock, Guard: n.access, Logger: n.opts.Logger,
		Parts:  []own.Part{functionsReport{n.catalog}, environmentsReport{n}, n.access},
		Events: eventsReport{n.queue},
		Routes: []own.Route{{Path: links.Path, Handler: n.edge.links, Open: true}},
	}
	if n.logs != nil {
		o.Traces = traces{n.traces}
		o.Routes = append(o.Routes, own.Route{Path: logview.Path, Handler: logview.New(logview.Options{
			Functions: n.catalog, Logs: logGroups{n.logs}, Scope: n.scope(), Logger: n.opts.Logger,
		})})
	}
	return own.New(o)
}
