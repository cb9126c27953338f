package entrylog_test

import (
	"fmt"
	"testing"

	"github.com/hearthd/hearth/store/jetstream/entrylog"
	"github.com/hearthd/hearth/store/jetstream/jetstreamtest"
	"github.com/hearthd/hearth/store/jetstream/stream"
)

func TestReplay_SlowerThanTheServer_LosesNothing(t *testing.T) {
	l := jetstreamtest.OpenLog(t, jetstreamtest.OpenWatched(t))
	const entries = 500
	for i := range entries {
		if _, err := l.Append(t.Context(), []byte(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	next := 0
	err := l.Replay(t.Context(), func(_ uint64, entry []byte) error {
		jetstreamtest.Busy()
		if want := fmt.Sprint(next); string(entry) != want {
			t.Errorf("entry %s, want %s", entry, want)
		}
		next++
		return nil
	})
	if err != nil || next != entries {
		t.Errorf("%d entries, error %v", next, err)
	}
}

func TestAppend_FullDisk(t *testing.T) {
	conn, disk := jetstreamtest.OnDisk(t)
	l, err := entrylog.Open(t.Context(), conn, "test", 1)
	if err != nil {
		t.Fatal(err)
	}
	disk.Store(stream.Reserve)
	_, err = l.Append(t.Context(), []byte("entry"))
	jetstreamtest.WantFull(t, err)

	disk.Store(10 * stream.Reserve)
	if number, err := l.Append(t.Context(), []byte("entry")); err != nil || number != 1 {
		t.Errorf("Append once there is room: entry %d, %v, want 1", number, err)
	}
}
