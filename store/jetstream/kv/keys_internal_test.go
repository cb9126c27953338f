package kv

import (
	"context"
	"testing"

	"github.com/hearthd/hearth/store"
)

// A new key is written again before the watch comes to its first message. What
// the watch sees is another key's message, behind the revision that the list
// began with, and then the key's second one.
func TestCatchUp_NewKeyWrittenAgain_IsWaitedFor(t *testing.T) {
	var k keys
	put := func(key string, revision uint64) {
		k.apply(store.Event{Kind: store.EventPut, Record: store.Record{Key: key, Revision: revision}}, 0)
	}
	put("other", 50)
	rounds := 0
	err := k.catchUp(t.Context(), func(context.Context) (uint64, error) {
		switch rounds++; rounds {
		case 1: // the key is there, with revision 51, which the watch does not get to see
			put("other", 55)
			return 51, nil
		case 2:
			put("key", 60)
		}
		return 60, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if page := k.page("key", "", 0); len(page) != 1 {
		t.Errorf("the list has %q, not the key", page)
	}
}

func TestCatchUp_StoreWrittenAllTheTime_Returns(t *testing.T) {
	var k keys
	last := uint64(1)
	err := k.catchUp(t.Context(), func(context.Context) (uint64, error) {
		last++
		k.apply(store.Event{Kind: store.EventPut, Record: store.Record{Key: "key", Revision: last}}, 0)
		return last, nil
	})
	if err != nil || last == 1 {
		t.Errorf("%v at revision %d", err, last)
	}
}
