package daemon

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api/own"
)

// serveStatus says what the daemon does at the moment: what `hearth status` shows.
func (d *daemon) serveStatus(w http.ResponseWriter, _ *http.Request) {
	environments, events := d.engine.Pool().Stats(), d.queue.Stats()
	status := own.Status{
		Version: d.version, Sandbox: d.engine.Driver().Name(), Network: string(d.engine.Network()), Clock: d.cfg.Clock, Auth: d.cfg.Auth,
		Functions: countFunctions(d.catalog.All()),
		Environments: own.Environments{
			All: environments.Environments, Idle: environments.Idle, Starting: environments.Starting,
			Invocations: environments.Active, MaxConcurrency: d.cfg.MaxConcurrency,
			Memory: environments.Memory, MaxMemory: d.cfg.MaxMemory,
		},
		Events: own.EventCount{Ready: events.Ready, Running: events.Running, Delayed: events.Delayed},
	}
	for _, missing := range d.engine.Driver().Capabilities().Missing {
		status.Missing = append(status.Missing, missing.What)
	}
	d.answer(w, http.StatusOK, status)
}

// countFunctions counts functions, not their versions, by account and region.
func countFunctions(all []*hearth.Function) []own.FunctionCount {
	counts := []own.FunctionCount{}
	for _, fn := range all {
		if fn.Version != hearth.Latest {
			continue
		}
		i := slices.IndexFunc(counts, func(c own.FunctionCount) bool {
			return c.Account == fn.Name.Account && c.Region == fn.Name.Region
		})
		if i < 0 {
			counts = append(counts, own.FunctionCount{Account: fn.Name.Account, Region: fn.Name.Region})
			i = len(counts) - 1
		}
		counts[i].Functions++
	}
	slices.SortFunc(counts, func(a, b own.FunctionCount) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	})
	return counts
}
