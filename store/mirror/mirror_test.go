package mirror_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/mem"
	"github.com/hearthd/hearth/store/mirror"
)

// kv is a KV whose watches can be ended from outside.
type kv struct {
	*mem.KV

	mu  sync.Mutex
	end context.CancelFunc
}

func (k *kv) Watch(ctx context.Context, prefix string, fn func(store.Event) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	k.mu.Lock()
	k.end = cancel
	k.mu.Unlock()
	return k.KV.Watch(ctx, prefix, fn)
}

// fixture is a mirror of numbers by the names after "n/", and what it reported.
type fixture struct {
	*testing.T
	*mirror.Mirror[string, int]
	kv  *kv
	log bytes.Buffer

	mu      sync.Mutex
	changed []string
}

// test runs a test in a bubble: what the watch does is done at Wait.
func test(t *testing.T, run func(f *fixture)) {
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{T: t, kv: &kv{KV: mem.NewKV()}}
		defer func() { _ = f.kv.Close() }()
		f.Mirror = f.mirror()
		run(f)
	})
}

func (f *fixture) mirror() *mirror.Mirror[string, int] {
	return mirror.New(mirror.Options[string, int]{
		KV: f.kv, Prefix: "n/",
		Key: func(key string) (string, error) {
			if name := strings.TrimPrefix(key, "n/"); name != "" {
				return name, nil
			}
			return "", errors.New("it has no name")
		},
		Value: func(_ string, value []byte) (*int, error) {
			n, err := strconv.Atoi(string(value))
			return &n, err
		},
		Changed: func(name string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.changed = append(f.changed, name)
		},
		Logger: slog.New(slog.NewTextHandler(&f.log, nil)),
	})
}

// open opens the mirror until the test ends.
func (f *fixture) open() (close func()) {
	f.Helper()
	if err := f.Open(f.Context()); err != nil {
		f.Fatal(err)
	}
	return f.Close
}

// put stores a value as another node does.
func (f *fixture) put(name, value string) (revision uint64) {
	f.Helper()
	revision, err := f.kv.Put(f.Context(), "n/"+name, []byte(value))
	if err != nil {
		f.Fatal(err)
	}
	synctest.Wait()
	return revision
}

func (f *fixture) remove(name string, revision uint64) uint64 {
	f.Helper()
	revision, err := f.kv.Delete(f.Context(), "n/"+name, revision)
	if err != nil {
		f.Fatal(err)
	}
	synctest.Wait()
	return revision
}

// state says what the mirror has of a name.
func (f *fixture) state(name string) string {
	v, err := f.Find(name)
	switch {
	case err != nil && v == nil && f.Get(name) == nil:
		return "unreadable"
	case v == nil && f.Get(name) == nil:
		return "nothing"
	case v != nil && err == nil && f.Get(name) == v:
		return strconv.Itoa(*v)
	}
	return fmt.Sprintf("Get %v, Find %v and %v", f.Get(name), v, err)
}

func (f *fixture) wantState(name, want string) {
	f.Helper()
	if got := f.state(name); got != want {
		f.Errorf("%s is %s, want %s", name, got, want)
	}
}

// wantChanged checks of what names there was a change since the last time.
func (f *fixture) wantChanged(want ...string) {
	f.Helper()
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	slices.Sort(f.changed)
	if diff := cmp.Diff(want, f.changed); diff != "" {
		f.Errorf("changes (-want +got):\n%s", diff)
	}
	f.changed = nil
}

func keys(f *fixture) []string { return slices.Sorted(f.Keys()) }

func TestOpen_WhatThereIs_IsNoChange(t *testing.T) {
	test(t, func(f *fixture) {
		f.put("a", "1")
		f.remove("b", f.put("b", "2"))
		defer f.open()()
		f.wantState("a", "1")
		f.wantState("b", "nothing")
		f.wantChanged()
	})
}

