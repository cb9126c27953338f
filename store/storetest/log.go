package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
)

// RunLog tests a Log. open returns an empty one and closes it with the test.
func RunLog(t *testing.T, open func(t *testing.T) store.Log) {
	for name, test := range map[string]func(*testing.T, store.Log){
		"Append_Entries_AreReplayedInOrder":     appendReplayed,
		"Append_Concurrent_LosesNothing":        appendConcurrent,
		"Append_Large_RoundTrips":               appendLarge,
		"Append_OverLimit_IsTooLarge":           appendTooLarge,
		"Append_OfCaller_IsNotKept":             appendOwned,
		"Read_Missing_IsNotFound":               readMissing,
		"Replay_Empty_CallsNothing":             replayEmpty,
		"Replay_CallbackError_IsReturned":       replayError,
		"Trim_Entries_AreGone":                  trimGone,
		"Trim_Everything_LeavesNumbersGrowing":  trimAll,
		"Trim_BeforeTheFirst_RemovesNothing":    trimNothing,
		"Trim_BeyondTheLast_LeavesLogUsable":    trimBeyond,
		"Replay_Again_SeesTheSame":              replayTwice,
		"Replay_AppendedMeanwhile_ComesToAnEnd": replayAppending,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func add(t *testing.T, l store.Log, entry string) uint64 {
	t.Helper()
	return must(l.Append(t.Context(), []byte(entry)))(t)
}

// entries returns the log as "number entry".
func entries(t *testing.T, l store.Log) (got []string) {
	t.Helper()
	err := l.Replay(t.Context(), func(number uint64, entry []byte) error {
		got = append(got, fmt.Sprintf("%d %s", number, entry))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func wantEntries(t *testing.T, l store.Log, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, entries(t, l)); diff != "" {
		t.Errorf("replay (-want +got):\n%s", diff)
	}
}

func appendReplayed(t *testing.T, l store.Log) {
	a, b, c := add(t, l, "a"), add(t, l, "b"), add(t, l, "c")
	if a >= b || b >= c {
		t.Errorf("numbers %d, %d, %d do not grow", a, b, c)
	}
	wantEntries(t, l, fmt.Sprint(a, " a"), fmt.Sprint(b, " b"), fmt.Sprint(c, " c"))
	if got := must(l.Read(t.Context(), b))(t); string(got) != "b" {
		t.Errorf("read %q", got)
	}
}

func appendConcurrent(t *testing.T, l store.Log) {
	const writers, each = 8, 20
	var wg sync.WaitGroup
	var mu sync.Mutex
	want := map[uint64]string{}
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				entry := fmt.Sprintf("%d/%d", w, i)
				number, err := l.Append(t.Context(), []byte(entry))
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				want[number] = entry
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	got := map[uint64]string{}
	if err := l.Replay(t.Context(), func(number uint64, entry []byte) error {
		got[number] = string(entry)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) != writers*each {
		t.Errorf("%d entries: %s", len(got), diff)
	}
}

func appendLarge(t *testing.T, l store.Log) {
	for _, size := range []int{0, 1 << 20, store.MaxEntry} {
		entry := pattern(size)
		number := must(l.Append(t.Context(), entry))(t)
		if got := must(l.Read(t.Context(), number))(t); !bytes.Equal(got, entry) {
			t.Errorf("%d bytes came back as %d", size, len(got))
		}
	}
	var sizes []int
	if err := l.Replay(t.Context(), func(_ uint64, entry []byte) error {
		sizes = append(sizes, len(entry))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{0, 1 << 20, store.MaxEntry}, sizes); diff != "" {
		t.Error(diff)
	}
}

func appendTooLarge(t *testing.T, l store.Log) {
	_, err := l.Append(t.Context(), make([]byte, store.MaxEntry+1))
	wantKind(t, err, hearth.ErrTooLarge)
	wantEntries(t, l)
}

func appendOwned(t *testing.T, l store.Log) {
	entry := []byte("mine")
	number := must(l.Append(t.Context(), entry))(t)
	copy(entry, "else")
	got := must(l.Read(t.Context(), number))(t)
	if string(got) != "mine" {
		t.Errorf("read %q", got)
	}
	copy(got, "else")
	wantEntries(t, l, fmt.Sprint(number, " mine"))
}

func readMissing(t *testing.T, l store.Log) {
	number := add(t, l, "a")
	for _, missing := range []uint64{number - 1, number + 1} {
		_, err := l.Read(t.Context(), missing)
		if missing != 0 {
			wantKind(t, err, hearth.ErrNotFound)
		}
	}
}

func replayEmpty(t *testing.T, l store.Log) { wantEntries(t, l) }

func replayError(t *testing.T, l store.Log) {
	add(t, l, "a")
	add(t, l, "b")
	enough := errors.New("enough")
	var seen int
	err := l.Replay(t.Context(), func(uint64, []byte) error { seen++; return enough })
	wantKind(t, err, enough)
	if seen != 1 {
		t.Errorf("called %d times", seen)
	}
}

func trimGone(t *testing.T, l store.Log) {
	a, b := add(t, l, "a"), add(t, l, "b")
	if err := l.Trim(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	wantEntries(t, l, fmt.Sprint(b, " b"))
	_, err := l.Read(t.Context(), a)
	wantKind(t, err, hearth.ErrNotFound)
}

func trimAll(t *testing.T, l store.Log) {
	a := add(t, l, "a")
	if err := l.Trim(t.Context(), a+1); err != nil {
		t.Fatal(err)
	}
	wantEntries(t, l)
	b := add(t, l, "b")
	if b <= a {
		t.Errorf("number %d after %d", b, a)
	}
	wantEntries(t, l, fmt.Sprint(b, " b"))
}

func trimNothing(t *testing.T, l store.Log) {
	a := add(t, l, "a")
	for _, before := range []uint64{0, a} {
		if err := l.Trim(t.Context(), before); err != nil {
			t.Fatal(err)
		}
	}
	wantEntries(t, l, fmt.Sprint(a, " a"))
}

func trimBeyond(t *testing.T, l store.Log) {
	a := add(t, l, "a")
	if err := l.Trim(t.Context(), a+10); err != nil {
		t.Fatal(err)
	}
	wantEntries(t, l)
	b := add(t, l, "b")
	wantEntries(t, l, fmt.Sprint(b, " b"))
}

func replayTwice(t *testing.T, l store.Log) {
	add(t, l, "a")
	if diff := cmp.Diff(entries(t, l), entries(t, l)); diff != "" {
		t.Error(diff)
	}
}

func replayAppending(t *testing.T, l store.Log) {
	add(t, l, "a")
	calls := 0
	err := l.Replay(t.Context(), func(uint64, []byte) error {
		calls++
		_, err := l.Append(t.Context(), []byte("more"))
		return err
	})
	if err != nil || calls != 1 {
		t.Errorf("called %d times: %v", calls, err)
	}
}
