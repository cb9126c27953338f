package stage2

import (
	"encoding/binary"
	"fmt"
	"syscall"
)

// Kinds of a message, its first word.
const (
	kindExit  = 1
	kindReply = 2
	kindFault = 3

	messageSize = 24
)

// Message is what a stage 2 process sends: an Exit, a Reply or a Fault.
type Message interface{ message() }

// Exit says that the process of a slot has ended.
type Exit struct {
	Slot   int
	Status syscall.WaitStatus
}

// Reply is what a table sends on its own account.
type Reply struct{ Value int64 }

// Fault says which operation failed, and how. Table.What names it.
type Fault struct {
	Address uint64
	Errno   syscall.Errno
}

func (Exit) message()  {}
func (Reply) message() {}
func (Fault) message() {}

// ParseMessage reads one message.
func ParseMessage(b []byte) (Message, error) {
	if len(b) != messageSize {
		return nil, fmt.Errorf("stage 2 message of %d bytes", len(b))
	}
	kind, x, y := binary.NativeEndian.Uint64(b), binary.NativeEndian.Uint64(b[8:]), binary.NativeEndian.Uint64(b[16:])
	switch kind {
	case kindExit:
		slot := int(x-Slot(0)) / 8
		if x < Slot(0) || slot >= Slots {
			return nil, fmt.Errorf("stage 2 exit of an unknown slot %#x", x)
		}
		return Exit{Slot: slot, Status: syscall.WaitStatus(uint32(y))}, nil
	case kindReply:
		return Reply{Value: int64(y)}, nil
	case kindFault:
		return Fault{Address: x, Errno: syscall.Errno(-int64(y))}, nil
	default:
		return nil, fmt.Errorf("stage 2 message of unknown kind %d", kind)
	}
}

// ReplyWords adds an empty Reply to the table's data. It returns the address
// of the whole message and that of its value, to Store a result in.
func (t *Table) ReplyWords() (message Arg, value uint64) {
	message = t.Words(Int(kindReply), Int(0), Int(0))
	return message, message.word + 16
}

// FaultMessage is the address of the Fault of the operation that ran last:
// what failed when it is sent by the first operation after the jump.
func FaultMessage() Arg { return Arg{word: dataBase + offFault} }

// MessageSize is the length of any message.
func MessageSize() Arg { return Arg{word: messageSize} }
