// Package runtimes serves AWS's managed runtimes without AWS's images: it
// knows the Lambda runtime identifiers, finds the interpreters that the host
// has, and holds hearth's own bootstraps, the small programs that run a
// handler against the Runtime API.
//
//	function (python3.12) ── Plan ──> host directories to show in the sandbox
//	                           │        (interpreter, bootstrap, host packages)
//	                           ├─ /var/runtime: bootstrap, and links to an SDK of package sdk
//	                           └─ Command(paths) ──> what to execute there
//
// A Set is made once per daemon. Plan looks an identifier up in the table,
// applies the operator's substitutions, finds an interpreter of exactly that
// version and writes the bootstrap's files once; what it returns is plain
// data. The sandbox is built from it, and Plan.Command then gives the command
// in terms of the paths that the sandbox reports, so a sandbox with its own
// root and one without take the same way.
//
// An interpreter of another minor version (Python) or major version (Node) is
// never used silently: a missing one is an error that says what to install,
// and a substitution by the operator is repeated in Plan.Warning.
//
// The package starts interpreters to learn what they are, never to run
// function code. Sandboxes are expected to show the host's /usr, /bin, /sbin
// and /lib* trees by themselves; everything else that an interpreter needs is
// in Plan.Mounts.
package runtimes
