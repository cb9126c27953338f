package node

import (
	"net/http"
	"net/http/pprof"

	"github.com/hearthd/hearth/edge/auth"
)

// ProfilesHandler serves Go's profiles of this process under /debug/pprof/. It is for
// a loopback address, and refuses what web pages send.
func ProfilesHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return auth.Local(mux)
}
