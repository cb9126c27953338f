package catalog

import (
	"fmt"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/schema"
)

// Prefixes of the keys, see the package comment.
const (
	rootPrefix    = "fn/"
	latestPrefix  = rootPrefix + "latest/"
	versionPrefix = rootPrefix + "version/"
	aliasPrefix   = rootPrefix + "alias/"
)

// record is what a value holds: a version of a function, or an alias. Nobody writes
// to a record.
type record struct {
	function *hearth.Function
	alias    *hearth.Alias
}

func functionRecord(f *hearth.Function) *record { return &record{function: f} }
func aliasRecord(a *hearth.Alias) *record       { return &record{alias: a} }

// key returns where a record belongs.
func (r *record) key() key {
	switch {
	case r.function != nil:
		return keyOf(r.function)
	case r.alias != nil:
		return key{r.alias.Function, r.alias.Name}
	}
	return key{}
}

// key identifies one version of a function, or one of its aliases: no alias
// can be called like a version.
type key struct {
	name      hearth.Name
	qualifier string
}

func keyOf(f *hearth.Function) key { return key{f.Name, f.Version} }

// String returns the key in the store. Versions sort by their numbers there.
func (k key) String() string {
	if k.qualifier == hearth.Latest {
		return latestPrefix + k.name.String()
	}
	if part, ok := versionPart(k.qualifier); ok {
		return versionPrefix + k.name.String() + "/" + part
	}
	return aliasPrefix + k.name.String() + "/" + k.qualifier
}

// versionPart is the part of a key that is a version beside $LATEST. That of
// $LATEST.PUBLISHED sorts before the numbers.
func versionPart(version string) (string, bool) {
	if version == hearth.LatestPublished {
		return version, true
	}
	n, ok := hearth.VersionNumber(version)
	return fmt.Sprintf("%010d", n), ok
}

// isVersion reports whether a qualifier can be a version's.
func isVersion(qualifier string) bool {
	_, beside := versionPart(qualifier)
	return beside || qualifier == hearth.Latest
}

// change is what is published when the record of the key changes.
func (k key) change() hearth.Change {
	kind := hearth.KindFunction
	if k.isAlias() {
		kind = hearth.KindAlias
	}
	return hearth.Change{Kind: kind, Function: k.name, Qualifier: k.qualifier}
}

// isAlias reports whether the key is an alias's. It is a version's otherwise.
func (k key) isAlias() bool { return hearth.IsAlias(k.qualifier) }

// check returns hearth.ErrInvalid for a key that cannot be taken apart again.
func (k key) check() error {
	for _, part := range []string{k.name.Account, k.name.Region, k.name.Function, k.qualifier} {
		if part == "" || strings.Contains(part, "/") {
			return fmt.Errorf("function %q has an empty part or a '/': %w", k.String(), hearth.ErrInvalid)
		}
	}
	if !k.isAlias() && !isVersion(k.qualifier) {
		return fmt.Errorf("function %s has no version %q: %w", k.name, k.qualifier, hearth.ErrInvalid)
	}
	return nil
}

// parseKey is the inverse of key.String.
func parseKey(s string) (key, error) {
	parts := strings.Split(s, "/")
	var k key
	switch {
	case len(parts) == 5 && strings.HasPrefix(s, latestPrefix):
		k.qualifier = hearth.Latest
	case len(parts) == 6 && strings.HasPrefix(s, versionPrefix):
		k.qualifier = strings.TrimLeft(parts[5], "0")
	case len(parts) == 6 && strings.HasPrefix(s, aliasPrefix):
		k.qualifier = parts[5]
	default:
		return key{}, fmt.Errorf("key %q is not a function's", s)
	}
	k.name = hearth.Name{Account: parts[2], Region: parts[3], Function: parts[4]}
	if err := k.check(); err != nil {
		return key{}, err
	}
	if k.String() != s {
		return key{}, fmt.Errorf("key %q is not a function's", s)
	}
	return k, nil
}

// forms are how records are stored.
type forms struct {
	function, alias schema.Kind
	directories     bool // Options.Directories
}

func newForms() (f forms) {
	f.function, _ = schema.Of(hearth.KindFunction)
	f.alias, _ = schema.Of(hearth.KindAlias)
	return f
}

// of returns the form of a key's record.
func (f forms) of(k key) schema.Kind {
	if k.isAlias() {
		return f.alias
	}
	return f.function
}

func (f forms) encode(r *record) ([]byte, error) {
	k := r.key()
	if err := k.check(); err != nil {
		return nil, err
	}
	if (r.alias != nil) != k.isAlias() {
		return nil, fmt.Errorf("%s is not the name of an alias, or not a version: %w", k, hearth.ErrInvalid)
	}
	if r.alias != nil {
		return f.alias.Encode(r.alias)
	}
	if r.function.Code.Dir != "" && !f.directories {
		return nil, fmt.Errorf("code of %s is the directory %s, not an archive: %w", k.name, r.function.Code.Dir, hearth.ErrInvalid)
	}
	return f.function.Encode(r.function)
}

// decode reads the record of a key, which has a function or an alias as the
// key says; schema.ErrUnreadable.
func (f forms) decode(value []byte, k key) (*record, error) {
	r, err := &record{}, error(nil)
	if k.isAlias() {
		r.alias = &hearth.Alias{}
		err = f.alias.Decode(value, r.alias)
	} else {
		r.function = &hearth.Function{}
		err = f.function.Decode(value, r.function)
	}
	if err != nil {
		return nil, err
	}
	if got := r.key(); got != k {
		return nil, f.of(k).Unreadable("it is that of " + got.String())
	}
	return r, nil
}

// decodeRecord reads a record of the store; schema.ErrUnreadable.
func (f forms) decodeRecord(stored store.Record) (*record, error) {
	k, err := parseKey(stored.Key)
	if err != nil {
		return nil, f.function.Unreadable(err.Error())
	}
	return f.decode(stored.Value, k)
}
