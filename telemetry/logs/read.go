package logs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hearthd/hearth"
)

// clockSlack is how much earlier than the clock a file system may say that a
// file was written.
const clockSlack = time.Second

// Read returns the events of a group at or after since, in order of time. A
// group without events is an empty list.
func (s *Store) Read(scope Scope, group string, since time.Time) ([]hearth.LogEvent, error) {
	s.Flush()
	r := reader{store: s, scope: scope, group: group, since: since.Truncate(time.Millisecond)}
	files, err := r.files()
	if err != nil {
		return nil, err
	}
	return r.read(files)
}

// Has reports whether anything was written to a group that is still kept.
func (s *Store) Has(scope Scope, group string) (bool, error) {
	s.Flush()
	r := reader{store: s, scope: scope, group: group}
	files, err := r.files()
	return len(files) > 0, err
}

// Follow calls yield with the events of a group at or after since, and then
// with new ones as they are written, until ctx ends, the Store is closed, or
// yield fails, whose error it returns. Every event comes once. It reads the
// files, so that a yield that takes its time costs no memory and no events.
func (s *Store) Follow(ctx context.Context, scope Scope, group string, since time.Time, yield func(hearth.LogEvent) error) error {
	// Registered before the first look: what is written later is in changed.
	f := s.follow(scope, group)
	defer s.unfollow(f)
	s.Flush()
	r := reader{store: s, scope: scope, group: group, since: since.Truncate(time.Millisecond), offsets: map[string]int64{}}
	files, err := r.files()
	if err != nil {
		return err
	}
	for closed := false; ; {
		events, err := r.read(files)
		if err != nil {
			return err
		}
		for _, ev := range events {
			if err := yield(ev); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return nil
			}
		}
		if closed {
			return nil
		}
		select {
		case <-f.wake:
		case <-ctx.Done():
			return nil
		case <-s.writer.Done():
			closed = true // one more look: the last lines were written just now
		}
		files = s.takeChanged(f)
	}
}

// follower is told which streams of a group were written.
type follower struct {
	scope   Scope
	group   string
	wake    chan struct{}       // capacity 1
	changed map[string]struct{} // file names; guarded by Store.mu
}

func (s *Store) follow(scope Scope, group string) *follower {
	f := &follower{scope: scope, group: group, wake: make(chan struct{}, 1), changed: map[string]struct{}{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.follows[f] = struct{}{}
	return f
}

func (s *Store) unfollow(f *follower) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.follows, f)
}

// written tells the followers of a stream's group.
func (s *Store) written(st *Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for f := range s.follows {
		if f.group != st.group || f.scope != st.scope {
			continue
		}
		f.changed[filepath.Base(st.path)] = struct{}{}
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

func (s *Store) takeChanged(f *follower) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := slices.Sorted(maps.Keys(f.changed))
	clear(f.changed)
	return changed
}

// reader reads the streams of a group.
type reader struct {
	store *Store
	scope Scope
	group string
	since time.Time
	// offsets is how far each file was read; nil: every read is the first.
	offsets map[string]int64
}

// files lists the streams that may have events at or after since.
func (r *reader) files() ([]string, error) {
	entries, err := os.ReadDir(r.store.groupDir(r.scope, r.group))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read log group %s: %w", r.group, err)
	}
	var names []string
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), streamSuffix) {
			continue
		}
		if info, err := entry.Info(); err == nil && !info.ModTime().Add(clockSlack).Before(r.since) {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// read returns the next events of some files, in order of time.
func (r *reader) read(files []string) ([]hearth.LogEvent, error) {
	var events []hearth.LogEvent
	for _, file := range files {
		var err error
		if events, err = r.readFile(events, file); err != nil {
			return nil, fmt.Errorf("read log group %s: %w", r.group, err)
		}
	}
	slices.SortStableFunc(events, func(a, b hearth.LogEvent) int { return a.Time.Compare(b.Time) })
	return events, nil
}

func (r *reader) readFile(events []hearth.LogEvent, name string) ([]hearth.LogEvent, error) {
	f, err := os.Open(filepath.Join(r.store.groupDir(r.scope, r.group), name))
	if errors.Is(err, fs.ErrNotExist) {
		return events, nil // pruned meanwhile
	}
	if err != nil {
		return events, err
	}
	defer f.Close()
	offset := r.offsets[name]
	if info, err := f.Stat(); err != nil || info.Size() < offset {
		offset = 0 // pruned and begun again
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return events, err
	}
	stream := unescape(strings.TrimSuffix(name, streamSuffix))
	lines := bufio.NewReaderSize(f, 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break // a line without its end is being written, or was torn by a crash
		}
		if err != nil {
			return events, err
		}
		offset += int64(len(line))
		if t, message, ok := parseLine(line[:len(line)-1]); ok && !t.Before(r.since) {
			events = append(events, hearth.LogEvent{Time: t, Stream: stream, Message: message})
		}
	}
	if r.offsets != nil {
		r.offsets[name] = offset
	}
	return events, nil
}

// parseLine reads a line of a file; false for the half of one.
func parseLine(line []byte) (t time.Time, message string, ok bool) {
	stamp, rest, ok := bytes.Cut(line, []byte{' '})
	t, err := time.Parse(timeLayout, string(stamp))
	return t, unescapeMessage(rest), ok && err == nil
}
