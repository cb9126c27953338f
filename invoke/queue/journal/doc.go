// Package journal keeps what must survive power loss while it waits: records
// of an id, a state that changes a few times, and a payload that does not. The
// index is in memory, the truth is a log on disk.
//
//	Commit ─┐                        ┌ entry 7 ┐┌ entry 8 ──────┐
//	Commit ─┼─ committer ─ Append ─► │put a    ││put b put c    │ … ─► disk
//	Commit ─┘  one at a time         └─────────┘└set a done b ──┘
//	                │
//	                └─ then the index changes, and each Commit returns
//
// # Group commit
//
// A disk syncs a few thousand times a second; more events than that arrive. So
// one goroutine writes, and while it waits for a sync the next operations
// gather and become one entry, with one sync for all of them. Nothing lingers:
// an operation that comes alone is written at once. The operations of one
// Commit are in one entry, and so happen together or not at all.
//
// # Room
//
// What is done stays in the log until everything before it is done too; then
// the log is trimmed. When a few old records, which wait for their retry, keep
// much of it alive, the committer carries them forward: it writes them again
// at the end. It does so in its own entries and before the operations of
// others, so that a record that is done cannot come back.
//
// # Starting
//
// Open reads the log and returns what is live. A crash loses nothing that a
// Commit returned nil for. What a Commit was at when the power went may have
// happened or not, and a Commit that failed for want of an answer may show
// itself at the next Open.
package journal
