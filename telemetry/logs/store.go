package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// timeLayout is fixed in width, so that lines sort and split by position.
const timeLayout = "2006-01-02T15:04:05.000Z"

const (
	flushEvery = 100 * time.Millisecond
	// maxPending bounds what a stream holds in memory between two flushes.
	maxPending = 4 << 20
	// pruneEvery is how often old streams are looked for.
	pruneEvery = time.Hour
)

// Options of a Store.
type Options struct {
	// Retention is how long a stream is kept after its last line. 0: forever.
	Retention time.Duration
	Logger    *slog.Logger
}

// Store is a directory of logs. One process uses it at a time.
type Store struct {
	dir    string
	opts   Options
	stop   chan struct{}
	wg     sync.WaitGroup
	closed sync.Once

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
	s := &Store{
		dir: dir, opts: opts, stop: make(chan struct{}),
		dirty: map[*Stream]struct{}{}, follows: map[*follower]struct{}{},
	}
	s.wg.Go(s.run)
	return s, nil
}

// Close writes what is pending and ends every Follow.
func (s *Store) Close() error {
	s.closed.Do(func() { close(s.stop) })
	s.wg.Wait()
	return nil
}

func (s *Store) run() {
	flush := time.NewTicker(flushEvery)
	defer flush.Stop()
	prune := time.NewTicker(pruneEvery)
	defer prune.Stop()
	s.prune()
	for {
		select {
		case <-flush.C:
			s.Flush()
		case <-prune.C:
			s.prune()
		case <-s.stop:
			s.Flush()
			return
		}
	}
}

// Flush writes what is pending now.
func (s *Store) Flush() {
	s.mu.Lock()
	dirty := s.dirty
	if len(dirty) > 0 {
		s.dirty = map[*Stream]struct{}{}
	}
	s.mu.Unlock()
	for st := range dirty {
		if err := st.write(); err != nil {
			s.opts.Logger.Error("write logs", "group", st.group, "stream", st.name, "error", err)
		}
	}
}

// Scope is the account and region that log groups belong to.
type Scope struct{ Account, Region string }

func (s *Store) groupDir(scope Scope, group string) string {
	return filepath.Join(s.dir, escape(scope.Account), escape(scope.Region), escape(group))
}

// escape makes one path element of a name that users choose.
func escape(name string) string {
	e := url.PathEscape(name)
	if strings.HasPrefix(e, ".") {
		e = "%2E" + e[1:]
	}
	return e
}

const streamSuffix = ".log"

// Stream opens a log stream of a group for appending; its file appears with
// its first line. Dropping the result is enough to close it.
func (s *Store) Stream(scope Scope, group, name string) *Stream {
	return &Stream{
		store: s, scope: scope, group: group, name: name,
		path: filepath.Join(s.groupDir(scope, group), escape(name)+streamSuffix),
	}
}

// prune removes streams whose last line is older than the retention.
func (s *Store) prune() {
	if s.opts.Retention <= 0 {
		return
	}
	oldest := time.Now().Add(-s.opts.Retention)
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, streamSuffix) {
			return err
		}
		if info, err := d.Info(); err == nil && info.ModTime().Before(oldest) {
			return os.Remove(path)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.opts.Logger.Error("prune logs", "error", err)
	}
}

// Stream is one log stream.
type Stream struct {
	store       *Store
	scope       Scope
	group, name string
	path        string

	mu      sync.Mutex
	pending []byte
	dropped int
}

// Name is the stream's name.
func (st *Stream) Name() string { return st.name }

// Append adds one event. A message must not contain a newline.
func (st *Stream) Append(t time.Time, message []byte) {
	st.mu.Lock()
	if len(st.pending)+len(message) > maxPending {
		st.dropped++
		st.mu.Unlock()
		return
	}
	first := len(st.pending) == 0
	st.pending = t.UTC().AppendFormat(st.pending, timeLayout)
	st.pending = append(st.pending, ' ')
	st.pending = append(st.pending, message...)
	st.pending = append(st.pending, '\n')
	st.mu.Unlock()
	if first {
		st.store.mu.Lock()
		st.store.dirty[st] = struct{}{}
		st.store.mu.Unlock()
	}
	st.store.publish(st, t, message)
}

// write moves the pending lines to the file, which is open no longer than
// that: a thousand idle streams must not hold a thousand descriptors.
func (st *Stream) write() error {
	st.mu.Lock()
	pending, dropped := st.pending, st.dropped
	st.pending, st.dropped = nil, 0
	st.mu.Unlock()
	if dropped > 0 {
		pending = append(pending, fmt.Sprintf("%s %d lines were dropped: the disk is slower than the function's output\n",
			time.Now().UTC().Format(timeLayout), dropped)...)
	}
	if err := os.MkdirAll(filepath.Dir(st.path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(st.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(pending)
	return errors.Join(err, f.Close())
}
