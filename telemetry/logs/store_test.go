package logs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/telemetry/logs"
)

var scope = logs.Scope{Account: "123456789012", Region: "eu-west-1"}

const group = "/aws/lambda/f"

func open(t *testing.T, dir string, opts logs.Options) *logs.Store {
	t.Helper()
	s, err := logs.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// at is a time of whole milliseconds, which is what files keep.
func at(ms int) time.Time { return time.Date(2026, 11, 21, 1, 0, 0, ms*1e6, time.UTC) }

// read returns the messages of a group.
func read(t *testing.T, s *logs.Store, group string, since time.Time) (messages []string) {
	t.Helper()
	events, err := s.Read(scope, group, since)
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range events {
		messages = append(messages, ev.Message)
	}
	return messages
}

func TestRead_StreamsInOrderOfTime(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{})
	one, two := s.Stream(scope, group, "2026/11/21/[$LATEST]1"), s.Stream(scope, group, "2026/11/21/[$LATEST]2")
	one.Append(at(1), []byte("first"))
	one.Append(at(4), nil)
	two.Append(at(2), []byte(" two  blanks "))
	two.Append(at(3), []byte("third\r"))
	got, err := s.Read(scope, group, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	want := []hearth.LogEvent{
		{Time: at(1), Stream: one.Name(), Message: "first"},
		{Time: at(2), Stream: two.Name(), Message: " two  blanks "},
		{Time: at(3), Stream: two.Name(), Message: "third\r"},
		{Time: at(4), Stream: one.Name(), Message: ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRead_OtherGroupsAndScopesAreApart(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{})
	s.Stream(logs.Scope{Account: "210987654321", Region: "eu-west-1"}, group, "s").Append(at(1), []byte("another account"))
	s.Stream(logs.Scope{Account: "123456789012", Region: "us-east-1"}, group, "s").Append(at(1), []byte("another region"))
	s.Stream(scope, group+"2", "s").Append(at(1), []byte("another group"))
	if got := read(t, s, group, time.Time{}); got != nil {
		t.Errorf("got %q", got)
	}
}

func TestHas_WhatWasWritten(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{})
	has := func(scope logs.Scope, group string) bool {
		t.Helper()
		kept, err := s.Has(scope, group)
		if err != nil {
			t.Fatal(err)
		}
		return kept
	}
	if has(scope, group) {
		t.Error("there is a group that nobody wrote to")
	}
	s.Stream(scope, group, "stream").Append(at(0), []byte("one"))
	if !has(scope, group) || has(scope, group+"2") || has(logs.Scope{Account: scope.Account, Region: "us-east-1"}, group) {
		t.Error("not the group that was written to, or others")
	}
}

func TestRead_Since(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{})
	st := s.Stream(scope, group, "s")
	for i := range 4 {
		st.Append(at(i), fmt.Append(nil, i))
	}
	if diff := cmp.Diff([]string{"2", "3"}, read(t, s, group, at(2))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRead_SinceWithinTheMillisecondOfAnEvent(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{})
	now := time.Now()
	s.Stream(scope, group, "s").Append(now, []byte("now"))
	if got := read(t, s, group, now); len(got) != 1 {
		t.Errorf("got %q", got)
	}
}

func TestRead_TornLinesAreLeftOut(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, logs.Options{})
	s.Stream(scope, group, "s").Append(at(1), []byte("whole"))
	s.Flush()
	file := onlyFile(t, dir)
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("2026-11-21T01:0\n\n2026-11-21T01:00:00.002Z tail of a li"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if diff := cmp.Diff([]string{"whole"}, read(t, s, group, time.Time{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// onlyFile returns the one file under a directory.
func onlyFile(t *testing.T, dir string) (file string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if file != "" {
				t.Errorf("another file: %s", path)
			}
			file = path
		}
		return err
	})
	if err != nil || file == "" {
		t.Fatalf("no file, %v", err)
	}
	return file
}

func TestAppend_Newlines_StayInOneEvent(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{})
	want := []string{"mine\n2026-11-21T01:00:00.001Z forged", "\x00n \x000 \x00\n", "\n", ""}
	st := s.Stream(scope, group, "s") // one: the order of several is nobody's
	for _, message := range want {
		st.Append(at(1), []byte(message))
	}
	if diff := cmp.Diff(want, read(t, s, group, time.Time{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAppend_LongMessageIsCut(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{})
	st := s.Stream(scope, group, "s")
	st.Append(at(1), bytes.Repeat([]byte("x"), 10<<20))
	st.Append(at(2), []byte("next"))
	got := read(t, s, group, time.Time{})
	if len(got) != 2 || len(got[0]) != 512<<10 || got[1] != "next" {
		t.Errorf("%d messages", len(got))
	}
}

func TestAppend_FasterThanTheDiskSaysWhatWasDropped(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{})
	st := s.Stream(scope, group, "s")
	line := bytes.Repeat([]byte("x"), 100<<10)
	for range 2000 { // 200 MB; the disk would need 50 flushes of 4 MiB
		st.Append(at(1), line)
	}
	lines, dropped := 0, 0
	for _, message := range read(t, s, group, time.Time{}) {
		var n int
		if _, err := fmt.Sscanf(message, "%d lines were dropped: the disk is slower than the function's output", &n); err == nil {
			dropped += n
		} else {
			lines++
		}
	}
	if dropped == 0 || lines+dropped != 2000 {
		t.Errorf("%d lines and %d dropped", lines, dropped)
	}
}

// hostile are names that a file system would read in its own way.
func hostile() []string {
	return []string{
		"..", ".", "../../etc/passwd", "/", "//", "a/b", "a%2Fb", "nul\x00byte", ".hidden", "%2Ehidden", " ", "", "%empty", "x.log", "\xff\xfe",
		"ü/ß", strings.Repeat("long", 200), strings.Repeat("long", 200) + "er", strings.Repeat("/", 512), strings.Repeat("ü", 300),
	}
}

func TestAppend_FullStreamSaysSoOnceAndGrowsNoMore(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{MaxStream: 1000})
	scope := logs.Scope{Account: "000000000000", Region: "us-east-1"}
	stream := s.Stream(scope, "/g", "s")
	for i := range 20 {
		stream.Append(at(i), bytes.Repeat([]byte{'x'}, 200))
		s.Flush()
	}
	events, err := s.Read(scope, "/g", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(events); n < 3 || n > 6 {
		t.Fatalf("%d events in a stream of 1000 bytes", n)
	}
	notices := 0
	for _, ev := range events {
		if strings.Contains(ev.Message, "the log stream is full") {
			notices++
		}
	}
	if notices != 1 {
		t.Errorf("%d notices, want 1", notices)
	}
}

func TestNames_AreOneElementEach(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "logs"), logs.Options{})
	for _, name := range hostile() {
		s.Stream(scope, name, "s").Append(at(1), []byte("group "+name))
		s.Stream(scope, group, name).Append(at(1), []byte("stream "+name))
	}
	for _, name := range hostile() {
		if diff := cmp.Diff([]string{"group " + name}, read(t, s, name, time.Time{})); diff != "" {
			t.Errorf("group %q (-want +got):\n%s", name, diff)
		}
	}
	if got := read(t, s, group, time.Time{}); len(got) != len(hostile()) {
		t.Errorf("%d of %d streams", len(got), len(hostile()))
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("beside the logs: %v, %v", entries, err)
	}
	groups, err := os.ReadDir(filepath.Join(dir, "logs", scope.Account, scope.Region))
	if err != nil || len(groups) != len(hostile())+1 {
		t.Errorf("%d groups, %v", len(groups), err)
	}
}

func TestNames_OfStreamsComeBack(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{})
	for _, name := range []string{"2026/11/21/[$LATEST]0123456789abcdef", "a b%2F", ".."} {
		s.Stream(scope, name, name).Append(at(1), []byte("x"))
		events, err := s.Read(scope, name, time.Time{})
		if err != nil || len(events) != 1 || events[0].Stream != name {
			t.Errorf("%q came back as %+v, %v", name, events, err)
		}
	}
}

func TestClose_WritesWhatIsPending(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, logs.Options{})
	s.Stream(scope, group, "s").Append(at(1), []byte("last words"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(onlyFile(t, dir))
	if err != nil || string(data) != "2026-11-21T01:00:00.001Z last words\n" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestOpen_RemovesStreamsThatAreTooOld(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, logs.Options{})
	s.Stream(scope, "old", "s").Append(at(1), []byte("x"))
	s.Flush()
	old := onlyFile(t, dir)
	if err := os.Chtimes(old, time.Now(), time.Now().Add(-25*time.Hour)); err != nil {
		t.Fatal(err)
	}
	s.Stream(scope, "new", "s").Append(at(1), []byte("x"))
	s.Close()
	open(t, dir, logs.Options{Retention: 24 * time.Hour}).Close()
	if left := onlyFile(t, dir); left == old || !strings.Contains(left, "new") {
		t.Errorf("left: %s", left)
	}
	if _, err := os.Stat(filepath.Dir(old)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the empty group is left: %v", err)
	}
}

func TestOpen_KeepsEverythingWithoutARetention(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, logs.Options{})
	s.Stream(scope, group, "s").Append(at(1), []byte("x"))
	s.Close()
	if err := os.Chtimes(onlyFile(t, dir), time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if got := read(t, open(t, dir, logs.Options{}), group, time.Time{}); len(got) != 1 {
		t.Errorf("got %q", got)
	}
}

// patience bounds the waiting of tests for what happens on the disk.
const patience = 20 * time.Second

func TestFollow_PastThenNew(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{})
	st := s.Stream(scope, group, "s")
	st.Append(at(1), []byte("too old"))
	st.Append(at(2), []byte("past"))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var got []string
	err := s.Follow(ctx, scope, group, at(2), func(ev hearth.LogEvent) error {
		got = append(got, ev.Message)
		switch ev.Message {
		case "past":
			st.Append(at(3), []byte("new"))
			s.Stream(scope, "other", "s").Append(at(3), []byte("of another group"))
		case "new":
			s.Stream(scope, group, "later").Append(at(4), []byte("of a new stream"))
		case "of a new stream":
			cancel()
		}
		return nil
	})
	if diff := cmp.Diff([]string{"past", "new", "of a new stream"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestFollow_EveryEventOnce(t *testing.T) {
	const streams, lines = 8, 2000
	s := open(t, t.TempDir(), logs.Options{})
	var writers sync.WaitGroup
	for i := range streams {
		st := s.Stream(scope, group, fmt.Sprint(i))
		writers.Go(func() {
			for j := range lines {
				st.Append(time.Now(), []byte(fmt.Sprint(i, "-", j)))
				if j%100 == 0 {
					s.Flush() // beside the reading
				}
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	seen, next := map[string]int{}, map[string]int{}
	err := s.Follow(ctx, scope, group, time.Time{}, func(ev hearth.LogEvent) error {
		seen[ev.Message]++
		if want := fmt.Sprint(ev.Stream, "-", next[ev.Stream]); ev.Message != want {
			return fmt.Errorf("got %s, want %s", ev.Message, want)
		}
		next[ev.Stream]++
		if len(seen) == streams*lines {
			cancel()
		}
		return nil
	})
	writers.Wait()
	if err != nil || len(seen) != streams*lines {
		t.Errorf("%d of %d events, %v", len(seen), streams*lines, err)
	}
}

func TestFollow_SlowReaderLosesNothing(t *testing.T) {
	const lines = 20000
	s := open(t, t.TempDir(), logs.Options{})
	st := s.Stream(scope, group, "s")
	st.Append(time.Now(), []byte("0"))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got := 0
	err := s.Follow(ctx, scope, group, time.Time{}, func(ev hearth.LogEvent) error {
		if ev.Message != fmt.Sprint(got) {
			return fmt.Errorf("got line %s, want %d", ev.Message, got)
		}
		if got++; got == 1 { // everything is written while the reader is held up
			for i := 1; i < lines; i++ {
				st.Append(time.Now(), fmt.Append(nil, i))
			}
			s.Flush()
		}
		if got == lines {
			cancel()
		}
		return nil
	})
	if err != nil || got != lines {
		t.Errorf("%d lines, %v", got, err)
	}
}

func TestFollow_CloseEndsItAfterTheLastLine(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{})
	st := s.Stream(scope, group, "s")
	st.Append(at(1), []byte("first"))
	var got []string
	err := s.Follow(t.Context(), scope, group, time.Time{}, func(ev hearth.LogEvent) error {
		if got = append(got, ev.Message); len(got) == 1 {
			st.Append(at(2), []byte("last"))
			return s.Close()
		}
		return nil
	})
	if diff := cmp.Diff([]string{"first", "last"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestFollow_ReaderThatFailsEndsIt(t *testing.T) {
	s := open(t, t.TempDir(), logs.Options{})
	s.Stream(scope, group, "s").Append(at(1), []byte("x"))
	gone := errors.New("client is gone")
	if err := s.Follow(t.Context(), scope, group, time.Time{}, func(hearth.LogEvent) error { return gone }); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}
