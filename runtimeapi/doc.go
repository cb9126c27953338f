// Package runtimeapi is what function code talks to: the Lambda Runtime API
// (version 2018-06-01) and the Extensions API (2020-01-01), served to one
// execution environment. What subscribes to the Telemetry and the Logs API is
// handed to Subscriptions.
//
// A Server owns the environment's listener for as long as the environment
// lives. A Session is the protocol of one start of its processes, the runtime
// and the extensions: it begins before they are started and ends when they
// have, so a reset environment has a new Session on the same Server. The
// environment (package invoke/environment) drives both; this package knows
// nothing of processes, time-outs or logs.
//
// # States of the runtime
//
//	Started ──/next──► Ready ──event──► Running ──POST response──► InvocationResponse ─────┐
//	   │                 ▲                 │  └────POST error────► InvocationErrorResponse ┤
//	   │                 │                 └ /next: the same event again                   ▼
//	   │                 └──────────────/next────────────────────────── RuntimeResponseSentState
//	   └─POST init/error──► InitError (nothing is accepted any more)
//
// The states of an extension are in package extension. Registration closes at
// the runtime's first /next. The init phase is over when the runtime and every
// extension have asked for an event (Initialized), an invocation when those are
// back that were given it (Progress.Done).
//
// The names are AWS's own, since they appear in its error texts. What a
// process asks for in a state that does not allow it is refused with 403 and
// changes nothing; an answer to an event that is not in progress is refused with 400,
// whatever the state. InvocationResponse lasts while a body is read, so that two
// answers to one event cannot both be taken, and after an answer in a mode that does
// not exist until the next /next. A connection belongs to the Session
// in which it was accepted.
//
// A MultiConcurrent is the session of a runtime that takes several events at a time;
// see there.
//
// # Promises
//
//   - A long poll has no time limit; a runtime that was frozen finds its
//     connection alive.
//   - An event is handed to one poll at a time. When the poll's client is gone
//     the event waits for the next poll, and a runtime that polls again while
//     it should be working gets the same event again.
//   - A client that shuts down its side of the connection after a poll gets its
//     event all the same.
//   - Call.Response yields at most one answer, and Progress.Done is called at
//     most once, when the runtime and the extensions are back.
//   - Bodies and headers are bounded; see MaxHeaderBytes, MaxConnections,
//     extension.Max, MaxSubscription, hearth.MaxPayload and package headerlimit.
package runtimeapi
