package stage2

// Where things are in the memory of the program. All addresses are fixed, so
// that Go writes absolute pointers into tables. The base is far from where the
// kernel puts anything else and fits the smallest arm64 address space (39 bits).
const (
	base     = 0x60_0000_0000
	dataBase = base + 0x1_0000 // writable: variables, then the resident program
	progBase = dataBase + progOffset
	// tableBase is where received tables land and run.
	tableBase = dataBase + 0x4000

	// TableSize is how large an encoded Table may be.
	TableSize = 128 << 10
)

// Offsets of the variables from dataBase. The first three words are a Fault
// message and the next three an Exit message, ready to be sent.
const (
	offFault  = 0x000 // kind, address of the last operation, its result
	offExit   = 0x018 // kind, address of the slot, wait status
	offPid    = 0x030 // the pid that was reaped last
	offPoll   = 0x038 // two struct pollfd
	offMask   = 0x048 // all signals
	offChild  = 0x050 // SIGCHLD alone
	offMsg    = 0x058 // struct msghdr of recvmsg
	offIov    = 0x090 // its struct iovec
	offSignal = 0x0a0 // struct signalfd_siginfo
	offSlots  = 0x120 // the pid of each slot, or 0
	offVars   = offSlots + 8*Slots
	offCmsg   = offVars + 8*Vars // received descriptors, after a header of 16 bytes
	cmsgSize  = 16 + 4*MaxFDs
	// progOffset leaves room for all of the above.
	progOffset = 0x800
)

// Limits of a stage 2 process.
const (
	// Slots is how many started processes it can tell apart at a time.
	Slots = 32
	// Vars is how many variables tables have for results.
	Vars = 32
	// MaxFDs is how many descriptors go with one table; the kernel's limit is 253.
	MaxFDs = 253
)

// Descriptors that every stage 2 process has, beside /dev/null as 0 to 2.
const (
	ControlFD = 3 // the socket that tables come from
	signalFD  = 4 // SIGCHLD
	// GroupFD is kept for one descriptor of the tables' choice under a known
	// number; struct clone_args needs the control group's so. At first it is a
	// placeholder.
	GroupFD = 5
	// FirstFreeFD is the lowest descriptor that received ones may have.
	FirstFreeFD = 6
)

// Slot returns the address of the variable that holds the pid of slot i: the
// Result of the call that forks its process. While it is not 0 the end of that
// pid is reported as Exit of slot i, once; processes in no slot are reaped
// silently, so a storm of orphans costs the daemon nothing.
func Slot(i int) uint64 { return dataBase + offSlots + 8*uint64(i) }

// Var returns the address of variable i.
func Var(i int) uint64 { return dataBase + offVars + 8*uint64(i) }

// FD returns the i-th descriptor that came with the table, as an argument for
// a parameter of type int.
func FD(i int) Arg { return Load(dataBase + offCmsg + 16 + 4*uint64(i)) }
