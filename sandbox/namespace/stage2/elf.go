package stage2

import (
	"encoding/binary"
	"fmt"
	"runtime"
)

// Arch is a processor architecture that stage 2 can be made for.
type Arch struct {
	name    string // as GOARCH
	machine uint16 // e_machine
	numbers numbers
	code    func() []byte
}

// Architectures returns those that stage 2 can be made for.
func Architectures() []Arch { return []Arch{amd64, arm64} }

// Host returns the architecture of this process.
func Host() (Arch, error) {
	for _, a := range Architectures() {
		if a.name == runtime.GOARCH {
			return a, nil
		}
	}
	return Arch{}, fmt.Errorf("stage 2 is not available for %s", runtime.GOARCH)
}

// Name is the architecture in GOARCH's spelling.
func (a Arch) Name() string { return a.name }

// Sizes of ELF structures, and the alignment of segments: the largest page of
// arm64.
const (
	ehdrSize  = 64
	phdrSize  = 56
	segments  = 3
	codeStart = ehdrSize + segments*phdrSize
	pageAlign = 0x1_0000
)

// ELF returns the executable: the header and the code in one read-only
// segment, the variables and the resident program in a writable one, and a
// stack that is neither used nor executable.
func (a Arch) ELF() []byte {
	code, data := a.code(), image(a.numbers)
	codeEnd := codeStart + len(code)
	// The offset of a segment must equal its address modulo the alignment; the
	// data sits right behind the code in the file, so it is aligned in the
	// smallest page and mapped by the kernel with the rest of that page.
	dataOffset := (codeEnd + 0xfff) &^ 0xfff

	b := make([]byte, 0, dataOffset+len(data))
	b = append(b, 0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0) // 64-bit, little-endian, current
	le := binary.LittleEndian
	b = le.AppendUint16(b, 2) // ET_EXEC
	b = le.AppendUint16(b, a.machine)
	b = le.AppendUint32(b, 1)
	b = le.AppendUint64(b, base+codeStart) // entry
	b = le.AppendUint64(b, ehdrSize)       // program headers
	b = le.AppendUint64(b, 0)              // no sections
	b = le.AppendUint32(b, 0)
	for _, v := range []uint16{ehdrSize, phdrSize, segments, 0, 0, 0} {
		b = le.AppendUint16(b, v)
	}
	const load, gnuStack, read, write, exec = 1, 0x6474e551, 4, 2, 1
	segment := func(typ, flags uint32, offset, address, fileSize, memSize, align uint64) {
		b = le.AppendUint32(b, typ)
		b = le.AppendUint32(b, flags)
		for _, v := range []uint64{offset, address, address, fileSize, memSize, align} {
			b = le.AppendUint64(b, v)
		}
	}
	segment(load, read|exec, 0, base, uint64(codeEnd), uint64(codeEnd), pageAlign)
	segment(load, read|write, uint64(dataOffset), dataBase, uint64(len(data)), tableBase-dataBase+TableSize, 0x1000)
	segment(gnuStack, read|write, 0, 0, 0, 0, 16)
	b = append(b, code...)
	b = append(b, make([]byte, dataOffset-len(b))...)
	return append(b, data...)
}