func TestFollow_OtherNodes_AreSeen(t *testing.T) {
	test(t, func(f *fixture) {
		defer f.open()()
		revision := f.put("a", "1")
		f.wantState("a", "1")
		f.wantChanged("a")
		f.remove("a", revision)
		f.wantState("a", "nothing")
		f.wantChanged("a")
	})
}

func TestWrote_ShowsItOnceAndBeforeItReturns(t *testing.T) {
	test(t, func(f *fixture) {
		defer f.open()()
		revision, err := f.kv.Put(f.Context(), "n/a", []byte("1"))
		if err != nil {
			f.Fatal(err)
		}
		one := 1
		f.Wrote("a", &one, revision)
		f.wantState("a", "1")
		f.wantChanged("a") // the watch brings it too
		revision, err = f.kv.Delete(f.Context(), "n/a", revision)
		if err != nil {
			f.Fatal(err)
		}
		f.Deleted("a", revision)
		f.wantState("a", "nothing")
		f.wantChanged("a")
		f.Wrote("a", &one, revision-1) // late
		f.wantState("a", "nothing")
		f.wantChanged()
	})
}

func TestUnreadable_AtOpen_IsThereAndLogged(t *testing.T) {
	test(t, func(f *fixture) {
		f.put("a", "1")
		f.put("b", "two")
		defer f.open()()
		f.wantState("a", "1")
		f.wantState("b", "unreadable")
		if !strings.Contains(f.log.String(), "n/b") || !strings.Contains(f.log.String(), "two") {
			f.Errorf("logged: %s", &f.log)
		}
		if diff := cmp.Diff([]string{"a", "b"}, keys(f)); diff != "" {
			f.Errorf("keys (-want +got):\n%s", diff)
		}
		for name, v := range f.All() {
			if name != "a" || *v != 1 {
				f.Errorf("All has %s with %d", name, *v)
			}
		}
	})
}

func TestUnreadable_WhileFollowing_IsAChangeEachWay(t *testing.T) {
	test(t, func(f *fixture) {
		f.put("a", "1")
		defer f.open()()
		f.put("a", "two")
		f.wantState("a", "unreadable")
		f.wantChanged("a")
		f.put("a", "3")
		f.wantState("a", "3")
		f.wantChanged("a")
		f.remove("a", f.put("a", "four"))
		f.wantState("a", "nothing")
		f.wantChanged("a", "a")
	})
}

func TestFollow_WatchEnded_CatchesUpAndKeepsWhatCannotBeRead(t *testing.T) {
	test(t, func(f *fixture) {
		f.put("unreadable", "x")
		gone, lost := f.put("gone", "1"), f.put("lost", "y")
		defer f.open()()
		f.kv.mu.Lock()
		f.kv.end()
		f.kv.mu.Unlock()
		synctest.Wait() // the mirror pauses
		f.remove("gone", gone)
		f.remove("lost", lost)
		f.put("new", "2")
		pause := time.NewTimer(time.Minute) // of the bubble's clock
		<-pause.C
		f.wantState("unreadable", "unreadable")
		f.wantState("gone", "nothing")
		f.wantState("lost", "nothing")
		f.wantState("new", "2")
		f.wantChanged("gone", "lost", "new")
	})
}

func TestClose_WhileItPauses_Returns(t *testing.T) {
	test(t, func(f *fixture) {
		closeIt := f.open()
		f.kv.mu.Lock()
		f.kv.end()
		f.kv.mu.Unlock()
		synctest.Wait()
		closeIt()
		f.wantChanged()
	})
}

func TestOpen_KeyThatIsNone_IsSkippedAndLogged(t *testing.T) {
	test(t, func(f *fixture) {
		f.put("", "1")
		defer f.open()()
		if len(keys(f)) != 0 || !strings.Contains(f.log.String(), "it has no name") {
			f.Errorf("keys %v, logged: %s", keys(f), &f.log)
		}
	})
}

func TestOpen_StoreClosed_Fails(t *testing.T) {
	test(t, func(f *fixture) {
		_ = f.kv.Close()
		if err := f.Open(f.Context()); !errors.Is(err, hearth.ErrUnavailable) {
			f.Errorf("error %v", err)
		}
	})
}

