// Package storetest is the contract of package store as a test suite. A
// driver's test calls RunKV, RunBlobs and RunLog with functions that open an empty
// store; what the driver adds to the contract it tests itself.
package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
)

// RunKV tests a KV. open returns an empty one and closes it with the test.
func RunKV(t *testing.T, open func(t *testing.T) store.KV) {
	for name, test := range map[string]func(*testing.T, store.KV){
		"Get_Missing_IsNotFound":                        getMissing,
		"Get_AfterPut_ReturnsValueAndRevision":          getAfterPut,
		"Create_Existing_IsConflict":                    createExisting,
		"Create_AfterDelete_GetsHigherRevision":         createAfterDelete,
		"Put_Existing_Replaces":                         putExisting,
		"Update_Stale_IsPrecondition":                   updateStale,
		"Update_Missing_IsNotFound":                     updateMissing,
		"Update_Deleted_IsNotFound":                     updateDeleted,
		"Update_Concurrent_LosesNothing":                updateConcurrent,
		"Delete_Stale_IsPrecondition":                   deleteStale,
		"Delete_Current_Removes":                        deleteCurrent,
		"Key_AnyCharacters_RoundTrip":                   keyCharacters,
		"Key_Malformed_IsInvalid":                       keyMalformed,
		"Value_SixMegabytes_RoundTrips":                 valueLarge,
		"Value_OverLimit_IsTooLarge":                    valueTooLarge,
		"Value_OfCaller_IsNotKept":                      valueOwned,
		"List_Prefix_IsSortedAndExact":                  listPrefix,
		"List_Pages_CoverAllOnce":                       listPages,
		"List_DeletedKeys_DoNotShortenAPage":            listDeleted,
		"List_KeysComeAndGo_OthersAreInOnePageEach":     listWhileChanging,
		"Commit_AllConditionsHold_WritesAll":            commitAll,
		"Commit_OneConditionFails_WritesNone":           commitNone,
		"Commit_CreateOverDeleted_Succeeds":             commitOverDeleted,
		"Commit_SameKeyTwice_IsInvalid":                 commitTwice,
		"Commit_TooManyOperations_IsInvalid":            commitTooMany,
		"Commit_Concurrent_KeepsKeysTogether":           commitConcurrent,
		"Watch_Empty_IsSyncedAtOnce":                    watchEmpty,
		"Watch_ExistingRecords_ComeBeforeSynced":        watchExisting,
		"Watch_Changes_FollowInOrder":                   watchChanges,
		"Watch_LargeValues_AllArriveOnce":               watchLarge,
		"Watch_Prefix_ReportsNothingElse":               watchPrefix,
		"Watch_DeletedBefore_IsCoveredBySyncedRevision": watchDeletedBefore,
		"Watch_CallbackError_IsReturned":                watchCallbackError,
		"Watch_ContextEnds_ReturnsCause":                watchContextEnds,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func getMissing(t *testing.T, kv store.KV) {
	_, err := kv.Get(t.Context(), "a")
	wantKind(t, err, hearth.ErrNotFound)
}

func getAfterPut(t *testing.T, kv store.KV) {
	revision := put(t, kv, "a", "1")
	wantRecord(t, kv, store.Record{Key: "a", Value: []byte("1"), Revision: revision})
}

func createExisting(t *testing.T, kv store.KV) {
	first := must(kv.Create(t.Context(), "a", []byte("1")))(t)
	_, err := kv.Create(t.Context(), "a", []byte("2"))
	wantKind(t, err, hearth.ErrConflict)
	wantRecord(t, kv, store.Record{Key: "a", Value: []byte("1"), Revision: first})
}

func createAfterDelete(t *testing.T, kv store.KV) {
	first := must(kv.Create(t.Context(), "a", []byte("1")))(t)
	gone := must(kv.Delete(t.Context(), "a", first))(t)
	second := must(kv.Create(t.Context(), "a", []byte("2")))(t)
	if first >= gone || gone >= second {
		t.Errorf("revisions %d, %d, %d do not grow", first, gone, second)
	}
	wantRecord(t, kv, store.Record{Key: "a", Value: []byte("2"), Revision: second})
}

func putExisting(t *testing.T, kv store.KV) {
	put(t, kv, "a", "1")
	revision := put(t, kv, "a", "2")
	wantRecord(t, kv, store.Record{Key: "a", Value: []byte("2"), Revision: revision})
}

func updateStale(t *testing.T, kv store.KV) {
	stale := put(t, kv, "a", "1")
	current := put(t, kv, "a", "2")
	_, err := kv.Update(t.Context(), "a", []byte("3"), stale)
	wantKind(t, err, hearth.ErrPrecondition)
	wantRecord(t, kv, store.Record{Key: "a", Value: []byte("2"), Revision: current})
}

func updateMissing(t *testing.T, kv store.KV) {
	_, err := kv.Update(t.Context(), "a", []byte("1"), 7)
	wantKind(t, err, hearth.ErrNotFound)
	_, err = kv.Update(t.Context(), "a", []byte("1"), 0)
	wantKind(t, err, hearth.ErrNotFound)
}

func updateDeleted(t *testing.T, kv store.KV) {
	first := put(t, kv, "a", "1")
	gone := must(kv.Delete(t.Context(), "a", first))(t)
	_, err := kv.Update(t.Context(), "a", []byte("2"), first)
	wantKind(t, err, hearth.ErrNotFound)
	_, err = kv.Update(t.Context(), "a", []byte("2"), gone) // not even at the revision of the deletion
	wantKind(t, err, hearth.ErrNotFound)
}

func updateConcurrent(t *testing.T, kv store.KV) {
	put(t, kv, "n", "")
	const writers, each = 4, 10
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for done := 0; done < each; {
				r, err := kv.Get(t.Context(), "n")
				if err == nil {
					_, err = kv.Update(t.Context(), "n", append(r.Value, 'x'), r.Revision)
				}
				switch {
				case err == nil:
					done++
				case !errors.Is(err, hearth.ErrPrecondition):
					t.Errorf("update: %v", err)
					return
				}
			}
		})
	}
	group.Wait()
	if r := must(kv.Get(t.Context(), "n"))(t); len(r.Value) != writers*each {
		t.Errorf("%d of %d updates survived", len(r.Value), writers*each)
	}
}

