// Package output reads what the processes of an environment write, and splits
// it into what a log has as one event: lines, or frames, which runtimes that
// know them write to a descriptor of their own.
//
//	process ── stdout ──► pipe ──► lines ──┐
//	        ── stderr ──► pipe ──► lines ──┼──► Sink
//	        ── log    ──► pipe ──► frames ─┘
//
// A runtime with several worker processes may have a socket (Listen), too: each
// connection to it is a stream of lines or frames.
//
// Each stream is split apart from the others, so that what one writes does not
// end up in the line of another. Its reading goes on by itself, and on demand:
// Drain takes what has been written so far, so that what an invocation wrote
// comes before its end.
package output
