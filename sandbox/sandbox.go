// Package sandbox is the contract between an execution environment and what
// isolates it. A Driver makes Sandboxes; a Sandbox runs the processes of one
// environment: the runtime, and the extensions beside it.
//
// # Life of a sandbox
//
//	Create ── Start* ──┬── KillAll ── Start* ──┬── Close
//	  │                └── (crash, timeout) ───┘
//	  └ listener open, nothing running
//
// Create builds everything that does not depend on a process: namespaces,
// root file system, limits, an empty /tmp, and the Runtime API listener, which
// is open before the first process can run. Start runs a process in it.
// KillAll ends every process and keeps the rest: a reset environment finds its
// /tmp and its limits again. Close ends everything and removes every trace
// from the host; after a crash of the daemon, the next daemon's driver removes
// what was left (see Driver).
//
// # What every driver promises
//
//   - The processes of one sandbox share a file system, a network and a
//     Runtime API address; how far they are apart from other sandboxes and the
//     host is the driver's Capabilities, as data.
//   - A process that ends, however it ends, is reported by its Process.Done
//     within milliseconds. A dead process is never reported alive.
//   - Close returns when no process of the sandbox runs any more.
//   - All methods may be called from several goroutines.
//
// Package sandboxtest holds the suite that shows it; a new driver passes it.
// What a driver cannot do it leaves out of its Capabilities, and optional
// abilities are small extra interfaces (Freezer, Inside, Local, Restorer), never a
// stub.
package sandbox

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
)

// Errors that callers tell apart. Everything else a driver returns is a fault
// of the host.
var (
	// ErrEntrypoint: the command does not exist in the sandbox, is not
	// executable, or its interpreter line names nothing. AWS calls it
	// Runtime.InvalidEntrypoint.
	ErrEntrypoint = errors.New("entrypoint cannot be executed")
	// ErrWorkingDir: Command.Dir is missing. Runtime.InvalidWorkingDir.
	ErrWorkingDir = errors.New("working directory cannot be entered")
	// ErrClosed: the sandbox was closed or has died.
	ErrClosed = errors.New("sandbox is closed")
)

// Driver makes sandboxes. New of a driver package probes the host, removes
// what a killed predecessor with the same state directory left behind, and
// fails when the driver cannot work at all.
type Driver interface {
	// Name is the name that --sandbox takes.
	Name() string
	// Capabilities says what the driver enforces on this host. It does not change.
	Capabilities() Capabilities
	// Create builds a sandbox. ctx bounds the building, not the sandbox's
	// life. The caller owns the result and must Close it.
	Create(ctx context.Context, spec Spec) (Sandbox, error)
	// Close closes every sandbox that is still open and frees the driver.
	Close() error
}

// Capabilities are what a driver enforces on this host.
type Capabilities struct {
	Files     bool // own root, read-only but for /tmp; nothing of other sandboxes or of the host's data
	Processes bool // sees and signals its own processes only
	Network   bool // own network namespace: own loopback, own Runtime API address
	User      bool // runs as an unprivileged uid, without capabilities, under seccomp
	Memory    bool // Spec.MemoryBytes is enforced
	CPU       bool // Spec.CPU is enforced
	Pids      bool // Spec.MaxProcesses is enforced
	TmpQuota  bool // Spec.TmpBytes is enforced
	Freeze    bool // sandboxes implement Freezer
	Restore   bool // sandboxes implement Restorer
	Outbound  bool // NetworkNAT leads out; without it, it is NetworkNone, or the host's where Network does not hold
	// Missing lists what this host does not let the driver enforce, for the
	// log at start and for `hearth doctor`. Empty: everything is enforced.
	Missing []Missing
}

// Missing is one thing that the host does not allow.
type Missing struct {
	What string // what is not enforced: "memory limit"
	Why  string // what was found: "no memory controller in the daemon's cgroup"
	Fix  string // what the operator can do, as a command or a setting where there is one
}

// Spec describes a sandbox. The host directories in it must exist, must stay
// unchanged until Close, and are shown read-only.
type Spec struct {
	// ID is unique among the daemon's sandboxes: letters, digits and '-', at
	// most 64. It names directories and cgroups on the host.
	ID string

	Task    string // host directory shown as /var/task
	Opt     string // host directory shown as /opt; empty: an empty one
	Runtime string // host directory shown as /var/runtime; empty: an empty one
	// Mounts are further host directories or files, shown read-only at the
	// same or another path. A driver without its own root ignores them.
	Mounts []Mount
	// Lang is a host directory shown as /var/lang: the prefix of the
	// interpreter. Empty: an empty one.
	Lang string

	MemoryBytes  int64   // limit over all processes; 0: none
	CPU          float64 // share of cores, 1 = one core's worth; 0: default
	MaxProcesses int     // processes and threads; 0: the driver's default (at most 1024)
	TmpBytes     int64   // size of /tmp; 0: the driver's default (512 MiB where it is enforced)
	Network      Network
}