func deleteStale(t *testing.T, kv store.KV) {
	stale := put(t, kv, "a", "1")
	current := put(t, kv, "a", "2")
	_, err := kv.Delete(t.Context(), "a", stale)
	wantKind(t, err, hearth.ErrPrecondition)
	wantRecord(t, kv, store.Record{Key: "a", Value: []byte("2"), Revision: current})
}

func deleteCurrent(t *testing.T, kv store.KV) {
	must(kv.Delete(t.Context(), "a", put(t, kv, "a", "1")))(t)
	_, err := kv.Get(t.Context(), "a")
	wantKind(t, err, hearth.ErrNotFound)
	if keys := list(t, kv, "", "", 0); len(keys) != 0 {
		t.Errorf("List still has %v", keys)
	}
}

// awkwardKeys would collide or be refused if a driver did not encode them.
func awkwardKeys() []string {
	return []string{
		"function/123456789012/eu-west-1/f/$LATEST", "a.b", "a/b", "a//b", "a/", "/a", "/", "a b", "a=2Eb", "=", "a=",
		"*", "a/*", ">", "a/>", "$KV.x", "arn:aws:lambda:eu-west-1:123456789012:function:f", "é/日本", "a\tb", "A", ".", "..",
	}
}

func keyCharacters(t *testing.T, kv store.KV) {
	for _, key := range awkwardKeys() {
		must(kv.Create(t.Context(), key, []byte(key)))(t)
	}
	for _, key := range awkwardKeys() {
		if r := must(kv.Get(t.Context(), key))(t); r.Key != key || string(r.Value) != key {
			t.Errorf("Get(%q) = %q with value %q", key, r.Key, r.Value)
		}
	}
	want := slices.Sorted(slices.Values(awkwardKeys()))
	if diff := cmp.Diff(want, list(t, kv, "", "", 0)); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	var watched []string
	for _, e := range untilSynced(t, kv, "") {
		if e.Kind == store.EventPut {
			watched = append(watched, e.Key)
		}
	}
	slices.Sort(watched)
	if diff := cmp.Diff(want, watched); diff != "" {
		t.Errorf("Watch (-want +got):\n%s", diff)
	}
}

func keyMalformed(t *testing.T, kv store.KV) {
	for _, key := range []string{"", "a\xff", string(bytes.Repeat([]byte("k"), store.MaxKey+1))} {
		_, err := kv.Put(t.Context(), key, nil)
		wantKind(t, err, hearth.ErrInvalid)
		_, err = kv.Get(t.Context(), key)
		wantKind(t, err, hearth.ErrInvalid)
	}
	longest := string(bytes.Repeat([]byte("$"), store.MaxKey))
	put(t, kv, longest, "1")
	must(kv.Get(t.Context(), longest))(t)
}

