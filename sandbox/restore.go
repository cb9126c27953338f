package sandbox

import (
	"context"
	"errors"
	"os"
)

// Errors of a Restorer, beside ErrClosed. Everything else is a fault of the host,
// or of the caller.
var (
	// ErrNotRestorable: a process has something that a snapshot cannot hold
	// faithfully, such as a connection to somebody else than the Runtime API, or
	// a child. The text names it, for the owner of the function: the same code
	// will most likely fail again.
	ErrNotRestorable = errors.New("processes cannot be restored")
	// ErrSnapshotInvalid: the snapshot is damaged, or was made by another driver
	// or version of it, on another kernel or processor, or from other files than
	// the sandbox shows. Another one has to be made; meanwhile the processes are
	// started as commands.
	ErrSnapshotInvalid = errors.New("snapshot cannot be used")
)

// Restorer is a Sandbox whose processes can be kept as a snapshot, from which they
// are started in other sandboxes, any number of times, as they were at that moment.
//
//	one sandbox:   Create ── Start* ── (init; everybody waits) ── Snapshot ── (goes on)
//	each other:    Create ── Restore ──┬── KillAll ── Restore or Start* ──┬── Close
//	                                   └── (crash, timeout) ──────────────┘
//
// The sandboxes must be created from Specs that show the same files and have the
// same limits.
//
// # What a restored process finds
//
//   - Its memory and its threads, which go on where they were: a system call that
//     waited waits again.
//   - Its own copy of the files in /tmp.
//   - Its standard output, its standard error and its log, which are the caller's
//     new ones: Streams.
//   - Each of its connections to the Runtime API, as a new one: at the same
//     descriptor, and from the same local address where Capabilities.Network holds.
//     The sandbox's Listener accepts it like any other, so that its remote address
//     tells which one it continues. Nothing has been sent on it in either direction.
//     What the process had asked for is still to be answered, so the server must
//     know each request that was pending when the snapshot was made.
//   - Descriptors of its own, such as pipes between its threads, eventfds, epolls,
//     timers: its own again, in the state that they had. None is shared between
//     what is restored from one snapshot.
//   - Perhaps other process ids, and a clock that has moved on.
//
// Random numbers that a process generates by itself are not made different by the
// driver, except where a new process id does so.
type Restorer interface {
	// Snapshot writes the processes of the sandbox to dir, an empty directory of
	// the host that only the daemon can read. It waits until every process does
	// nothing but wait, for as long as ctx allows, and stops them for some
	// milliseconds; afterwards they go on, whatever came of it. The caller owns
	// the directory. What is in it is the driver's, contains all that the
	// processes had in memory, secrets included, and is never changed. On an
	// error it is of no use.
	Snapshot(ctx context.Context, dir string) error
	// Restore starts the processes of the snapshot in dir, in a sandbox that has
	// none. streams has one element for each of them, in the order in which they
	// were started in the sandbox of the snapshot, and so has the result. A number
	// of streams that does not fit is an error. ctx bounds the start only.
	//
	// The files of the directory must stay until Restore returns; the driver may
	// keep what it prepares from them, until its Close or until the directory is
	// gone. On an error no process runs, and the sandbox can be used as if there
	// had been no Restore. While a process runs in the sandbox, Restore fails.
	Restore(ctx context.Context, dir string, streams []Streams) ([]Process, error)
}

// Streams are what a restored process writes to, like the fields of these names in
// Command: they are duplicated into the process, and the caller keeps and closes its
// own. Nil: /dev/null. A process that had no log gets none.
type Streams struct{ Stdout, Stderr, Log *os.File }
