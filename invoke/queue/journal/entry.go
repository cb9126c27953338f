package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Kind says what an Op does.
type Kind byte

// Kinds of an Op.
const (
	// Put adds a record, or replaces it.
	Put Kind = iota + 1
	// Set changes a record's state. One that is not there is left alone.
	Set
	// Done removes a record. One that is not there is left alone.
	Done
)

// Op is one change of a record. The journal keeps the slices until Commit
// returns.
type Op struct {
	Kind    Kind
	ID      string
	State   []byte // Put and Set
	Payload []byte // Put
}

// version is the first byte of an entry: how the rest is to be read.
//
//	version, then for each op: kind, id, state unless Done, payload if Put
//
// id, state and payload are a length as a uvarint, and that many bytes.
const version = 1

var errEntry = errors.New("not an entry of this version of hearth")

// size is the length of an op in an entry, rounded up.
func (o *Op) size() int {
	return 1 + 3*binary.MaxVarintLen32 + len(o.ID) + len(o.State) + len(o.Payload)
}

func appendOp(b []byte, o *Op) []byte {
	b = append(b, byte(o.Kind))
	b = append(binary.AppendUvarint(b, uint64(len(o.ID))), o.ID...)
	if o.Kind == Put || o.Kind == Set {
		b = append(binary.AppendUvarint(b, uint64(len(o.State))), o.State...)
	}
	if o.Kind == Put {
		b = append(binary.AppendUvarint(b, uint64(len(o.Payload))), o.Payload...)
	}
	return b
}

// decode calls fn for each op of an entry. The slices are parts of entry.
func decode(entry []byte, fn func(Op)) error {
	if len(entry) == 0 || entry[0] != version {
		return errEntry
	}
	for rest := entry[1:]; len(rest) > 0; {
		o := Op{Kind: Kind(rest[0])}
		if o.Kind < Put || o.Kind > Done {
			return fmt.Errorf("operation of kind %d: %w", o.Kind, errEntry)
		}
		id, rest2, err := field(rest[1:])
		if o.ID, rest = string(id), rest2; err == nil && o.Kind != Done {
			o.State, rest, err = field(rest)
		}
		if err == nil && o.Kind == Put {
			o.Payload, rest, err = field(rest)
		}
		if err != nil {
			return err
		}
		fn(o)
	}
	return nil
}

// field splits off a length and that many bytes.
func field(b []byte) (value, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, fmt.Errorf("cut off: %w", errEntry)
	}
	end := size + int(n) //nolint:gosec // not above len(b)
	return b[size:end:end], b[end:], nil
}
