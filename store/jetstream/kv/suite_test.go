package kv_test

import (
	"testing"

	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/jetstream/jetstreamtest"
	"github.com/hearthd/hearth/store/storetest"
)

func TestKV(t *testing.T) {
	storetest.RunKV(t, func(t *testing.T) store.KV { return jetstreamtest.Open(t, t.TempDir()).KV() })
}

// The same on a server of its own, over TCP.
func TestKV_External(t *testing.T) {
	storetest.RunKV(t, func(t *testing.T) store.KV { return jetstreamtest.Connect(t, jetstreamtest.Serve(t, nil)).KV() })
}
