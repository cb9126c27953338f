package catalog

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hearthd/hearth"
)

// Prefixes of the keys, see the package comment.
const (
	rootPrefix    = "fn/"
	latestPrefix  = rootPrefix + "latest/"
	versionPrefix = rootPrefix + "version/"
)

// schema is the number of the form that records are written in. A change that
// older code would misread gets the next number, and decode a branch for the
// old one.
const schema = 1

// record is what a value holds. The function is stored with the Go names of its
// fields; a test with a stored record fails when one is renamed.
type record struct {
	Schema   int
	Function *hearth.Function
}

// key identifies one version of a function.
type key struct {
	name    hearth.Name
	version string
}

func keyOf(f *hearth.Function) key { return key{f.Name, f.Version} }

// String returns the key in the store.
func (k key) String() string {
	if k.version == hearth.Latest {
		return latestPrefix + k.name.String()
	}
	return versionPrefix + k.name.String() + "/" + k.version
}

// check returns hearth.ErrInvalid for a key that cannot be taken apart again.
func (k key) check() error {
	for _, part := range []string{k.name.Account, k.name.Region, k.name.Function, k.version} {
		if part == "" || strings.Contains(part, "/") {
			return fmt.Errorf("function %q has an empty part or a '/': %w", k.String(), hearth.ErrInvalid)
		}
	}
	return nil
}

// parseKey is the inverse of key.String.
func parseKey(s string) (key, error) {
	parts := strings.Split(s, "/")
	var k key
	switch {
	case len(parts) == 5 && strings.HasPrefix(s, latestPrefix):
		k.version = hearth.Latest
	case len(parts) == 6 && strings.HasPrefix(s, versionPrefix):
		k.version = parts[5]
	default:
		return key{}, fmt.Errorf("key %q is not a function's", s)
	}
	k.name = hearth.Name{Account: parts[2], Region: parts[3], Function: parts[4]}
	return k, k.check()
}

func encode(f *hearth.Function) ([]byte, error) {
	if err := keyOf(f).check(); err != nil {
		return nil, err
	}
	if f.Code.Dir != "" {
		return nil, fmt.Errorf("code of %s is the directory %s, not an archive: %w", f.Name, f.Code.Dir, hearth.ErrInvalid)
	}
	value, err := json.Marshal(record{Schema: schema, Function: f})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", f.Name, err)
	}
	return value, nil
}

// decode reads the record of a key.
func decode(value []byte, k key) (*hearth.Function, error) {
	var r record
	if err := json.Unmarshal(value, &r); err != nil {
		return nil, fmt.Errorf("decode %s: %w", k, err)
	}
	if r.Schema != schema || r.Function == nil {
		return nil, fmt.Errorf("decode %s: it has schema %d, this version of hearth reads %d", k, r.Schema, schema)
	}
	if got := keyOf(r.Function); got != k {
		return nil, fmt.Errorf("decode %s: it holds %s", k, got)
	}
	return r.Function, nil
}
