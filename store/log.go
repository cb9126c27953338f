package store

import (
	"context"
	"fmt"

	"github.com/hearthd/hearth"
)

// MaxEntry is how many bytes an entry of a Log may have.
const MaxEntry = 7 << 20

// Log holds entries in the order in which they were appended, for a consumer
// that keeps its state in memory and reads the log when it starts. There is one
// such consumer at a time. Methods may be called from several goroutines and
// return hearth.ErrUnavailable when the store is closed or cannot be reached.
type Log interface {
	// Append adds an entry and returns its number, which is higher than those
	// before it. When it returns nil the entry is on disk. After
	// hearth.ErrUnavailable or the end of ctx it may be there or not.
	// hearth.ErrTooLarge beyond MaxEntry.
	Append(ctx context.Context, entry []byte) (number uint64, err error)
	// Read returns an entry; hearth.ErrNotFound when there is none of that
	// number, or none any more.
	Read(ctx context.Context, number uint64) ([]byte, error)
	// Replay calls fn for all entries that are there when it begins, in their
	// order. fn keeps what it gets if it likes. An error of fn ends it.
	Replay(ctx context.Context, fn func(number uint64, entry []byte) error) error
	// Trim removes all entries before a number. What was removed stays
	// removed, except that after a crash a Trim that did not return may be
	// undone, from some number on.
	Trim(ctx context.Context, before uint64) error
}

// CheckEntry returns hearth.ErrTooLarge for an entry that no driver accepts.
func CheckEntry(entry []byte) error {
	if len(entry) > MaxEntry {
		return fmt.Errorf("entry of %d bytes, at most %d: %w", len(entry), MaxEntry, hearth.ErrTooLarge)
	}
	return nil
}
