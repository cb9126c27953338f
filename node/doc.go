// Package node is one machine, assembled: every part of hearth, each on those that
// it needs, without the program around it. It decides nothing: what is decided is
// decided in the stage that it is about, and a node only plugs one part into another.
//
//	         ┌─► edge (control, resource, policy, ...) ─┐
//	Handler ─┤                                          ├─► store: catalog, records ─► changes
//	         └─► invocation ─► queue ─► dispatch ─► pool ─► launch ─► Driver              │
//	                                                 ▲                                   │
//	                                                 └──── pool, provision, dispatch ◄───┘
//
// Open opens the parts in the order in which they need each other and Close closes
// them in reverse. The store and the sandbox driver are the caller's: a test gives a
// node those of package mem and runs the whole of it in a synctest bubble, and two
// nodes can have one store.
package node