// Mount shows a host path in the sandbox, read-only.
type Mount struct {
	Source string // absolute path on the host
	Target string // absolute path in the sandbox
}

// Network says what a sandbox reaches besides itself.
type Network string

// The networks of a sandbox. A driver without Capabilities.Network gives every
// sandbox the host's.
const (
	NetworkNone Network = "none" // loopback only
	NetworkNAT  Network = "nat"  // outbound through the host, with Capabilities.Outbound: not to the host itself
	NetworkHost Network = "host" // outbound as if it were the host
)

// Paths are the places of a sandbox as its processes see them. A driver
// without its own root gives host paths.
type Paths struct {
	Task    string // LAMBDA_TASK_ROOT
	Runtime string // LAMBDA_RUNTIME_DIR
	Opt     string
	Lang    string
	Tmp     string
}

// Sandbox runs the processes of one environment.
type Sandbox interface {
	ID() string
	// Paths says where processes find their files.
	Paths() Paths
	// Listener accepts the connections of this sandbox's processes to the
	// Runtime API, and nobody else's where Capabilities.Network holds. The
	// sandbox owns it: Close closes it.
	Listener() net.Listener
	// RuntimeAPI is the host:port that processes dial: AWS_LAMBDA_RUNTIME_API.
	RuntimeAPI() string
	// Start runs a command and returns once it executes; ErrEntrypoint,
	// ErrWorkingDir when it cannot. ctx bounds the start only.
	Start(ctx context.Context, cmd Command) (Process, error)
	// KillAll kills every process with SIGKILL and returns when they are gone.
	// The sandbox stays usable.
	KillAll(ctx context.Context) error
	// Usage measures; see Usage.
	Usage() (Usage, error)
	// Done is closed when the sandbox is closed or can no longer be used.
	Done() <-chan struct{}
	// Close kills every process, waits for them, and removes every trace. It
	// may be called more than once.
	Close() error
}

// Freezer is a Sandbox that can stop and continue all its processes at once.
// While frozen no process uses CPU; Close and KillAll work on a frozen sandbox.
type Freezer interface {
	Freeze() error
	Thaw() error
}

// Inside is a Sandbox whose own network the daemon can use: to deliver
// telemetry to a subscriber, and to be the X-Ray daemon. A driver without
// Capabilities.Network gives every sandbox the host's loopback.
type Inside interface {
	// Dial connects to a TCP port that a process of the sandbox listens on, at
	// its loopback address. ctx bounds the connecting.
	Dial(ctx context.Context, port int) (net.Conn, error)
	// ListenPacket opens a UDP socket that the processes of the sandbox can
	// send to, and returns the host:port that they send to. The caller closes
	// it. port is a wish: where sandboxes share a network it is another one.
	ListenPacket(ctx context.Context, port int) (conn net.PacketConn, address string, err error)
}

// Local is a Sandbox whose processes can reach the daemon through a socket in
// their file system: what runtimes that have several processes write their logs
// to.
type Local interface {
	// ListenUnix opens a Unix stream socket that the processes of the sandbox
	// can connect to, and returns its path as they see it. The caller closes it.
	// It may be called once.
	ListenUnix(ctx context.Context) (l *net.UnixListener, path string, err error)
}

// Command is a process to be.
type Command struct {
	Args []string // Args[0] is a path in the sandbox
	Env  []string // KEY=value; the whole environment
	Dir  string   // working directory in the sandbox; empty: Paths.Task
	// Stdout and Stderr are duplicated into the process. The caller keeps and
	// closes its own. Nil: /dev/null.
	Stdout, Stderr *os.File
	// Log, when not nil, is duplicated into the process as descriptor LogFD.
	Log *os.File
}

// LogFD is the descriptor of Command.Log: _LAMBDA_TELEMETRY_LOG_FD.
const LogFD = 62

// Process is a running or ended process.
type Process interface {
	// Signal sends a signal to the process. After its end: os.ErrProcessDone.
	Signal(sig syscall.Signal) error
	// Done is closed when the process has ended.
	Done() <-chan struct{}
	// Exit says how it ended; only valid after Done.
	Exit() Exit
}

// Exit is how a process ended.
type Exit struct {
	Code   int            // exit status, when Signal is 0
	Signal syscall.Signal // the signal that ended it, or 0
}

// Usage is what a sandbox used so far. Fields that the driver cannot measure
// are 0.
type Usage struct {
	// MemoryPeak is the most that was in use since Create, in bytes: what processes
	// had resident, mapped files included, without the cache of files as far as a
	// driver can tell.
	MemoryPeak int64
	// MemoryOwn is MemoryPeak without what other sandboxes had in use, too, such as
	// libraries that both have mapped, as far as a driver can tell.
	MemoryOwn int64
	OOMKills  int64 // processes killed for exceeding the memory limit
}
