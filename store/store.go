// Package store is the contract for state that outlives the process: small
// metadata records in a KV, code archives in Blobs, a journal in a Log. Drivers
// are store/mem and store/jetstream; package storetest holds the suite that
// every driver passes.
//
// # Records and revisions
//
// A KV maps keys to values. Every write gets a revision: a number that grows
// over the whole store and is never used twice, not even for a key that was
// deleted and created again. A revision is what a writer compares on:
//
//	r, err := kv.Get(ctx, "function/1/eu/f")          // revision 17
//	_, err = kv.Update(ctx, r.Key, changed, r.Revision)
//	// nil, or ErrPrecondition: somebody wrote in between; read again and decide
//
// Revisions belong to one store: copying it gives new ones, so they are never
// shown to users nor kept as identifiers.
//
// Commit writes several keys or none, each under its own condition; the single
// writes are a Commit of one. A write that returned nil is on disk and every
// later Get and List, through any node, sees it. After ErrUnavailable or the
// end of ctx a write may or may not have happened: a conditional one can be
// repeated safely, because one of the two fails.
//
// # Watching
//
// Watch gives a consumer a copy that follows the store:
//
//	Put Put Put … Synced Put Delete Put …
//	└─ as it is ─┘      └─ as it changes ─┘
//
// Events arrive in the order of their revisions. Only the last state of a key
// is promised: of several quick writes the consumer may see the last alone. A
// watch survives a lost connection and goes on where it stopped, without a
// second Synced.
//
// # Blobs
//
// A blob is immutable and named by its hex SHA-256, so putting it twice is
// harmless. What nothing refers to any more is collected by whoever knows the
// references (catalog.Sweep), with Blob.Revision as the guard: Put of a blob
// that exists renews its revision and time, and a Delete that was decided
// before then fails.
package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/hearthd/hearth"
)

// Limits that hold for every driver. Beyond them: hearth.ErrInvalid for keys
// and operations, hearth.ErrTooLarge for values.
const (
	MaxKey   = 512     // bytes of a key
	MaxValue = 7 << 20 // bytes of a value
	MaxOps   = 100     // operations of one Commit
)

// KV holds records. Keys are non-empty UTF-8 strings; all characters are
// allowed, and '/' separates the parts of a key by convention. Methods may be
// called from several goroutines, return errors that wrap the named kinds, and
// hearth.ErrUnavailable when the store is closed or cannot be reached.
type KV interface {
	// Get returns the record of a key; hearth.ErrNotFound.
	Get(ctx context.Context, key string) (Record, error)
	// Create writes a key that does not exist; hearth.ErrConflict when it does.
	Create(ctx context.Context, key string, value []byte) (revision uint64, err error)
	// Put writes a key whatever is there.
	Put(ctx context.Context, key string, value []byte) (revision uint64, err error)
	// Update writes a key that is at a revision; hearth.ErrNotFound when there
	// is no such key, hearth.ErrPrecondition when it is at another revision.
	Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
	// Delete removes a key that is at a revision, with the errors of Update.
	// The deletion has a revision of its own.
	Delete(ctx context.Context, key string, revision uint64) (uint64, error)
	// List returns up to limit records whose keys begin with prefix and sort
	// after after, by the bytes of their keys. limit 0: all. The records are
	// each current, but not of one instant.
	List(ctx context.Context, prefix, after string, limit int) ([]Record, error)
	// Commit applies all operations or none and returns their revisions in the
	// same order. Every key may occur once. The error is that of the operation
	// that could not be applied, and names its key.
	Commit(ctx context.Context, ops []Op) (revisions []uint64, err error)
	// Watch calls fn, in the caller's goroutine, for every record under prefix,
	// then once with Synced, then for every change. It returns when ctx ends
	// (with its cause), when fn returns an error (that error), or when the
	// store is closed (hearth.ErrUnavailable); never nil. fn must not call
	// the driver's Close, which waits for it.
	Watch(ctx context.Context, prefix string, fn func(Event) error) error
}

// Record is a key's value at a revision. The receiver owns Value.
type Record struct {
	Key      string
	Value    []byte
	Revision uint64
}

// OpKind says what an Op does.
type OpKind int

// Kinds of an Op; each has the condition and errors of the KV method of its name.
const (
	OpCreate OpKind = iota + 1
	OpPut
	OpUpdate
	OpDelete
)

// Op is one write of a Commit.
type Op struct {
	Kind     OpKind
	Key      string
	Value    []byte // not OpDelete
	Revision uint64 // OpUpdate and OpDelete: the revision that the key must be at
}

// EventKind says what an Event reports.
type EventKind int

// Kinds of an Event.
const (
	// EventPut: the key has this value. Record is complete.
	EventPut EventKind = iota + 1
	// EventDelete: the key is gone. Record has Key and the Revision of the
	// deletion. A consumer may see it for a key that it never saw.
	EventDelete
	// EventSynced: all that existed when the watch began has been reported.
	// Record.Revision is the highest revision that the report covers (0: the
	// prefix was never written): a key that was known at a revision up to it,
	// and was not reported, is gone.
	EventSynced
)

