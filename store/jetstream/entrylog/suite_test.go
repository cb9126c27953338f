package entrylog_test

import (
	"testing"

	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/jetstream/jetstreamtest"
	"github.com/hearthd/hearth/store/storetest"
)

func TestLog(t *testing.T) {
	storetest.RunLog(t, func(t *testing.T) store.Log { return jetstreamtest.OpenLog(t, jetstreamtest.Open(t, t.TempDir())) })
}

// The same on a server of its own, over TCP.
func TestLog_External(t *testing.T) {
	storetest.RunLog(t, func(t *testing.T) store.Log {
		return jetstreamtest.OpenLog(t, jetstreamtest.Connect(t, jetstreamtest.Serve(t, nil)))
	})
}
