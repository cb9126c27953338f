package daemon

import (
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/cmd/hearth/daemon/layermap"
	"github.com/hearthd/hearth/edge/archive"
	"github.com/hearthd/hearth/edge/layers"
	"github.com/hearthd/hearth/edge/links"
)

// codeServices are the parts that archives go through: those of functions and
// of layers.
type codeServices struct {
	intake *archive.Intake
	links  *links.Links
	layers *layers.Service
}

func (d *daemon) newCodeServices(getenv func(string) string) (codeServices, error) {
	source, err := d.cfg.Objects(getenv)
	if err != nil {
		return codeServices{}, err
	}
	mapped, err := layermap.Parse(d.cfg.LayerMap, d.logger)
	if err != nil {
		return codeServices{}, err
	}
	s := codeServices{
		intake: archive.New(archive.Options{Store: d.catalog, Check: d.engine.CheckArchive, Objects: source, Dir: d.cfg.DataDir}),
		links:  links.New(d.catalog, d.logger),
	}
	s.layers = layers.New(layers.Options{
		Versions: layerVersions{d.layers, d.access.policies}, Lists: d.layers, Allowed: d.mayUseLayer, Intake: s.intake, Holder: d.catalog, Links: s.links,
		Scope: d.defaults(), Foreign: mapped,
	})
	return s, nil
}

// Register makes a router serve layers.
func (s codeServices) Register(r *api.Router) { s.layers.Register(r) }
