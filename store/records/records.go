// Package records keeps the control plane's smaller resources: layers, event
// source mappings, policies, settings of a function. Each kind is a typed
// Collection over one store.KV, read from the store or, without waiting, from a
// copy in memory that follows it.
//
//	set := records.New(kv, feed, logger)
//	layers := records.Of[hearth.LayerVersion](set, hearth.KindLayerVersion)
//	urls := records.NewByFunction[hearth.FunctionURL](set, hearth.KindFunctionURL)
//	err := set.Open(ctx)
//
// # Keys
//
//	rec/<kind>/<account>/<region>/<part>...
//
// A record that belongs to a function has the function's name as its third part
// and, where it has one, the qualifier as its fourth; it goes when the function
// goes (DeleteFunction).
//
// Package schema has the list of kinds and says what values look like. A record
// that this version of hearth cannot read is kept and named in the log. Reading it
// and writing to it is schema.ErrUnreadable, lists leave it out, and it can be
// deleted.
package records

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/url"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/changes"
	"github.com/hearthd/hearth/store/mirror"
	"github.com/hearthd/hearth/store/schema"
)

const rootPrefix = "rec/"

// Set is all collections of one store. Make the collections between New and
// Open.
type Set struct {
	kv     store.KV
	feed   *changes.Feed
	logger *slog.Logger
	known  []schema.Kind        // that there can be collections of
	kinds  map[hearth.Kind]kind // that there are
	mirror *mirror.Mirror[string, any]
	owners Owners // nil: every owner exists
}

// kind is what the set knows of a collection.
type kind struct {
	schema.Kind

	decode func(value []byte) (any, error)
}

// New returns a set without collections. feed is told of every record that is
// created, changed or deleted, once per change and after Lookup shows it, and has
// the set as a source once that is open. Its subscribers must not call the set's
// Close. feed nil: nobody wants to know. logger nil: silent.
func New(kv store.KV, feed *changes.Feed, logger *slog.Logger) *Set {
	return newSet(schema.Kinds(), kv, feed, logger)
}

