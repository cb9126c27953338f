package stage2

import "encoding/binary"

// numbers are the system calls of the resident program on one architecture.
type numbers struct {
	prctl, sigprocmask, signalfd, dup3, ppoll, read, wait4, sendto, recvmsg, exitGroup uintptr
}

// Places in the resident program, as indexes of operations.
const (
	bootOps     = 4
	loopIndex   = bootOps
	reapIndex   = loopIndex + 2
	foundIndex  = reapIndex + 1 + 2*Slots + 1
	recvIndex   = foundIndex + 3
	dieIndex    = recvIndex + 6
	loopAddress = progBase + opSize*loopIndex
)

// Constants of the kernel, the same on both architectures.
const (
	prSetDumpable = 4
	sigBlock      = 0
	sigChild      = 17
	sfdFlags      = 0o2004000 // SFD_NONBLOCK | SFD_CLOEXEC
	closeOnExec   = 0o2000000 // O_CLOEXEC
	waitNoHang    = 1
	pollIn        = 1
	again         = -11        // -EAGAIN
	interrupted   = -4         // -EINTR
	msgNoSignal   = 0x4000     // MSG_NOSIGNAL
	msgDontWait   = 0x40       // MSG_DONTWAIT
	msgCloexec    = 0x40000000 // MSG_CMSG_CLOEXEC
	bufSignal     = 128
	sizeofSigset  = 8
)

// resident is the program that a stage 2 process runs between tables:
//
//	boot:  become undumpable, block all signals, signalfd for SIGCHLD,
//	       placeholder for the group
//	loop:  ppoll(control, signalfd); read signalfd
//	reap:  pid = wait4(-1, WNOHANG); none -> recv
//	       for each slot: slot == pid -> found
//	       -> reap
//	found: slot = 0; send Exit; -> reap
//	recv:  recvmsg(control): nothing -> loop, end of file or error -> die
//	       -> the received table
//	die:   exit_group(0)
//
// It looks at no poll result: it tries to reap and to receive, which both say
// when there is nothing. Boot runs once; forked stage 2 processes start at loop.
func resident(n numbers) []op {
	at := func(index int) uint64 { return progBase + opSize*uint64(index) }
	data := func(offset uint64) uint64 { return dataBase + offset }
	call := func(nr uintptr, args ...uint64) op {
		o := op{nr: uint64(nr)}
		copy(o.args[:], args)
		return o
	}
	ops := []op{
		call(n.prctl, prSetDumpable, 0),
		call(n.sigprocmask, sigBlock, data(offMask), 0, sizeofSigset),
		call(n.signalfd, ^uint64(0), data(offChild), sizeofSigset, sfdFlags),
		call(n.dup3, signalFD, GroupFD, closeOnExec),
		// loop
		call(n.ppoll, data(offPoll), 2, 0, 0),
		call(n.read, signalFD, data(offSignal), bufSignal),
	}
	// boot: the signalfd is the lowest free descriptor, which must be signalFD.
	ops[2].flags, ops[2].cmp, ops[2].next = flagJumpUnequal, signalFD, at(dieIndex)

	reap := call(n.wait4, ^uint64(0), data(offExit+16), waitNoHang, 0)
	reap.result = data(offPid)
	reap.flags, reap.next = flagJumpEqual|flagJumpError, at(recvIndex)
	ops = append(ops, reap)
	for i := range Slots {
		ops = append(ops,
			op{flags: flagMove, args: [6]uint64{Slot(i)}, result: data(offExit + 8)},
			op{flags: flagMove | 1 | flagJumpEqual | flagCompareInd, args: [6]uint64{Slot(i)}, cmp: data(offPid), next: at(foundIndex)})
	}
	ops = append(ops, op{flags: flagMove | flagJump, next: at(reapIndex)})

	// found
	sent := call(n.sendto, ControlFD, data(offExit), messageSize, msgNoSignal)
	sent.flags, sent.next = flagJumpError, at(dieIndex)
	ops = append(ops,
		op{flags: flagMove | flagResultInd, result: data(offExit + 8)},
		sent,
		op{flags: flagMove | flagJump, next: at(reapIndex)})

	// recv: the kernel wrote the length of the last control message over the
	// size of the buffer.
	recv := call(n.recvmsg, ControlFD, data(offMsg), msgDontWait|msgCloexec)
	recv.result = data(offPid)
	recv.flags, recv.next = flagJumpEqual, at(dieIndex) // end of file
	received := op{flags: flagMove | 1, args: [6]uint64{data(offPid)}}
	return append(ops,
		op{flags: flagMove, args: [6]uint64{cmsgSize}, result: data(offMsg + 40)},
		recv,
		received.jump(flagJumpEqual, again, at(loopIndex)),
		received.jump(flagJumpEqual, interrupted, at(loopIndex)),
		received.jump(flagJumpError, 0, at(dieIndex)),
		op{flags: flagMove | flagJump, next: tableBase},
		// die
		call(n.exitGroup, 0))
}

// jump returns the operation with a conditional jump added.
func (o op) jump(flag uint64, cmp int64, next uint64) op {
	o.flags |= flag
	o.cmp, o.next = uint64(cmp), next
	return o
}

// image returns the initial data segment: the variables and the program.
func image(n numbers) []byte {
	b := make([]byte, progOffset)
	put := func(offset int, v uint64) { binary.NativeEndian.PutUint64(b[offset:], v) }
	put(offFault, kindFault)
	put(offExit, kindExit)
	put(offPoll, ControlFD|pollIn<<32)
	put(offPoll+8, signalFD|pollIn<<32)
	put(offMask, ^uint64(0))
	put(offChild, 1<<(sigChild-1))
	put(offMsg+16, dataBase+offIov)
	put(offMsg+24, 1)
	put(offMsg+32, dataBase+offCmsg)
	put(offIov, tableBase)
	put(offIov+8, TableSize)
	for _, o := range resident(n) {
		b = o.append(b)
	}
	return b
}
