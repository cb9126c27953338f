package node

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/auth"
	"github.com/hearthd/hearth/edge/control"
	"github.com/hearthd/hearth/edge/invocation"
	"github.com/hearthd/hearth/internal/loopback"
)

// NewFunction returns a function of a name as the control plane begins it: every
// setting has AWS's default, and it has no code, runtime or state yet.
func NewFunction(name hearth.Name) *hearth.Function { return control.NewFunction(name) }

// Put stores a function as it is, without the control plane's checks, and the
// archives that it and its layers refer to: for a program that has just one
// function. hearth.ErrConflict when the node has a function of the name.
func (n *Node) Put(ctx context.Context, fn *hearth.Function, archives ...[]byte) error {
	for _, archive := range archives {
		sum := sha256.Sum256(archive)
		release, err := n.catalog.PutCode(ctx, hex.EncodeToString(sum[:]), bytes.NewReader(archive))
		if err != nil {
			return fmt.Errorf("store the code of %s: %w", fn.Name.Function, err)
		}
		defer release()
	}
	_, err := n.catalog.Create(ctx, fn)
	return err
}

// PickRuntime returns the runtime that is meant by a name: of launch.AnyPython and
// launch.AnyNode the newest one that this host serves, and any other name itself.
func (n *Node) PickRuntime(ctx context.Context, name string) (string, error) {
	return n.launcher.PickRuntime(ctx, name)
}

// InvocationHandler serves Invoke and its siblings alone, as AWS's Runtime Interface
// Emulator does. It refuses asynchronous events: its functions end with the process,
// and so would events that were accepted. On a loopback address it refuses what web
// pages send.
func (n *Node) InvocationHandler(listen string) http.Handler {
	router := api.NewRouter(api.Options{Logger: n.opts.Logger})
	n.newInvocation(nil).Register(router)
	if loopback.Address(listen) {
		return auth.Local(router)
	}
	return router // inside a container, usually
}

// newInvocation returns what serves Invoke and its siblings, with a queue for
// asynchronous events or none.
func (n *Node) newInvocation(queue invocation.Queue) *invocation.Service {
	return invocation.New(invocation.Options{
		Invoker: n.dispatcher, Queue: queue, ShapeStreams: n.opts.ShapeStreams, Scope: n.scope(),
	})
}
