// Package hearth holds the nouns of the system: functions and their versions,
// invocations and their results, names and error kinds. Every other package
// speaks in these types.
//
// The package imports the standard library only and does no I/O. Wire formats
// live in package api, storage formats in package store/catalog; a type here is
// neither.
package hearth
