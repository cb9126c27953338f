package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/queue/journal"
	"github.com/hearthd/hearth/store/mem"
)

// disk is a log in memory whose appends can be held up and made to fail.
type disk struct {
	*mem.Log
	fail error
	gate chan struct{} // nil: open
}

func newDisk() *disk { return &disk{Log: mem.NewLog()} }

func (d *disk) Append(ctx context.Context, entry []byte) (uint64, error) {
	if d.gate != nil {
		<-d.gate
	}
	if d.fail != nil {
		return 0, d.fail
	}
	return d.Log.Append(ctx, entry)
}

// entries are what the disk has.
func (d *disk) entries(t testing.TB) (all [][]byte) {
	t.Helper()
	err := d.Replay(t.Context(), func(_ uint64, entry []byte) error {
		all = append(all, entry)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// with returns a disk that has an entry.
func with(t testing.TB, entry []byte) *disk {
	t.Helper()
	d := newDisk()
	if _, err := d.Append(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	return d
}

// after is the disk as it is after a crash at this moment.
func (d *disk) after() *disk { return &disk{Log: d.Clone()} }

// open returns a journal on d, and the states of what was live.
func open(t *testing.T, d *disk, opts journal.Options) (*journal.Journal, map[string]string) {
	t.Helper()
	opts.Log = d
	live := map[string]string{}
	j, err := journal.Open(t.Context(), opts, func(id string, state []byte) error {
		live[id] = string(state)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	return j, live
}

func commit(t *testing.T, j *journal.Journal, ops ...journal.Op) {
	t.Helper()
	if err := j.Commit(t.Context(), ops...); err != nil {
		t.Fatal(err)
	}
}

func put(id, state, payload string) journal.Op {
	return journal.Op{Kind: journal.Put, ID: id, State: []byte(state), Payload: []byte(payload)}
}

func set(id, state string) journal.Op {
	return journal.Op{Kind: journal.Set, ID: id, State: []byte(state)}
}

func done(id string) journal.Op { return journal.Op{Kind: journal.Done, ID: id} }

func wantPayload(t *testing.T, j *journal.Journal, id, want string) {
	t.Helper()
	if got, err := j.Payload(t.Context(), id); err != nil || string(got) != want {
		t.Errorf("payload of %s: %.40q, %v; want %.40q", id, got, err, want)
	}
}

func wantLive(t *testing.T, got, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("live (-want +got):\n%s", diff)
	}
}

func TestCommit_SurvivesACrash(t *testing.T) {
	d := newDisk()
	j, _ := open(t, d, journal.Options{})
	commit(t, j, put("a", "1", "A"), put("b", "1", "B"))
	commit(t, j, put("c", "1", "C"))
	commit(t, j, set("a", "2"))
	commit(t, j, done("b"))
	again, live := open(t, d.after(), journal.Options{})
	wantLive(t, live, map[string]string{"a": "2", "c": "1"})
	wantPayload(t, again, "a", "A")
	if _, err := again.Payload(t.Context(), "b"); !errors.Is(err, hearth.ErrNotFound) {
		t.Errorf("payload of what is done: %v", err)
	}
}

func TestCommit_OpsOnOneRecord_ApplyInOrder(t *testing.T) {
	d := newDisk()
	j, _ := open(t, d, journal.Options{})
	commit(t, j, put("a", "1", "A"), set("a", "2"), put("b", "1", "B"), done("b"), put("c", "1", "C"), put("c", "2", "CC"))
	again, live := open(t, d.after(), journal.Options{})
	wantLive(t, live, map[string]string{"a": "2", "c": "2"})
	wantPayload(t, j, "c", "CC")
	wantPayload(t, again, "c", "CC")
	if s := again.Stats(); s.Live != 2 {
		t.Errorf("%+v", s)
	}
}

func TestCommit_OfWhatIsNotThere_ChangesNothing(t *testing.T) {
	d := newDisk()
	j, _ := open(t, d, journal.Options{})
	commit(t, j, set("a", "1"), done("b"))
	_, live := open(t, d.after(), journal.Options{})
	wantLive(t, live, map[string]string{})
}

func TestCommit_WhileTheDiskIsBusy_ShareOneEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{Log: mem.NewLog(), gate: make(chan struct{})}
		j, _ := open(t, d, journal.Options{})
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() { commit(t, j, put(fmt.Sprint(i), "1", "x")) })
		}
		synctest.Wait() // the first was taken at once, the others wait for the disk
		close(d.gate)
		wg.Wait()
		if s := j.Stats(); s.Entries > 3 || s.Commits != 100 || s.Live != 100 {
			t.Errorf("%+v", s)
		}
	})
}

func TestCommit_Alone_DoesNotLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, _ := open(t, newDisk(), journal.Options{})
		done := make(chan error, 1)
		go func() { done <- j.Commit(t.Context(), put("a", "1", "A")) }()
		synctest.Wait() // no time passes in here
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("waits for company")
		}
	})
}

