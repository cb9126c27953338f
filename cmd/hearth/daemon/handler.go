package daemon

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/invocation"
	"github.com/hearthd/hearth/edge/links"
	"github.com/hearthd/hearth/edge/logview"
	"github.com/hearthd/hearth/internal/lambdaclient"
)

// ownPaths begins the paths that AWS has no counterpart for.
const ownPaths = "/_hearth/"

// handler is everything that is served over HTTP.
func (d *daemon) handler() http.Handler {
	router := d.lambdaAPI()
	own := d.access.guard(d.ownAPI(), ownPaths+"health", links.Path)
	return d.access.outermost(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Not one mux for both: it would clean, and so change, the paths of
		// the Lambda API.
		if strings.HasPrefix(r.URL.Path, ownPaths) {
			own.ServeHTTP(w, r)
			return
		}
		router.ServeHTTP(w, r)
	}))
}

// lambdaAPI is the Lambda API, each group of operations from its own package.
func (d *daemon) lambdaAPI() http.Handler {
	router := api.NewRouter(api.Options{Logger: d.logger, Authorizer: d.access.authorizer()})
	d.control.Register(router)
	invocation.New(invocation.Options{
		Invoker: d.dispatcher, Queue: d.queue, ShapeStreams: d.cfg.ShapeStreams,
		Scope: d.defaults(),
	}).Register(router)
	d.code.Register(router)
	d.resources.Register(router)
	d.mappings.Register(router)
	d.access.policies.Register(router)
	return router
}

// ownAPI is what is served under ownPaths.
func (d *daemon) ownAPI() http.Handler {
	own := http.NewServeMux()
	own.HandleFunc("GET "+ownPaths+"health", d.serveHealth)
	own.HandleFunc("GET "+ownPaths+"status", d.serveStatus)
	own.HandleFunc("GET "+ownPaths+"clock", d.serveClock)
	own.HandleFunc("POST "+ownPaths+"clock/advance", d.serveAdvance)
	own.HandleFunc("GET "+ownPaths+"events", d.serveEvents)
	own.Handle("GET "+logview.Path, logview.New(logview.Options{
		Functions: d.catalog, Logs: logReader{d.logs}, Scope: d.defaults(), Logger: d.logger,
	}))
	own.HandleFunc("GET "+ownPaths+"traces", d.serveTraces)
	own.Handle("GET "+links.Path, d.code.links)
	return own
}

func (d *daemon) serveHealth(w http.ResponseWriter, _ *http.Request) {
	d.answer(w, http.StatusOK, lambdaclient.Health{Status: "ok", Version: d.version})
}

// answer writes an answer of hearth's own paths.
func (d *daemon) answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		d.logger.Debug("answer", "error", err)
	}
}

// refuse answers in the form of the Lambda API.
func (d *daemon) refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-Errortype", code)
	d.answer(w, status, map[string]string{"message": message})
}
