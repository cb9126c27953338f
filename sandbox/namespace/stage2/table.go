package stage2

import (
	"encoding/binary"
	"fmt"
)

// opSize is the size of an encoded operation: twelve words, of which the last
// is unused.
const opSize = 96

// Flags of an operation. The low six bits load argument i from the address
// that it holds.
const (
	flagMove        = 1 << 6  // no system call: the result is argument 0
	flagResultInd   = 1 << 7  // Result holds the address to store to
	flagJumpEqual   = 1 << 8  // go to next when result == cmp
	flagJumpUnequal = 1 << 9  // go to next when result != cmp
	flagJumpError   = 1 << 10 // go to next when the result is an errno
	flagJump        = 1 << 11 // go to next
	flagCompareInd  = 1 << 12 // cmp holds the address to compare with
)

// Arg is an argument of an operation.
type Arg struct {
	word uint64
	load bool
}

// Word is what a constant of a system call may be.
type Word interface {
	~int | ~int64 | ~uint64 | ~uint32 | ~int32 | ~uint16 | ~uintptr
}

// Int is a constant, or an address of the stage 2 process.
func Int[T Word](v T) Arg {
	return Arg{word: uint64(v)}
}

// Load is the 64-bit value at an address when the operation runs.
func Load(address uint64) Arg { return Arg{word: address, load: true} }

// Label is a place in a table that operations jump to.
type Label int

// op is an operation before encoding. A jump goes to target, a Label of the
// table, or to the absolute address next.
type op struct {
	what   string
	nr     uint64
	args   [6]uint64
	flags  uint64
	result uint64
	cmp    uint64
	next   uint64
	target Label // 0: next counts
}

// Table is a program for stage 2: operations and the data that they point to.
// The zero value is an empty table. Errors of building are kept until Encode.
//
// Layout of the encoded table: a jump over the data, the data, the operations.
// Data comes first so that its addresses are known as soon as it is added.
type Table struct {
	ops    []op
	data   []byte
	labels []int // index of the operation that label i+1 stands for; -1: not placed
}

// Op refers to an operation that was just added, to say more about it.
type Op struct{ op *op }

// Bytes adds data and returns its address. It is aligned to 8 bytes.
func (t *Table) Bytes(b []byte) Arg {
	for len(t.data)%8 != 0 {
		t.data = append(t.data, 0)
	}
	at := t.address(len(t.data))
	t.data = append(t.data, b...)
	return Arg{word: at}
}

// String adds a NUL-terminated string and returns its address.
func (t *Table) String(s string) Arg { return t.Bytes(append([]byte(s), 0)) }

// Words adds an array of 64-bit words and returns its address.
func (t *Table) Words(words ...Arg) Arg {
	b := make([]byte, 0, 8*len(words))
	for _, w := range words {
		b = binary.NativeEndian.AppendUint64(b, w.word)
	}
	return t.Bytes(b)
}

// Strings adds a NULL-terminated array of strings, as execve wants it.
func (t *Table) Strings(list []string) Arg {
	words := make([]Arg, 0, len(list)+1)
	for _, s := range list {
		words = append(words, t.String(s))
	}
	return t.Words(append(words, Arg{})...)
}

// address returns the address of an offset into the data.
func (t *Table) address(offset int) uint64 { return tableBase + opSize + uint64(offset) }

// Call adds a system call. what names it in a Fault.
func (t *Table) Call(what string, nr uintptr, args ...Arg) Op {
	o := op{what: what, nr: uint64(nr)}
	for i, a := range args {
		o.args[i] = a.word
		if a.load {
			o.flags |= 1 << i
		}
	}
	t.ops = append(t.ops, o)
	return Op{&t.ops[len(t.ops)-1]}
}

// Move adds an operation whose result is v.
func (t *Table) Move(v Arg) Op {
	o := t.Call("move", 0, v)
	o.op.flags |= flagMove
	return o
}

// Label returns a new label, to be placed with Place.
func (t *Table) Label() Label {
	t.labels = append(t.labels, -1)
	return Label(len(t.labels))
}

// Place lets a label stand for the operation that is added next.
func (t *Table) Place(l Label) { t.labels[l-1] = len(t.ops) }

// Jump goes on at l.
func (t *Table) Jump(l Label) { t.Move(Arg{}).to(flagJump, l) }

// Resume ends the table: the process returns to its resident program and waits
// for the next one.
func (t *Table) Resume() {
	o := t.Move(Arg{})
	o.op.flags |= flagJump
	o.op.next = loopAddress
}

// Store keeps the result at an address.
func (o Op) Store(address uint64) Op {
	o.op.result = address
	return o
}

// IfError jumps to l when the call failed.
func (o Op) IfError(l Label) Op { return o.to(flagJumpError, l) }

// IfEqual jumps to l when the result is v.
func (o Op) IfEqual(v int64, l Label) Op {
	o.op.cmp = uint64(v)
	return o.to(flagJumpEqual, l)
}

// IfUnequal jumps to l when the result is not v.
func (o Op) IfUnequal(v int64, l Label) Op {
	o.op.cmp = uint64(v)
	return o.to(flagJumpUnequal, l)
}

func (o Op) to(flag uint64, l Label) Op {
	o.op.flags |= flag
	o.op.target = l
	return o
}

// Encode returns the message that makes a stage 2 process run the table.
func (t *Table) Encode() ([]byte, error) {
	for len(t.data)%8 != 0 {
		t.data = append(t.data, 0)
	}
	first := t.address(len(t.data))
	out := op{flags: flagMove | flagJump, next: first}.append(nil)
	out = append(out, t.data...)
	for _, o := range t.ops {
		if o.target != 0 {
			at := t.labels[o.target-1]
			if at < 0 {
				return nil, fmt.Errorf("stage 2 table: label of %q was never placed", o.what)
			}
			o.next = first + opSize*uint64(at)
		}
		out = o.append(out)
	}
	if len(out) > TableSize {
		return nil, fmt.Errorf("stage 2 table: %d bytes of %d: arguments and environment are too long", len(out), TableSize)
	}
	return out, nil
}

// What returns the name of the operation that a Fault names.
func (t *Table) What(f Fault) string {
	first := t.address(len(t.data))
	i := int(f.Address-first) / opSize
	if f.Address < first || i >= len(t.ops) {
		return fmt.Sprintf("operation at %#x", f.Address)
	}
	return t.ops[i].what
}

func (o op) append(b []byte) []byte {
	b = binary.NativeEndian.AppendUint64(b, o.nr)
	for _, a := range o.args {
		b = binary.NativeEndian.AppendUint64(b, a)
	}
	for _, w := range []uint64{o.flags, o.result, o.next, o.cmp, 0} {
		b = binary.NativeEndian.AppendUint64(b, w)
	}
	return b
}

// Address returns the constant that an Arg is, which for data is its address.
func (a Arg) Address() uint64 { return a.word }
