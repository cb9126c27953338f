package stage2

import "encoding/binary"

// assembler collects machine code. Jumps to labels that are placed later are
// filled in by finish.
type assembler struct {
	code   []byte
	places map[string]int
	fixups []fixup
}

// fixup is a jump whose distance is not known yet.
type fixup struct {
	label string
	at    int // offset of the instruction's field (amd64) or word (arm64)
	patch func(code []byte, at, target int)
}

func (a *assembler) bytes(b ...byte) { a.code = append(a.code, b...) }

func (a *assembler) word(w uint32) { a.code = binary.LittleEndian.AppendUint32(a.code, w) }

func (a *assembler) place(label string) {
	if a.places == nil {
		a.places = make(map[string]int)
	}
	a.places[label] = len(a.code)
}

func (a *assembler) reference(label string, patch func(code []byte, at, target int)) {
	a.fixups = append(a.fixups, fixup{label, len(a.code), patch})
}

func (a *assembler) finish() []byte {
	for _, f := range a.fixups {
		f.patch(a.code, f.at, a.places[f.label])
	}
	return a.code
}