func TestCommit_ThatFails_IsNotApplied(t *testing.T) {
	d := &disk{Log: mem.NewLog(), fail: errors.New("disk on fire")}
	j, _ := open(t, d, journal.Options{})
	if err := j.Commit(t.Context(), put("a", "1", "A")); !errors.Is(err, d.fail) {
		t.Errorf("got %v", err)
	}
	if s := j.Stats(); s.Live != 0 || s.Failures != 1 {
		t.Errorf("%+v", s)
	}
}

func TestCommit_Large_HasAnEntryOfItsOwn(t *testing.T) {
	d := newDisk()
	j, _ := open(t, d, journal.Options{MaxGroup: 1000})
	large := string(bytes.Repeat([]byte("x"), 5000))
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { commit(t, j, put(fmt.Sprint(i), "1", large)) })
	}
	wg.Wait()
	if s := j.Stats(); s.Entries != 20 {
		t.Errorf("%+v", s)
	}
	wantPayload(t, j, "7", large)
}

func TestCommit_AfterClose_IsRefused(t *testing.T) {
	j, _ := open(t, newDisk(), journal.Options{})
	j.Close()
	if err := j.Commit(t.Context(), put("a", "1", "A")); !errors.Is(err, journal.ErrClosed) || !errors.Is(err, hearth.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestClose_WhatIsDone_IsTrimmed(t *testing.T) {
	d := newDisk()
	j, _ := open(t, d, journal.Options{})
	commit(t, j, put("a", "1", "A"))
	commit(t, j, done("a"))
	j.Close()
	if len(d.entries(t)) != 0 {
		t.Errorf("%d entries are left", len(d.entries(t)))
	}
}

func TestOldRecord_IsCarriedForward(t *testing.T) {
	d := newDisk()
	j, _ := open(t, d, journal.Options{Slack: 10_000, TrimAt: 1_000})
	commit(t, j, put("old", "1", "OLD"), put("gone", "1", "GONE"))
	commit(t, j, set("old", "2"))
	commit(t, j, done("gone"))
	filler := string(bytes.Repeat([]byte("x"), 1000))
	for i := range 200 {
		commit(t, j, put(fmt.Sprint(i), "1", filler))
		commit(t, j, done(fmt.Sprint(i)))
	}
	s := j.Stats()
	if s.Carried == 0 || s.Trimmed == 0 || s.Bytes > 20_000 {
		t.Errorf("%+v", s)
	}
	wantPayload(t, j, "old", "OLD")
	again, live := open(t, d.after(), journal.Options{})
	wantLive(t, live, map[string]string{"old": "2"})
	wantPayload(t, again, "old", "OLD")
}

func TestOpen_ForeignEntry_IsAnError(t *testing.T) {
	for name, entry := range map[string][]byte{
		"empty": {}, "another version": {9, 1, 1, 'a'}, "cut off": {1, 1, 5, 'a'}, "unknown operation": {1, 9, 1, 'a'},
	} {
		_, err := journal.Open(t.Context(), journal.Options{Log: with(t, entry)}, func(string, []byte) error { return nil })
		if !errors.Is(err, hearth.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestModel compares the journal with a map, through random operations,
// crashes, and a log that is carried forward and trimmed all the time.
func TestModel(t *testing.T) {
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 0))
		d, states, payloads := newDisk(), map[string]string{}, map[string]string{}
		opts := journal.Options{Slack: 300, TrimAt: 100, MaxGroup: 500}
		j, _ := open(t, d, opts)
		for step := range 400 {
			id := fmt.Sprint(random.IntN(20))
			_, there := states[id]
			switch n := random.IntN(100); {
			case n < 40:
				states[id], payloads[id] = fmt.Sprint("s", step), string(bytes.Repeat([]byte{byte('a' + step%26)}, random.IntN(100)))
				commit(t, j, put(id, states[id], payloads[id]))
			case n < 60:
				commit(t, j, set(id, fmt.Sprint("s", step)))
				if there {
					states[id] = fmt.Sprint("s", step)
				}
			case n < 95:
				delete(states, id)
				delete(payloads, id)
				commit(t, j, done(id))
			default:
				d = d.after()
				var live map[string]string
				j, live = open(t, d, opts)
				wantLive(t, live, states)
			}
		}
		for _, id := range slices.Sorted(maps.Keys(payloads)) {
			wantPayload(t, j, id, payloads[id])
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzOpen(f *testing.F) {
	d := newDisk()
	j, err := journal.Open(f.Context(), journal.Options{Log: d}, func(string, []byte) error { return nil })
	if err != nil {
		f.Fatal(err)
	}
	if err := j.Commit(f.Context(), put("a", "1", "A"), set("a", "2"), done("b")); err != nil {
		f.Fatal(err)
	}
	f.Add(d.entries(f)[0])
	j.Close()
	f.Add([]byte{1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, entry []byte) {
		j, err := journal.Open(t.Context(), journal.Options{Log: with(t, entry)}, func(string, []byte) error { return nil })
		if err != nil {
			return
		}
		j.Close()
	})
}
