// Package schema is the form that the records of the control plane are stored in,
// one row of Kinds for each kind: what a later version of hearth must be able to
// read, whatever has become of the Go types.
//
//	{"Schema":1,"Value":{...}}
//
// The value is the JSON of the kind's Go type. The names in it are explicit json
// tags: a field may be renamed, its tag may not. Golden files hold every name, and
// testdata/releases of store/jetstream whole data directories.
//
// # Changing a form
//
// A new field whose zero value means what its absence meant changes nothing. Any
// other change is the next schema: Schema of the kind's row grows by one, and its
// Migrations get a function that turns the JSON of the form before into the new
// one. An older record is migrated whenever it is read and is stored in the new
// form by the next write to it, so a store may hold records of several schemas.
//
// # What cannot be read
//
// A record that is damaged, or that a newer hearth wrote, makes itself unusable
// and nothing else. It stays in the store as it is. Whoever asks for it gets
// ErrUnreadable, and never hearth.ErrNotFound: an absent policy denies nothing, one
// that cannot be read may.
package schema

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/hearthd/hearth"
)

// Kind is how the records of a kind are stored.
type Kind struct {
	Name hearth.Kind
	// Schema is the number of the form that is written, from 1.
	Schema int
	// Member is the member of the stored object that holds the value; empty:
	// "Value".
	Member string
	// OfFunction says that the records belong to functions and go with them.
	OfFunction bool
	// OutlivesAlias says that the record of an alias waits, when the alias goes, for
	// the next one of the name: AWS's function URLs do.
	OutlivesAlias bool
	// Form is the Go type of the value.
	Form reflect.Type
	// Foreign says that the records are read into a Go type of another stage, which
	// writes the JSON of Form.
	Foreign bool
	// Migrations has for each older schema, from 1, the way to the next one.
	Migrations []Migration
}

// Migration turns the JSON of a value into that of the next schema.
type Migration func(value []byte) ([]byte, error)

// ErrUnreadable is the kind of the error for a record that is there and cannot be
// read. It is a hearth.ErrConflict too.
var ErrUnreadable = fmt.Errorf("unreadable record: %w", hearth.ErrConflict)

// Unreadable returns the ErrUnreadable that callers are told, with the reason.
func (k Kind) Unreadable(reason string) error {
	remedy := "Run a version of hearth that can read it"
	if k.OfFunction || k.Name == hearth.KindFunction || k.Name == hearth.KindAlias {
		remedy += ", or delete it or the function"
	}
	return hearth.Errorf(ErrUnreadable,
		"The stored form of this resource cannot be read by this version of hearth: %s. It is kept as it is. %s.", reason, remedy)
}

// member is Member, or what it is when that is empty.
func (k Kind) member() string {
	if k.Member == "" {
		return "Value"
	}
	return k.Member
}

// Encode returns the stored form of a value, a pointer to the kind's Go type.
func (k Kind) Encode(v any) ([]byte, error) {
	value, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", k.Name, err)
	}
	return fmt.Appendf(nil, `{"Schema":%d,%q:%s}`, k.Schema, k.member(), value), nil
}

// Decode reads a stored form of the kind's schema, or of an older one, into a
// pointer to the kind's Go type. Its error is an ErrUnreadable.
func (k Kind) Decode(stored []byte, into any) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(stored, &members); err != nil {
		return k.Unreadable("it is not the JSON of a record (" + err.Error() + ")")
	}
	var number int
	if raw, ok := members["Schema"]; ok {
		if err := json.Unmarshal(raw, &number); err != nil {
			return k.Unreadable("the number of its schema is " + string(raw))
		}
	}
	if number < 1 || number > k.Schema {
		return k.Unreadable(fmt.Sprintf("it has schema %d, and this version reads up to %d", number, k.Schema))
	}
	value, ok := members[k.member()]
	if !ok || string(value) == "null" {
		return k.Unreadable("it has no " + k.member())
	}
	for ; number < k.Schema; number++ {
		migrated, err := k.Migrations[number-1](value)
		if err != nil {
			return k.Unreadable(fmt.Sprintf("it could not be brought from schema %d to %d (%v)", number, number+1, err))
		}
		value = migrated
	}
	if err := json.Unmarshal(value, into); err != nil {
		return k.Unreadable("its content is not that of a " + string(k.Name) + " (" + err.Error() + ")")
	}
	return nil
}
