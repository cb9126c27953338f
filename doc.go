// Package hearth holds the nouns of the system: functions and their versions,
// invocations and their results, names and error kinds. Every other package
// speaks in these types.
//
// The package imports the standard library only and does no I/O. Wire formats
// live in package api. What is stored is the business of package store/schema, for
// which the nouns that are stored have explicit json tags: a field may be renamed,
// its tag may not.
package hearth
