// Package xray is the X-Ray daemon that functions send their trace segments to,
// by UDP, and the place where the segments are kept.
//
// A Store is a directory with a file of segments for each day, one JSON object
// a line, as the SDK sent it:
//
//	2026-11-21.jsonl	{"name":"s3","id":"...","trace_id":"1-...",...}
//
// A Daemon is one socket of one environment. It costs a goroutine that sleeps
// until a datagram comes, and segments are written by the Store a few times a
// second; whoever sends more than a bound between two writes loses the rest, as
// with any UDP daemon.
package xray
