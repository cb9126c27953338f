// Package environment is the life of one execution environment: a sandbox, the
// runtime and the external extensions in it, and their session with the Runtime
// and Extensions APIs.
//
//	New ──► Initializing ─┬─ ok ─────► Idle ◄───── runtime back at /next ─────┐
//	                      │             │ └── Begin ───────────────────────► Busy
//	                      │             └── a process ends ─┐                 ▲ │
//	                      └─ failed ─► Broken ◄─────────────┘                 │ │
//	                                    ▲ └── Begin, whose wait inits again ──┘ │
//	                                    └── time-out, crash, failed init ───────┘
//
//	any ── sandbox lost, Close ──► Dead
//
// The legal moves are the table in state.go.
//
// A failed init is not an error of Open or Init: as on AWS it is suppressed and
// run again inside the next invocation, whose caller gets to see the failure
// and whose time it uses. A time-out or a crash resets the environment: every
// process is ended, /tmp stays, and the next invocation starts them again. Only
// an environment whose sandbox is gone is Dead.
//
// A run is one start of the processes and ends when the first of them does:
//
//	up ── a process ends ──► failed ──┐
//	└──── time-out, reset, Close ─────┴──► stopping ──► stopped
//
// How it comes up is a start's: the cold one starts the extensions, and when all of
// them have registered, the runtime. With extensions, the end of a run is a shutdown
// phase, in AWS's times (shutdown.go); without, it is SIGKILL.
//
// One event at a time: between Begin and its free callback the environment
// belongs to that invocation. The caller's answer comes as soon as the runtime
// has given it; free comes later, when the runtime and the extensions are ready
// for the next event and the log of this one is written. free runs on the
// goroutine of the last poll, so that the usual cycle of an environment costs
// no goroutine switch beyond the two that the answer needs.
//
// A MultiConcurrent is the exception: it takes several events at a time. Functions on
// managed instances have such environments.
//
// What the environment says goes to a Recorder, line by line, in order.
package environment
