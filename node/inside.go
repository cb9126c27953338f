package node

import (
	"net/http"
	"sync"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/auth"
	"github.com/hearthd/hearth/edge/unserved"
)

// inside is the Lambda API as functions find it, each in the network of its own
// environment: hearth's own paths are not part of it, and a function may do what its
// role may. It is launch.API.
type inside struct {
	api      http.Handler // set by serve, before the first environment starts
	requests sync.WaitGroup

	mu     sync.Mutex
	closed bool
}

func (i *inside) serve(api http.Handler) { i.api = api }

// For returns the API as a function may use it.
func (i *inside) For(fn *hearth.Function) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !i.enter() {
			panic(http.ErrAbortHandler) // its environment is gone
		}
		defer i.requests.Done()
		i.api.ServeHTTP(w, r.WithContext(auth.WithFunction(r.Context(), fn)))
	})
}

// enter registers a request with close, which waits for it.
func (i *inside) enter() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.closed {
		i.requests.Add(1)
	}
	return !i.closed
}

// close waits for the requests in progress. The environments are closed before, and
// with them what such a request waits for.
func (i *inside) close() {
	i.mu.Lock()
	i.closed = true
	i.mu.Unlock()
	i.requests.Wait()
}

// newInside returns the API of newRouter, to functions.
func (n *Node) newInside() http.Handler {
	return unserved.Handler(n.newRouter(n.access.Inside()))
}
