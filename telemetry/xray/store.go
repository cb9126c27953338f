package xray

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hearthd/hearth/telemetry/flusher"
)

const (
	flushEvery = 200 * time.Millisecond
	// maxPending bounds what is held in memory between two writes.
	maxPending = 4 << 20
	// defaultMaxDay bounds the file of a day in bytes.
	defaultMaxDay = 256 << 20
	dayLayout     = "2006-01-02"
	suffix        = ".jsonl"
)

// Options of a Store.
type Options struct {
	Retention time.Duration // how long a day's file is kept; 0: forever
	MaxDay    int64         // how many bytes a day may have; more is dropped. 0: 256 MiB
	Logger    *slog.Logger
}

// Store keeps segments. One process uses a directory at a time.
type Store struct {
	dir    string
	opts   Options
	writer *flusher.Flusher

	files sync.Mutex // held to write and to remove files
	loss  losses     // guarded by files

	mu      sync.Mutex
	pending []byte
	dropped int
}

// Open creates the directory if need be and starts the writer. Close it.
func Open(dir string, opts Options) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open traces: %w", err)
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	opts.MaxDay = cmp.Or(opts.MaxDay, defaultMaxDay)
	s := &Store{dir: dir, opts: opts}
	s.writer = flusher.Start(flusher.Options{Every: flushEvery, Flush: s.Flush, Prune: s.prune})
	return s, nil
}

// Close writes what was added before it.
func (s *Store) Close() error {
	s.writer.Close()
	return nil
}

// Add keeps a segment, which has no newline. It never waits for the disk.
func (s *Store) Add(segment []byte) {
	s.mu.Lock()
	if len(s.pending)+len(segment) >= maxPending {
		s.dropped++
		s.mu.Unlock()
		return
	}
	first := len(s.pending) == 0
	s.pending = append(append(s.pending, segment...), '\n')
	s.mu.Unlock()
	if first {
		s.writer.Wake()
	}
}

// Flush writes what was added before it.
func (s *Store) Flush() {
	s.files.Lock()
	defer s.files.Unlock()
	s.mu.Lock()
	pending, dropped := s.pending, s.dropped
	s.pending, s.dropped = nil, 0
	s.mu.Unlock()
	s.loss.segments += dropped
	if len(pending) > 0 {
		if err := s.write(pending); err != nil {
			s.loss.segments += bytes.Count(pending, []byte{'\n'})
			s.loss.cause = err
		}
	}
	s.loss.report(s.opts.Logger, time.Now())
}

func (s *Store) write(pending []byte) error {
	name := filepath.Join(s.dir, time.Now().UTC().Format(dayLayout)+suffix)
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if info, err := f.Stat(); err == nil && info.Size()+int64(len(pending)) > s.opts.MaxDay {
		return errors.Join(fmt.Errorf("%s is full: segments are dropped until tomorrow", name), f.Close())
	}
	_, err = f.Write(pending)
	return errors.Join(err, f.Close())
}

// prune removes the days that are past the retention.
func (s *Store) prune(now time.Time) {
	if s.opts.Retention <= 0 {
		return
	}
	s.files.Lock()
	defer s.files.Unlock()
	days, err := s.days()
	if err != nil {
		s.opts.Logger.Error("remove old traces", "error", err)
	}
	for _, day := range days {
		began, err := time.Parse(dayLayout, day)
		if err != nil || began.Add(24*time.Hour).After(now.Add(-s.opts.Retention)) {
			continue // not ours, or young
		}
		if err := os.Remove(filepath.Join(s.dir, day+suffix)); err != nil {
			s.opts.Logger.Error("remove old traces", "error", err)
		}
	}
}

// days are the days that there are segments of, the oldest first.
func (s *Store) days() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	var days []string
	for _, entry := range entries {
		if day, ok := strings.CutSuffix(entry.Name(), suffix); ok {
			days = append(days, day)
		}
	}
	slices.Sort(days)
	return days, nil
}

// Query selects segments.
type Query struct {
	TraceID string    // empty: of every trace
	Since   time.Time // of the days since; zero: all
	Limit   int       // the latest that many; 0: 1000
}

const defaultLimit = 1000

// Find returns segments, the oldest first.
func (s *Store) Find(q Query) ([]json.RawMessage, error) {
	s.Flush()
	limit := cmp.Or(q.Limit, defaultLimit)
	s.files.Lock()
	days, err := s.days()
	s.files.Unlock()
	if err != nil {
		return nil, fmt.Errorf("find traces: %w", err)
	}
	var found []json.RawMessage // the latest first
	for _, day := range slices.Backward(days) {
		if day < q.Since.UTC().Format(dayLayout) || len(found) >= limit {
			break
		}
		segments, err := s.read(day, q.TraceID, limit-len(found))
		if err != nil {
			return nil, fmt.Errorf("find traces: %w", err)
		}
		slices.Reverse(segments)
		found = append(found, segments...)
	}
	slices.Reverse(found)
	return found, nil
}

// read returns the last segments of a day.
func (s *Store) read(day, traceID string, limit int) ([]json.RawMessage, error) {
	f, err := os.Open(filepath.Join(s.dir, day+suffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // pruned since
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var last []json.RawMessage
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, MaxDatagram+1)
	for lines.Scan() {
		var ids struct {
			TraceID string `json:"trace_id"`
		}
		if json.Unmarshal(lines.Bytes(), &ids) != nil || traceID != "" && ids.TraceID != traceID {
			continue // half a line, after a crash; or another trace
		}
		if len(last) == limit {
			last = last[1:]
		}
		last = append(last, slices.Clone(json.RawMessage(lines.Bytes())))
	}
	return last, lines.Err()
}