func valueLarge(t *testing.T, kv store.KV) {
	value := pattern(6 << 20)
	must(kv.Put(t.Context(), "a", value))(t)
	if r := must(kv.Get(t.Context(), "a"))(t); !bytes.Equal(r.Value, value) {
		t.Errorf("value of %d bytes came back with %d", len(value), len(r.Value))
	}
	largest := pattern(store.MaxValue)
	must(kv.Commit(t.Context(), []store.Op{
		{Kind: store.OpPut, Key: "b", Value: largest}, {Kind: store.OpPut, Key: "c", Value: largest},
	}))(t)
	if r := must(kv.Get(t.Context(), "c"))(t); !bytes.Equal(r.Value, largest) {
		t.Errorf("value of %d bytes came back with %d", len(largest), len(r.Value))
	}
}

func valueTooLarge(t *testing.T, kv store.KV) {
	_, err := kv.Put(t.Context(), "a", make([]byte, store.MaxValue+1))
	wantKind(t, err, hearth.ErrTooLarge)
}

func valueOwned(t *testing.T, kv store.KV) {
	value := []byte("1")
	revision := must(kv.Put(t.Context(), "a", value))(t)
	value[0] = 'x'
	must(kv.Get(t.Context(), "a"))(t).Value[0] = 'y'
	wantRecord(t, kv, store.Record{Key: "a", Value: []byte("1"), Revision: revision})
}

func listPrefix(t *testing.T, kv store.KV) {
	for _, key := range []string{"f/b", "f/a", "f/ab", "f", "g/a", "f/a/x", "fa"} {
		put(t, kv, key, key)
	}
	for prefix, want := range map[string][]string{
		"f/":  {"f/a", "f/a/x", "f/ab", "f/b"},
		"f/a": {"f/a", "f/a/x", "f/ab"},
		"":    {"f", "f/a", "f/a/x", "f/ab", "f/b", "fa", "g/a"},
		"h":   nil,
	} {
		if diff := cmp.Diff(want, list(t, kv, prefix, "", 0)); diff != "" {
			t.Errorf("List(%q) (-want +got):\n%s", prefix, diff)
		}
	}
}

func listPages(t *testing.T, kv store.KV) {
	var want []string
	for i := range 25 {
		want = append(want, fmt.Sprintf("f/%02d", i))
		put(t, kv, want[i], "")
	}
	var got []string
	for after := ""; ; {
		page := list(t, kv, "f/", after, 7)
		if len(page) > 7 {
			t.Fatalf("page of %d", len(page))
		}
		if got = append(got, page...); len(page) < 7 {
			break
		}
		after = page[len(page)-1]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
}

// What is there throughout is listed exactly once, whatever comes and goes around
// it, and what a writer is done with shows.
func listWhileChanging(t *testing.T, kv store.KV) {
	var want []string
	for i := range 40 {
		want = append(want, fmt.Sprintf("f/%02d", i))
		put(t, kv, want[i], "stays")
	}
	const writers, rounds = 4, 25
	var wg sync.WaitGroup
	done := make(chan struct{})
	for w := range writers {
		wg.Go(func() {
			for i := range rounds {
				key := fmt.Sprintf("f/%02d/%d", i, w) // between those that stay
				revision, err := kv.Create(t.Context(), key, []byte("goes"))
				if err == nil {
					var page []store.Record
					page, err = kv.List(t.Context(), key, "", 1)
					if len(page) != 1 || page[0].Revision != revision {
						t.Errorf("%s is not listed once it is written: %v", key, page)
					}
				}
				if err == nil {
					_, err = kv.Delete(t.Context(), key, revision)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	go func() { wg.Wait(); close(done) }() // ends with the writers
	defer wg.Wait()
	for changing := true; changing; {
		select {
		case <-done:
			changing = false // once more, at rest
		default:
		}
		var got []string
		for after := ""; ; {
			page := must(kv.List(t.Context(), "f/", after, 3))(t)
			for _, r := range page {
				if string(r.Value) == "stays" {
					got = append(got, r.Key)
				} else if !changing {
					t.Errorf("%s is listed, and was deleted", r.Key)
				}
			}
			if len(page) < 3 {
				break
			}
			after = page[2].Key
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("pages (-want +got):\n%s", diff)
		}
	}
}

func listDeleted(t *testing.T, kv store.KV) {
	for i := range 10 {
		key := fmt.Sprintf("f/%02d", i)
		if revision := put(t, kv, key, ""); i < 7 {
			must(kv.Delete(t.Context(), key, revision))(t)
		}
	}
	if diff := cmp.Diff([]string{"f/07", "f/08"}, list(t, kv, "f/", "", 2)); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
}
