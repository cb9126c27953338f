package mem_test

import (
	"testing"

	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/mem"
	"github.com/hearthd/hearth/store/storetest"
)

func TestKV(t *testing.T) {
	storetest.RunKV(t, func(t *testing.T) store.KV {
		kv := mem.NewKV()
		t.Cleanup(func() { _ = kv.Close() })
		return kv
	})
}

func TestLog(t *testing.T) {
	storetest.RunLog(t, func(*testing.T) store.Log { return mem.NewLog() })
}

func TestBlobs(t *testing.T) {
	storetest.RunBlobs(t, func(*testing.T) store.Blobs { return mem.NewBlobs() })
}
