package mem

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
)

var _ store.Log = (*Log)(nil)

// Log is a store.Log that lives as long as the process.
type Log struct {
	mu      sync.Mutex
	first   uint64 // number of entries[0]
	entries [][]byte
}

// NewLog returns an empty Log.
func NewLog() *Log { return &Log{first: 1} }

// Clone returns a log with the entries that there are at this moment: what a
// crash would leave.
func (l *Log) Clone() *Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &Log{first: l.first, entries: slices.Clone(l.entries)}
}

// Append implements store.Log.
func (l *Log) Append(ctx context.Context, entry []byte) (uint64, error) {
	if err := store.CheckEntry(entry); err != nil {
		return 0, fmt.Errorf("append: %w", err)
	}
	if ctx.Err() != nil {
		return 0, fmt.Errorf("append: %w", context.Cause(ctx))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, slices.Clone(entry))
	return l.first + uint64(len(l.entries)) - 1, nil
}

// Read implements store.Log.
func (l *Log) Read(_ context.Context, number uint64) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number < l.first || number >= l.first+uint64(len(l.entries)) {
		return nil, fmt.Errorf("read entry %d: %w", number, hearth.ErrNotFound)
	}
	return slices.Clone(l.entries[number-l.first]), nil
}

// Replay implements store.Log.
func (l *Log) Replay(ctx context.Context, fn func(uint64, []byte) error) error {
	l.mu.Lock()
	first, entries := l.first, slices.Clone(l.entries)
	l.mu.Unlock()
	for i, entry := range entries {
		if ctx.Err() != nil {
			return fmt.Errorf("replay: %w", context.Cause(ctx))
		}
		if err := fn(first+uint64(i), slices.Clone(entry)); err != nil {
			return err
		}
	}
	return nil
}

// Trim implements store.Log.
func (l *Log) Trim(_ context.Context, before uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(max(before, l.first)-l.first, uint64(len(l.entries)))
	l.entries = slices.Delete(l.entries, 0, int(n))
	l.first += n
	return nil
}
