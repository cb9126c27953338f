package stage2

import "encoding/binary"

var amd64 = Arch{
	name:    "amd64",
	machine: 62, // EM_X86_64
	numbers: numbers{prctl: 157, sigprocmask: 14, signalfd: 289, dup3: 292, ppoll: 271,
		read: 0, wait4: 61, sendto: 44, recvmsg: 47, exitGroup: 231},
	code: assembleAMD64,
}

// assembleAMD64 returns the interpreter. Registers: rbx the operation, r12 its
// flags, r14 the data segment; none of them changes in a system call, and no
// stack is used, so forked processes and threads without one run the same code.
func assembleAMD64() []byte {
	a := &assembler{}
	short := func(opcode byte, label string) { // jcc rel8
		a.bytes(opcode, 0)
		a.reference(label, func(code []byte, at, target int) { code[at-1] = byte(target - at) })
	}
	near := func(label string) { // jmp rel32
		a.bytes(0xe9, 0, 0, 0, 0)
		a.reference(label, func(code []byte, at, target int) {
			binary.LittleEndian.PutUint32(code[at-4:], uint32(target-at))
		})
	}
	const jz, jnz, je, jne, jae = 0x74, 0x75, 0x74, 0x75, 0x73

	a.bytes(0x49, 0xbe) // mov r14, dataBase
	a.code = binary.LittleEndian.AppendUint64(a.code, dataBase)
	a.bytes(0x48, 0xbb) // mov rbx, progBase
	a.code = binary.LittleEndian.AppendUint64(a.code, progBase)

	a.place("loop")
	a.bytes(0x4c, 0x8b, 0x63, 56) // mov r12, [rbx+56]
	for i, reg := range [6]struct{ load, deref [3]byte }{
		{[3]byte{0x48, 0x8b, 0x7b}, [3]byte{0x48, 0x8b, 0x3f}}, // mov rdi, [rbx+8];  mov rdi, [rdi]
		{[3]byte{0x48, 0x8b, 0x73}, [3]byte{0x48, 0x8b, 0x36}}, // mov rsi, [rbx+16]; mov rsi, [rsi]
		{[3]byte{0x48, 0x8b, 0x53}, [3]byte{0x48, 0x8b, 0x12}}, // mov rdx, [rbx+24]; mov rdx, [rdx]
		{[3]byte{0x4c, 0x8b, 0x53}, [3]byte{0x4d, 0x8b, 0x12}}, // mov r10, [rbx+32]; mov r10, [r10]
		{[3]byte{0x4c, 0x8b, 0x43}, [3]byte{0x4d, 0x8b, 0x00}}, // mov r8,  [rbx+40]; mov r8,  [r8]
		{[3]byte{0x4c, 0x8b, 0x4b}, [3]byte{0x4d, 0x8b, 0x09}}, // mov r9,  [rbx+48]; mov r9,  [r9]
	} {
		a.bytes(reg.load[:]...)
		a.bytes(byte(8 + 8*i))
		a.bytes(0x41, 0xf6, 0xc4, 1<<i) // test r12b, 1<<i
		a.bytes(jz, 3)
		a.bytes(reg.deref[:]...)
	}
	a.bytes(0x48, 0x89, 0xf8)             // mov rax, rdi
	a.bytes(0x41, 0xf6, 0xc4, flagMove)   // test r12b, flagMove
	short(jnz, "done")                    // jnz done
	a.bytes(0x48, 0x8b, 0x03)             // mov rax, [rbx]
	a.bytes(0x0f, 0x05)                   // syscall
	a.place("done")                       //
	a.bytes(0x4c, 0x8b, 0x6b, 64)         // mov r13, [rbx+64]
	a.bytes(0x4d, 0x85, 0xed)             // test r13, r13
	short(jz, "kept")                     // jz kept
	a.bytes(0x41, 0xf6, 0xc4, 0x80)       // test r12b, flagResultInd
	short(jz, "keep")                     // jz keep
	a.bytes(0x4d, 0x8b, 0x6d, 0)          // mov r13, [r13]
	a.place("keep")                       //
	a.bytes(0x49, 0x89, 0x45, 0)          // mov [r13], rax
	a.place("kept")                       //
	a.bytes(0x49, 0x89, 0x5e, offFault+8) // mov [r14+8], rbx
	a.bytes(0x49, 0x89, 0x46, offFault+16)
	// ^ mov [r14+16], rax
	test := func(flag uint32) { // test r12d, flag
		a.bytes(0x41, 0xf7, 0xc4)
		a.code = binary.LittleEndian.AppendUint32(a.code, flag)
	}
	a.bytes(0x48, 0x8b, 0x4b, 80) // mov rcx, [rbx+80]
	test(flagCompareInd)
	short(jz, "compare")      // jz compare
	a.bytes(0x48, 0x8b, 0x09) // mov rcx, [rcx]
	a.place("compare")
	test(flagJumpEqual)
	short(jz, "unequal")      // jz unequal
	a.bytes(0x48, 0x39, 0xc8) // cmp rax, rcx
	short(je, "take")         // je take
	a.place("unequal")
	test(flagJumpUnequal)
	short(jz, "error")        // jz error
	a.bytes(0x48, 0x39, 0xc8) // cmp rax, rcx
	short(jne, "take")        // jne take
	a.place("error")
	test(flagJumpError)
	short(jz, "always")                         // jz always
	a.bytes(0x48, 0x3d, 0x01, 0xf0, 0xff, 0xff) // cmp rax, -4095
	short(jae, "take")                          // jae take
	a.place("always")
	test(flagJump)
	short(jnz, "take")                // jnz take
	a.bytes(0x48, 0x83, 0xc3, opSize) // add rbx, opSize
	near("loop")                      // jmp loop
	a.place("take")
	a.bytes(0x48, 0x8b, 0x5b, 72) // mov rbx, [rbx+72]
	near("loop")                  // jmp loop
	return a.finish()
}
