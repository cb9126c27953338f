package stage2

import "encoding/binary"

var arm64 = Arch{
	name:    "arm64",
	machine: 183, // EM_AARCH64
	numbers: numbers{prctl: 167, sigprocmask: 135, signalfd: 74, dup3: 24, ppoll: 73,
		read: 63, wait4: 260, sendto: 206, recvmsg: 212, exitGroup: 94},
	code: assembleARM64,
}

// Registers of the interpreter on arm64, beside x0 to x5 and x8 of the call.
const (
	xAddr = 9  // where the result goes
	xCmp  = 10 // what the result is compared with
	xOp   = 19 // the operation
	xFlag = 20 // its flags
	xData = 21 // the data segment
)

// assembleARM64 returns the interpreter: the same steps as assembleAMD64.
func assembleARM64() []byte {
	a := &assembler{}
	ldr := func(rt, rn, offset uint32) uint32 { return 0xf9400000 | offset/8<<10 | rn<<5 | rt } // ldr xt, [xn, #offset]
	branch := func(label string) {                                                              // b label
		a.reference(label, func(code []byte, at, target int) {
			binary.LittleEndian.PutUint32(code[at:], 0x14000000|uint32((target-at)/4)&0x3ffffff)
		})
		a.word(0)
	}
	branchIf := func(condition uint32, label string) { // b.condition label
		a.reference(label, func(code []byte, at, target int) {
			binary.LittleEndian.PutUint32(code[at:], 0x54000000|uint32((target-at)/4)&0x7ffff<<5|condition)
		})
		a.word(0)
	}
	branchBit := func(opcode uint32, flag uint32, label string) { // tbz or tbnz w20, #bit, label
		bit := uint32(0)
		for flag>>bit != 1 {
			bit++
		}
		a.reference(label, func(code []byte, at, target int) {
			binary.LittleEndian.PutUint32(code[at:], opcode|bit<<19|uint32((target-at)/4)&0x3fff<<5|xFlag)
		})
		a.word(0)
	}
	const tbz, tbnz, eq, ne, hs = 0x36000000, 0x37000000, 0, 1, 2
	address := func(rd uint32, v uint64) { // movz xd, #v[0:16]; movk xd, #..., lsl 16, 32
		a.word(0xd2800000 | uint32(v&0xffff)<<5 | rd)
		a.word(0xf2a00000 | uint32(v>>16&0xffff)<<5 | rd)
		a.word(0xf2c00000 | uint32(v>>32&0xffff)<<5 | rd)
	}

	address(xData, dataBase)
	address(xOp, progBase)
	a.place("loop")
	a.word(ldr(xFlag, xOp, 56)) // ldr x20, [x19, #56]
	for i := range uint32(6) {
		next := string('0' + rune(i))
		a.word(ldr(i, xOp, 8+8*i)) // ldr xi, [x19, #8+8i]
		branchBit(tbz, 1<<i, next) // tbz w20, #i, next
		a.word(ldr(i, i, 0))       // ldr xi, [xi]
		a.place(next)              // next:
	}
	branchBit(tbnz, flagMove, "done")                       // tbnz w20, #6, done
	a.word(ldr(8, xOp, 0))                                  // ldr x8, [x19]
	a.word(0xd4000001)                                      // svc #0
	a.place("done")                                         //
	a.word(ldr(xAddr, xOp, 64))                             // ldr x9, [x19, #64]
	a.reference("kept", func(code []byte, at, target int) { // cbz x9, kept
		binary.LittleEndian.PutUint32(code[at:], 0xb4000000|uint32((target-at)/4)&0x7ffff<<5|xAddr)
	})
	a.word(0)
	branchBit(tbz, flagResultInd, "keep")               // tbz w20, #7, keep
	a.word(ldr(xAddr, xAddr, 0))                        // ldr x9, [x9]
	a.place("keep")                                     //
	a.word(0xf9000000 | xAddr<<5)                       // str x0, [x9]
	a.place("kept")                                     //
	a.word(0xa9000000 | 1<<15 | 0<<10 | xData<<5 | xOp) // stp x19, x0, [x21, #8]
	a.word(ldr(xCmp, xOp, 80))                          // ldr x10, [x19, #80]
	branchBit(tbz, flagCompareInd, "cmp")               // tbz w20, #12, cmp
	a.word(ldr(xCmp, xCmp, 0))                          // ldr x10, [x10]
	a.place("cmp")                                      //
	a.word(0xeb00001f | xCmp<<16)                       // cmp x0, x10
	branchBit(tbz, flagJumpEqual, "unequal")
	branchIf(eq, "take") // b.eq take
	a.place("unequal")
	branchBit(tbz, flagJumpUnequal, "error")
	branchIf(ne, "take") // b.ne take
	a.place("error")
	branchBit(tbz, flagJumpError, "always")
	a.word(0xb13ffc1f)   // cmn x0, #4095
	branchIf(hs, "take") // b.hs take
	a.place("always")
	branchBit(tbnz, flagJump, "take")
	a.word(0x91000000 | opSize<<10 | xOp<<5 | xOp) // add x19, x19, #opSize
	branch("loop")
	a.place("take")
	a.word(ldr(xOp, xOp, 72)) // ldr x19, [x19, #72]
	branch("loop")
	return a.finish()
}
