package blobs_test

import (
	"testing"

	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/jetstream/jetstreamtest"
	"github.com/hearthd/hearth/store/storetest"
)

func TestBlobs(t *testing.T) {
	storetest.RunBlobs(t, func(t *testing.T) store.Blobs { return jetstreamtest.Open(t, t.TempDir()).Blobs() })
}

// The same on a server of its own, over TCP.
func TestBlobs_External(t *testing.T) {
	storetest.RunBlobs(t, func(t *testing.T) store.Blobs { return jetstreamtest.Connect(t, jetstreamtest.Serve(t, nil)).Blobs() })
}
