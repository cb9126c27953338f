package logs

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hearthd/hearth"
)

// followBuffer is how far a follower may lag behind before it loses events.
const followBuffer = 4096

// follower receives the events of one group as they are appended.
type follower struct {
	scope Scope
	group string
	ch    chan hearth.LogEvent
}

func (s *Store) publish(st *Stream, t time.Time, message []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for f := range s.follows {
		if f.group != st.group || f.scope != st.scope {
			continue
		}
		select {
		case f.ch <- hearth.LogEvent{Time: t, Stream: st.name, Message: string(message)}:
		default: // a reader that cannot keep up misses lines; the file has them
		}
	}
}

// Read returns the events of a group at or after since, in order of time. A
// group without events is an empty list.
func (s *Store) Read(scope Scope, group string, since time.Time) ([]hearth.LogEvent, error) {
	s.Flush()
	dir := s.groupDir(scope, group)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read log group %s: %w", group, err)
	}
	var events []hearth.LogEvent
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), streamSuffix)
		if info, err := entry.Info(); !ok || err != nil || info.ModTime().Before(since) {
			continue
		}
		stream, err := url.PathUnescape(name)
		if err != nil {
			continue // not a file of ours
		}
		if events, err = appendFile(events, filepath.Join(dir, entry.Name()), stream, since); err != nil {
			return nil, fmt.Errorf("read log group %s: %w", group, err)
		}
	}
	slices.SortStableFunc(events, func(a, b hearth.LogEvent) int { return cmp.Compare(a.Time.UnixNano(), b.Time.UnixNano()) })
	return events, nil
}

func appendFile(events []hearth.LogEvent, path, stream string, since time.Time) ([]hearth.LogEvent, error) {
	f, err := os.Open(path)
	if err != nil {
		return events, err
	}
	defer f.Close() // read only
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 64<<10), 1<<20)
	for lines.Scan() {
		stamp, message, ok := bytes.Cut(lines.Bytes(), []byte{' '})
		t, err := time.Parse(timeLayout, string(stamp))
		if !ok || err != nil || t.Before(since) {
			continue // a torn line after a crash
		}
		events = append(events, hearth.LogEvent{Time: t, Stream: stream, Message: string(message)})
	}
	return events, lines.Err()
}

// Follow calls yield with the events of a group at or after since, and then
// with new ones as they come, until ctx ends, the Store is closed, or yield
// fails, whose error it returns.
func (s *Store) Follow(ctx context.Context, scope Scope, group string, since time.Time, yield func(hearth.LogEvent) error) error {
	f := &follower{scope: scope, group: group, ch: make(chan hearth.LogEvent, followBuffer)}
	s.mu.Lock()
	s.follows[f] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.follows, f)
		s.mu.Unlock()
	}()
	// Events that arrive while the past is read are in both; skip those that
	// were appended before the reading ended.
	past, err := s.Read(scope, group, since)
	if err != nil {
		return err
	}
	seen := map[hearth.LogEvent]int{}
	for _, ev := range past {
		if err := yield(ev); err != nil {
			return err
		}
		seen[key(ev)]++
	}
	for {
		select {
		case ev := <-f.ch:
			if k := key(ev); seen[k] > 0 {
				seen[k]--
				continue
			}
			clear(seen) // the first new event: the overlap is over
			if err := yield(ev); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		case <-s.stop:
			return nil
		}
	}
}

// key is an event as a file keeps it, with the file's precision of time.
func key(ev hearth.LogEvent) hearth.LogEvent {
	ev.Time = ev.Time.UTC().Truncate(time.Millisecond)
	return ev
}
