// Package runtimeapi is what function code talks to: the Lambda Runtime API
// (version 2018-06-01), served to one execution environment.
//
// A Server owns the environment's listener for as long as the environment
// lives. A Session is the protocol of one runtime process: it begins when the
// process is started and ends when the process has, so a reset environment has
// a new Session on the same Server. The environment (package
// invoke/environment) drives both; this package knows nothing of processes,
// time-outs or logs.
//
// # States of a Session
//
//	Started ──/next──► Ready ──event──► Running ──POST response──► InvocationResponse ─────┐
//	   │                 ▲                 │  └────POST error────► InvocationErrorResponse ┤
//	   │                 │                 └ /next: the same event again                   ▼
//	   │                 └──────────────/next────────────────────────── RuntimeResponseSentState
//	   └─POST init/error──► InitError (nothing is accepted any more)
//
// The names are AWS's own, since they appear in its error texts. What a
// runtime asks for in a state that does not allow it is refused with 403 and
// changes nothing. InvocationResponse lasts while a body is read, so that two
// answers to one event cannot both be taken. A connection belongs to the Session
// in which it was accepted.
//
// # Promises
//
//   - A long poll has no time limit; a runtime that was frozen finds its
//     connection alive.
//   - An event is handed to one poll at a time. When the poll's client is gone
//     the event waits for the next poll, and a runtime that polls again while
//     it should be working gets the same event again.
//   - Call.Response yields at most one answer, and the call's onDone is called
//     at most once, when the runtime is back at /next.
//   - Bodies and headers are bounded; see MaxHeaderBytes, MaxConnections and
//     hearth.MaxPayload.
package runtimeapi