// deaf is a KV whose watches report nothing.
type deaf struct{ *mem.KV }

func (deaf) Watch(ctx context.Context, _ string, _ func(store.Event) error) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func TestOpen_ContextEnds_FailsWithItsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := mirror.New(mirror.Options[string, int]{KV: deaf{}, Prefix: "n/", Logger: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancelCause(t.Context())
		late := errors.New("too late")
		cancel(late)
		if err := m.Open(ctx); !errors.Is(err, late) {
			t.Errorf("error %v", err)
		}
	})
}

func TestLoops_EndedEarly_GoNoFurther(t *testing.T) {
	test(t, func(f *fixture) {
		for i := range 10 {
			f.put(strconv.Itoa(i), "1")
		}
		defer f.open()()
		n := 0
		for range f.All() {
			n++
			break
		}
		for range f.Keys() {
			n++
			break
		}
		if n != 2 {
			f.Errorf("%d rounds", n)
		}
	})
}

func TestGet_Found_DoesNotAllocate(t *testing.T) {
	test(t, func(f *fixture) {
		f.put("a", "1")
		defer f.open()()
		if n := testing.AllocsPerRun(100, func() { f.Get("a") }); n != 0 {
			f.Errorf("%v allocations", n)
		}
	})
}

// The watch is faster than the writer, and those who are told take their time.
func TestWrote_OvertakenByTheWatch_ReturnsOnceItIsTold(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	entered, release := make(chan struct{}), make(chan struct{})
	var told atomic.Bool
	m := mirror.New(mirror.Options[string, int]{
		KV: kv, Prefix: "n/", Logger: slog.New(slog.DiscardHandler),
		Key:   func(key string) (string, error) { return key, nil },
		Value: func(string, []byte) (*int, error) { return new(int), nil },
		Changed: func(string) {
			entered <- struct{}{}
			<-release
			told.Store(true)
		},
	})
	if err := m.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	revision, err := kv.Put(t.Context(), "n/a", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	<-entered   // by the watch
	go func() { // ends with the send
		for range 100 {
			runtime.Gosched()
		}
		release <- struct{}{}
	}()
	m.Wrote("n/a", new(int), revision)
	if !told.Load() {
		t.Error("it returned before anybody was told")
	}
}

// Another node deletes what this one wrote, and the watch, which saw neither, begins
// again, all before the writer gets to Wrote.
func TestWrote_GoneWhenTheWatchBeganAgain_StaysGone(t *testing.T) {
	test(t, func(f *fixture) {
		defer f.open()()
		f.kv.mu.Lock()
		f.kv.end()
		f.kv.mu.Unlock()
		synctest.Wait() // the mirror pauses
		revision := f.put("a", "1")
		f.remove("a", revision)
		<-time.After(time.Minute)
		synctest.Wait()
		f.Wrote("a", new(int), revision)
		f.wantState("a", "nothing")
	})
}

// silent is a KV whose watches report that there is nothing, and go on.
type silent struct{ store.KV }

func (silent) Watch(ctx context.Context, _ string, fn func(store.Event) error) error {
	if err := fn(store.Event{Kind: store.EventSynced}); err != nil {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// Two writers of this node: the later one is faster, and those who are told take
// their time.
func TestWrote_OvertakenByAnotherWriter_ReturnsOnceItIsTold(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	var told atomic.Bool
	m := mirror.New(mirror.Options[string, int]{
		KV: silent{}, Prefix: "n/", Logger: slog.New(slog.DiscardHandler),
		Changed: func(string) {
			entered <- struct{}{}
			<-release
			told.Store(true)
		},
	})
	if err := m.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var writer sync.WaitGroup
	defer writer.Wait()
	writer.Go(func() { m.Wrote("n/a", new(int), 2) })
	<-entered
	writer.Go(func() {
		for range 100 {
			runtime.Gosched()
		}
		release <- struct{}{}
	})
	m.Wrote("n/a", new(int), 1)
	if !told.Load() {
		t.Error("it returned before anybody was told")
	}
}