func newSet(known []schema.Kind, kv store.KV, feed *changes.Feed, logger *slog.Logger) *Set {
	if feed == nil {
		feed = &changes.Feed{}
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	s := &Set{kv: kv, feed: feed, logger: logger, known: known, kinds: map[hearth.Kind]kind{}}
	s.mirror = mirror.New(mirror.Options[string, any]{
		KV: kv, Prefix: rootPrefix, Key: s.checkKey, Value: s.decode,
		Changed: func(key string) { s.feed.Publish(s.change(key)) }, Logger: logger,
	})
	return s
}

// Owners says which functions there are.
type Owners interface {
	// Exists returns an error for the caller when there is no such function, or no
	// such qualifier of it. It must not wait for the store.
	Exists(name hearth.Name, qualifier string) error
}

// Owners has every write of a record of a function ask, once it is stored, whether
// the function and the qualifier are still there. The record is removed again when
// they are not, so that whoever writes while a function is deleted leaves nothing to
// the next one of that name. Call it before Open.
func (s *Set) Owners(owners Owners) { s.owners = owners }

// Open reads what is there and follows its changes until Close, which must come
// before the store's. ctx bounds the reading.
func (s *Set) Open(ctx context.Context) error {
	if err := s.mirror.Open(ctx); err != nil {
		return err
	}
	s.feed.AddSource(s)
	return nil
}

// Close stops following. Lookup keeps answering from what there is.
func (s *Set) Close() { s.mirror.Close() }

// kindOf takes a store key apart: its kind, and the key within that.
func (s *Set) kindOf(key string) (k kind, rest string, ok bool) {
	rest, ok = strings.CutPrefix(key, rootPrefix)
	name, rest, slash := strings.Cut(rest, "/")
	k, known := s.kinds[hearth.Kind(name)]
	return k, rest, ok && slash && known
}

func (s *Set) checkKey(key string) (string, error) {
	if _, _, ok := s.kindOf(key); !ok {
		return "", fmt.Errorf("record %q is of no kind that this version of hearth knows", key)
	}
	return key, nil
}

func (s *Set) decode(key string, value []byte) (*any, error) {
	k, _, _ := s.kindOf(key)
	v, err := k.decode(value)
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// change is what is published when the record of a store key changes.
func (s *Set) change(key string) hearth.Change {
	k, rest, _ := s.kindOf(key)
	parts := Parts(rest)
	id := strings.Join(parts[min(2, len(parts)):], "/")
	parts = append(parts, "", "", "")
	c := hearth.Change{Kind: k.Name, Function: hearth.Name{Account: parts[0], Region: parts[1]}}
	if k.OfFunction {
		c.Function.Function, c.Qualifier = parts[2], parts[3]
	} else {
		c.ID = id
	}
	return c
}

// Changes yields a change for every record that there is, in no order: the set is
// a changes.Source.
func (s *Set) Changes() iter.Seq[hearth.Change] {
	return func(yield func(hearth.Change) bool) {
		for key := range s.mirror.Keys() {
			if !yield(s.change(key)) {
				return
			}
		}
	}
}

// DeleteFunction deletes every record that belongs to a function, or to one of
// its qualifiers when that is not empty. A record that is written meanwhile is
// the business of its writer: see Owners.
func (s *Set) DeleteFunction(ctx context.Context, name hearth.Name, qualifier string) error {
	return s.deleteOf(ctx, name, qualifier, func(kind) bool { return true })
}

// DeleteAlias deletes every record that belongs to an alias, but for those of kinds
// that wait for the next alias of the name.
func (s *Set) DeleteAlias(ctx context.Context, name hearth.Name, alias string) error {
	return s.deleteOf(ctx, name, alias, func(k kind) bool { return !k.OutlivesAlias })
}

// deleteOf deletes the records of a function, or of a qualifier, that are of chosen
// kinds.
func (s *Set) deleteOf(ctx context.Context, name hearth.Name, qualifier string, chosen func(kind) bool) error {
	for kindName, k := range s.kinds {
		if !k.OfFunction || !chosen(k) {
			continue
		}
		prefix := prefixOf(kindName) + FunctionKey(name, qualifier)
		listed, err := s.kv.List(ctx, prefix, "", 0)
		if err != nil {
			return fmt.Errorf("list %s of %s: %w", kindName, name, err)
		}
		for _, r := range listed {
			if r.Key != prefix && !strings.HasPrefix(r.Key, prefix+"/") {
				continue // of a function whose name is longer
			}
			if err := s.delete(ctx, r.Key, r.Revision); err != nil && !changedSince(err) {
				return fmt.Errorf("delete %s of %s: %w", kindName, name, err)
			}
		}
	}
	return nil
}

// changedSince reports whether a deletion failed because somebody else has
// deleted or written the record.
func changedSince(err error) bool {
	return errors.Is(err, hearth.ErrNotFound) || errors.Is(err, hearth.ErrPrecondition)
}

// disown removes a record of a function that was just written at a revision if
// that function is gone, and returns what to tell the writer then.
func (s *Set) disown(ctx context.Context, key string, revision uint64) error {
	k, rest, _ := s.kindOf(key)
	if !k.OfFunction || s.owners == nil {
		return nil
	}
	parts := append(Parts(rest), "") // an empty qualifier where there is none
	gone := s.owners.Exists(hearth.Name{Account: parts[0], Region: parts[1], Function: parts[2]}, parts[3])
	if gone == nil {
		return nil
	}
	if err := s.delete(ctx, key, revision); err != nil && !changedSince(err) {
		return fmt.Errorf("remove %s again: %w", key, err)
	}
	return gone
}

func (s *Set) delete(ctx context.Context, key string, revision uint64) error {
	at, err := s.kv.Delete(ctx, key, revision)
	if err != nil {
		return err
	}
	s.mirror.Deleted(key, at)
	return nil
}

// prefixOf begins the store keys of a kind.
func prefixOf(kind hearth.Kind) string { return rootPrefix + string(kind) + "/" }

// Key joins the parts of a key below its kind: account, region, and what
// identifies the record there. A part may contain any character.
func Key(parts ...string) string {
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = url.PathEscape(p)
	}
	return strings.Join(escaped, "/")
}

// FunctionKey is the Key of a record of a function: of its unqualified name
// when qualifier is empty. It begins as those of all its qualifiers do.
func FunctionKey(name hearth.Name, qualifier string) string {
	if qualifier == "" {
		return Key(name.Account, name.Region, name.Function)
	}
	return Key(name.Account, name.Region, name.Function, qualifier)
}

// Parts takes a Key apart.
func Parts(key string) []string {
	parts := strings.Split(key, "/")
	for i, p := range parts {
		if plain, err := url.PathUnescape(p); err == nil {
			parts[i] = plain
		}
	}
	return parts
}
