// Package logs keeps what environments emit: platform events rendered as AWS
// prints them, and the lines of the functions' own output.
//
// A Store is a directory of log groups; a group holds one file per log stream,
// a stream belongs to one environment. Each line of a file is one log event:
//
//	2026-11-21T01:20:02.123Z START RequestId: 6b3c... Version: $LATEST
//
// Newlines in an event are escaped there.
//
// Appending never waits for the disk: lines gather in memory and one goroutine
// of the Store writes them a few times a second, so a crash of the daemon can
// lose the last fraction of a second of logs. A stream that outruns the disk
// loses lines rather than memory, and says how many.
//
// A Recorder joins a stream to an environment: it is what package
// invoke/environment writes to.
package logs
