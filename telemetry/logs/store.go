package logs

import (
	"cmp"
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

// timeLayout is fixed in width, so that lines sort and split by position.
const timeLayout = "2006-01-02T15:04:05.000Z"

const (
	flushEvery = 100 * time.Millisecond
	// maxPending bounds what a stream holds in memory between two flushes.
	maxPending = 4 << 20
	// maxMessage bounds one event. Longer ones are cut.
	maxMessage = 512 << 10
	// defaultMaxStream bounds the file of a stream in bytes: one environment
	// that prints without end must not fill the disk.
	defaultMaxStream = 256 << 20
)

// Options of a Store.
type Options struct {
	// Retention is how long a stream is kept after its last line. 0: forever.
	Retention time.Duration
	// MaxStream is how many bytes a stream may have; what an environment
	// prints beyond them is dropped. 0: 256 MiB.
	MaxStream int64
	Logger    *slog.Logger
}

// Store is a directory of logs. One process uses it at a time.
type Store struct {
	dir    string
	opts   Options
	writer *flusher.Flusher

	files sync.Mutex // held to write and to remove files

	mu      sync.Mutex
	dirty   map[*Stream]struct{} // streams with lines to write
	follows map[*follower]struct{}
}

// Open creates the directory if need be and starts the writer. Close it.
func Open(dir string, opts Options) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open logs: %w", err)
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	opts.MaxStream = cmp.Or(opts.MaxStream, defaultMaxStream)
	s := &Store{dir: dir, opts: opts, dirty: map[*Stream]struct{}{}, follows: map[*follower]struct{}{}}
	s.writer = flusher.Start(flusher.Options{Every: flushEvery, Flush: s.Flush, Prune: s.prune})
	return s, nil
}

// Close writes what was appended before it and ends every Follow.
func (s *Store) Close() error {
	s.writer.Close()
	return nil
}

// Flush writes what was appended before it and returns when it is written, by
// whomever.
func (s *Store) Flush() {
	s.files.Lock()
	defer s.files.Unlock()
	s.mu.Lock()
	if len(s.dirty) == 0 {
		s.mu.Unlock()
		return
	}
	dirty := s.dirty
	s.dirty = map[*Stream]struct{}{}
	s.mu.Unlock()
	for st := range dirty {
		if err := st.write(); err != nil {
			s.opts.Logger.Error("write logs", "group", st.group, "stream", st.name, "error", err)
		}
		s.written(st)
	}
}

// Scope is the account and region that log groups belong to.
type Scope struct{ Account, Region string }

// prune removes streams whose last line is older than the retention, and
// groups without streams.
func (s *Store) prune(now time.Time) {
	if s.opts.Retention <= 0 {
		return
	}
	s.files.Lock()
	defer s.files.Unlock()
	oldest := now.Add(-s.opts.Retention)
	var dirs []string
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != s.dir:
			dirs = append(dirs, path)
		case strings.HasSuffix(path, streamSuffix):
			if info, err := d.Info(); err == nil && info.ModTime().Before(oldest) {
				return os.Remove(path)
			}
		}
		return nil
	})
	if err != nil {
		s.opts.Logger.Error("remove old logs", "error", err)
	}
	for _, dir := range slices.Backward(dirs) { // the inner ones first
		_ = os.Remove(dir) // stays when there is something in it
	}
}

// Stream opens a log stream of a group for appending; its file appears with
// its first line. Dropping the result is enough to close it.
func (s *Store) Stream(scope Scope, group, name string) *Stream {
	return &Stream{store: s, scope: scope, group: group, name: name, path: s.streamPath(scope, group, name)}
}

// Stream is one log stream.
type Stream struct {
	store       *Store
	scope       Scope
	group, name string
	path        string
	torn        bool // the file ends in half a line; guarded by Store.files
	full        bool // the file has maxStream bytes; guarded by Store.files

	mu         sync.Mutex
	pending    []byte
	dropped    int
	stamp      []byte // the last time as printed, and the space behind it
	stampMilli int64
}

// Name is the stream's name.
func (st *Stream) Name() string { return st.name }

// Append adds one event; it never waits for the disk. A line of the file is one
// event, in which newlines are escaped: nobody forges others.
func (st *Stream) Append(t time.Time, message []byte) {
	message = message[:min(len(message), maxMessage)]
	st.mu.Lock()
	if len(st.pending)+len(message) > maxPending {
		st.dropped++
		st.mu.Unlock()
		return
	}
	first := len(st.pending) == 0
	st.appendTimeLocked(t)
	st.pending = appendEscaped(st.pending, message)
	st.pending = append(st.pending, '\n')
	st.mu.Unlock()
	if first {
		st.store.markDirty(st)
	}
}

// markDirty has a stream written within flushEvery.
func (s *Store) markDirty(st *Stream) {
	s.mu.Lock()
	idle := len(s.dirty) == 0
	s.dirty[st] = struct{}{}
	s.mu.Unlock()
	if idle {
		s.writer.Wake()
	}
}

// appendTimeLocked begins a line. The lines of one invocation come within few
// milliseconds: the last time is kept as it was printed.
func (st *Stream) appendTimeLocked(t time.Time) {
	if ms := t.UnixMilli(); len(st.stamp) == 0 || ms != st.stampMilli {
		st.stampMilli = ms
		st.stamp = append(t.UTC().AppendFormat(st.stamp[:0], timeLayout), ' ')
	}
	st.pending = append(st.pending, st.stamp...)
}

// write moves the pending lines to the file, which is open no longer than
// that: a thousand idle streams must not hold a thousand descriptors. The
// caller holds Store.files.
func (st *Stream) write() error {
	st.mu.Lock()
	pending, dropped := st.pending, st.dropped
	st.pending, st.dropped = nil, 0
	st.mu.Unlock()
	if len(pending) == 0 {
		return nil
	}
	if dropped > 0 {
		pending = append(pending, fmt.Sprintf("%s %d lines were dropped: the disk is slower than the function's output\n",
			time.Now().UTC().Format(timeLayout), dropped)...)
	}
	if st.full {
		return nil
	}
	if st.torn {
		pending = append([]byte{'\n'}, pending...)
	}
	if err := os.MkdirAll(filepath.Dir(st.path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(st.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if info, err := f.Stat(); err == nil && info.Size()+int64(len(pending)) > st.store.opts.MaxStream {
		st.full = true
		pending = fmt.Appendf(nil, "%s the log stream is full: what the environment prints from here on is dropped\n", time.Now().UTC().Format(timeLayout))
	}
	n, err := f.Write(pending)
	if n > 0 {
		st.torn = pending[n-1] != '\n'
	}
	return errors.Join(err, f.Close())
}
