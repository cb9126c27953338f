package node_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth/node"
)

// TestHouse_TwoNodesInUse_AreClosed has requests of every sort, for the same functions,
// on two nodes with one store, which are closed one after the other meanwhile. No
// sandbox may be left or come after that, and the next node must find its way.
func TestHouse_TwoNodesInUse_AreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared, events := node.MemoryStore(), node.MemoryStore()
		hasty := func(o *node.Options) {
			o.FreezeAfter, o.IdleTimeout, o.MaxAge = 5*time.Millisecond, 50*time.Millisecond, 200*time.Millisecond
		}
		one := furnish(t, shared, hasty)
		other := furnish(t, &node.Store{KV: shared.KV, Blobs: shared.Blobs, Events: events.Events}, hasty)
		for _, name := range inUse {
			one.create(name)
		}
		var users sync.WaitGroup
		over := make(chan struct{})
		for user := range uint64(8) {
			h := []*house{one, other}[user%2]
			users.Go(func() { h.use(rand.New(rand.NewPCG(user, 1)), over) })
		}
		for _, h := range []*house{one, other} {
			<-time.After(500 * time.Millisecond)
			h.close()
			<-time.After(100 * time.Millisecond)
			if open := h.driver.Open(); len(open) > 0 {
				t.Errorf("%d sandboxes came after the node was closed", len(open))
			}
		}
		close(over)
		users.Wait()

		next := furnish(t, shared, nil)
		for _, name := range inUse {
			next.request("DELETE", functions+"/"+name, nil)
			next.create(name)
			next.want(200, "POST", functions+"/"+name+"/invocations", members{})
		}
		next.leave()
		for _, h := range []*house{one, other} {
			h.leave()
		}
		if err := errors.Join(shared.Close(), events.Close()); err != nil {
			t.Error(err)
		}
	})
}

// close closes the node alone. No sandbox may be left.
func (h *house) close() {
	h.Helper()
	if err := h.node.Close(); err != nil {
		h.Errorf("close: %v", err)
	}
	if open := h.driver.Open(); len(open) > 0 {
		h.Errorf("%d sandboxes are left", len(open))
	}
}

// inUse are the functions of the test above.
var inUse = []string{"works", "fails", "slow"}

// use sends requests to a node, whatever it answers, until all is over.
func (h *house) use(rng *rand.Rand, over <-chan struct{}) {
	codes := []string{code(h.T, "a"), code(h.T, "b")}
	for {
		select {
		case <-over:
			return
		case <-time.After(time.Duration(1+rng.IntN(20)) * time.Millisecond):
		}
		name := inUse[rng.IntN(len(inUse))]
		function := functions + "/" + name
		provisioned := "/2019-09-30/functions/" + name + "/provisioned-concurrency?Qualifier=1"
		switch rng.IntN(20) {
		case 0:
			h.request("PUT", function+"/code", members{"ZipFile": codes[rng.IntN(2)], "Publish": true})
		case 1:
			h.request("POST", function+"/versions", members{})
		case 2:
			h.request("PUT", provisioned, members{"ProvisionedConcurrentExecutions": 1 + rng.IntN(3)})
		case 3:
			h.request("DELETE", provisioned, nil)
		case 4:
			h.request("PUT", "/2017-10-31/functions/"+name+"/concurrency", members{"ReservedConcurrentExecutions": 5})
		case 5:
			h.request("DELETE", "/2017-10-31/functions/"+name+"/concurrency", nil)
		case 6:
			h.request("DELETE", function, nil)
		case 7, 8:
			h.request("POST", functions, members{
				"FunctionName": name, "Runtime": "provided.al2023", "Handler": "any", "Role": "arn:aws:iam::000000000000:role/any",
				"Code": members{"ZipFile": codes[0]}, "Publish": true,
			})
		case 9, 10:
			h.request("POST", function+"/invocations", members{"n": 1}, "X-Amz-Invocation-Type", "Event")
		default:
			h.request("POST", function+"/invocations", members{"n": 1})
		}
	}
}