// Event is one step of a Watch.
type Event struct {
	Kind EventKind
	Record
}

// Blobs holds immutable blobs by content. Methods may be called from several
// goroutines. Digests are 64 lower-case hex digits; hearth.ErrInvalid otherwise.
type Blobs interface {
	// Put stores what r yields, to its end. hearth.ErrInvalid when its SHA-256
	// is not digest; nothing is stored then. When the blob exists already it
	// renews Revision and Modified.
	Put(ctx context.Context, digest string, r io.Reader) (Blob, error)
	// Open returns the content; hearth.ErrNotFound. Reading ends with io.EOF
	// only when everything was read and has the right digest. ctx bounds the
	// reading too. The caller closes the reader.
	Open(ctx context.Context, digest string) (io.ReadCloser, error)
	// Stat describes a blob; hearth.ErrNotFound.
	Stat(ctx context.Context, digest string) (Blob, error)
	// Delete removes a blob that was not put again since b was obtained;
	// hearth.ErrPrecondition when it was, hearth.ErrNotFound when it is gone.
	// A reader that is open may fail.
	Delete(ctx context.Context, b Blob) error
	// List describes all blobs, in the order of their digests.
	List(ctx context.Context) ([]Blob, error)
}

// Blob describes a blob.
type Blob struct {
	Digest   string    // hex SHA-256
	Size     int64     // bytes
	Modified time.Time // of the last Put, by the store's clock
	Revision uint64    // of the last Put
}

// CheckKey returns hearth.ErrInvalid for a key that no driver accepts. It and
// the checks below are for drivers.
func CheckKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("empty key: %w", hearth.ErrInvalid)
	case len(key) > MaxKey:
		return fmt.Errorf("key of %d bytes, at most %d: %w", len(key), MaxKey, hearth.ErrInvalid)
	case !utf8.ValidString(key):
		return fmt.Errorf("key %q is not UTF-8: %w", key, hearth.ErrInvalid)
	}
	return nil
}

// CheckOps returns hearth.ErrInvalid or hearth.ErrTooLarge for operations that
// no driver accepts as one Commit.
func CheckOps(ops []Op) error {
	if len(ops) == 0 || len(ops) > MaxOps {
		return fmt.Errorf("commit of %d operations, 1 to %d allowed: %w", len(ops), MaxOps, hearth.ErrInvalid)
	}
	seen := make(map[string]bool, len(ops))
	for _, op := range ops {
		if err := CheckKey(op.Key); err != nil {
			return err
		}
		if seen[op.Key] {
			return fmt.Errorf("commit writes %q twice: %w", op.Key, hearth.ErrInvalid)
		}
		seen[op.Key] = true
		if op.Kind < OpCreate || op.Kind > OpDelete {
			return fmt.Errorf("operation of unknown kind %d on %q: %w", op.Kind, op.Key, hearth.ErrInvalid)
		}
		if len(op.Value) > MaxValue {
			return fmt.Errorf("value of %q has %d bytes, at most %d: %w", op.Key, len(op.Value), MaxValue, hearth.ErrTooLarge)
		}
	}
	return nil
}

// CheckDigest returns hearth.ErrInvalid unless digest is a hex SHA-256.
func CheckDigest(digest string) error {
	if len(digest) != 64 {
		return fmt.Errorf("digest %q is not a hex SHA-256: %w", digest, hearth.ErrInvalid)
	}
	for _, c := range []byte(digest) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return fmt.Errorf("digest %q is not a lower-case hex SHA-256: %w", digest, hearth.ErrInvalid)
		}
	}
	return nil
}

// CheckSum returns hearth.ErrInvalid unless sum is the SHA-256 that digest names.
func CheckSum(digest string, sum []byte) error {
	if got := hex.EncodeToString(sum); got != digest {
		return fmt.Errorf("content has digest %s, not %s: %w", got, digest, hearth.ErrInvalid)
	}
	return nil
}

// CheckCurrent returns why op cannot be applied to the record that its key has
// now, or nil. live is false when the key does not exist.
func CheckCurrent(op Op, live bool, revision uint64) error {
	switch {
	case op.Kind == OpCreate && live:
		return fmt.Errorf("create %q: %w", op.Key, hearth.ErrConflict)
	case op.Kind == OpCreate || op.Kind == OpPut:
		return nil
	case !live:
		return fmt.Errorf("write %q at revision %d: %w", op.Key, op.Revision, hearth.ErrNotFound)
	case revision != op.Revision:
		return fmt.Errorf("write %q at revision %d, it is at %d: %w", op.Key, op.Revision, revision, hearth.ErrPrecondition)
	}
	return nil
}
